/* The commands trigger and retry. */
#include "base/clock.h"
#include "base/json.h"
#include "daemon/command_call.h"
#include "daemon/internal.h"

#include <string.h>

/* --- what is told of a fire --- */

/* A code is for programs, the text for people. */
static json_t *refusal(const char *code, const char *text)
{
	json_t *told = json_object();
	json_object_set_new(told, "code", json_string(code));
	json_object_set_new(told, "error", json_text(text, strlen(text)));
	return told;
}

static json_t *refusal_no_action(void)
{
	return refusal("no_action",
		"no such action fires: there is no row, or it is paused or bad, or it has "
		"not been seen yet");
}

static json_t *refusal_under_way(void)
{
	return refusal("under_way", "it is being run, or waits for its next attempt, already");
}

static json_t *refusal_busy(void)
{
	return refusal("busy",
		"as many fires that were asked for wait for its callback already as may (" G_STRINGIFY(
			ENGINE_ASKED_MAX) "): ask again once some are over");
}

/* Not ENGINE_QUEUED. */
static json_t *refusal_of(enum engine_asked asked)
{
	switch (asked) {
	case ENGINE_UNDER_WAY: return refusal_under_way();
	case ENGINE_BUSY: return refusal_busy();
	default: return refusal_no_action();
	}
}

/* Of a fire that will run. */
static json_t *queued(const struct action *action, time_us nominal, const char *manual, uint16_t attempts)
{
	char id[FIRE_ID_MAX], at[TIME_TEXT_MAX];
	json_t *fire = json_object();
	json_object_set_new(fire, "fire_id", json_string(fire_id_format(action->id, nominal, manual, id)));
	json_object_set_new(fire, "action_name", json_text(action_name(action), action->name_length));
	json_object_set_new(fire, "status", json_string("queued"));
	json_object_set_new(fire, "scheduled_at", json_string(time_format_utc(nominal, at)));
	json_object_set_new(fire, "attempts", json_integer(attempts));
	return fire;
}

/* The same key comes first in each. */
static void fires_add(json_t *fires, const char *key, json_t *subject, json_t *told)
{
	json_t *fire = json_object();
	json_object_set_new(fire, key, subject);
	json_object_update(fire, told);
	json_decref(told);
	json_array_append_new(fires, fire);
}

/* Takes the list over. It is answered once what was queued is durable. */
static struct command_call *fires_told(struct command_call *call, json_t *fires, bool any_queued)
{
	const struct daemon *d = call->commands->daemon;
	json_object_set_new(call->told, "fires", fires);
	/* What is queued waits for the end of that. */
	if (any_queued && engine_held(d->engine))
		json_object_set_new(call->told, "held", held_told(d));
	if (any_queued)
		return call_end_durable(call);
	call_end(call);
	return NULL;
}

/* --- trigger --- */

struct command_call *command_trigger(struct command_call *call, const struct control_request *request)
{
	struct engine *engine = call->commands->daemon->engine;
	json_t *fires = json_array();
	bool any = false;
	/* The engine takes its nominal time from the clock, which it was last told of in the turn before. */
	time_us now = clock_now();
	engine_clock(engine, now, clock_boottime());
	for (guint i = 0; i < request->ids->len; i++) {
		int64_t id = g_array_index(request->ids, int64_t, i);
		g_autofree char *uuid = g_uuid_string_random();
		enum engine_asked asked = engine_trigger(engine, id, uuid);
		any |= asked == ENGINE_QUEUED;
		fires_add(fires, "action_id", json_integer(id),
			asked == ENGINE_QUEUED ? queued(engine_find_action(engine, id), now, uuid, 0)
					       : refusal_of(asked));
	}
	return fires_told(call, fires, any);
}

/* --- retry: what is in the history decides, and the journal thread reads it --- */

/* What ends between the look and the answer is told by the engine: it counts as under way until its end is
 * durable, and the journal thread does one thing after the other. */
struct command_call *command_retry(struct command_call *call, const struct control_request *request)
{
	struct commands *commands = call->commands;
	struct lookup *lookup = lookup_new(request->fires->len);
	for (guint i = 0; i < request->fires->len; i++) {
		const struct control_fire *fire = &g_array_index(request->fires, struct control_fire, i);
		struct looked_up *of = &lookup->fires[i];
		g_strlcpy(of->fire_id, fire->id, sizeof of->fire_id);
		g_strlcpy(of->manual, fire->manual, sizeof of->manual);
		of->action_id = fire->action_id;
		of->nominal = fire->nominal;
	}
	g_queue_push_tail(&commands->retries, call);
	journal_thread_look_up(commands->daemon->journal_thread, lookup);
	return call;
}

/* Not delivered, merged, ... but failed is what can be run again. */
static json_t *refusal_not_failed(enum fire_status status)
{
	g_autofree char *text =
		g_strdup_printf("it has not failed, it is recorded as %s", fire_status_name(status));
	return refusal("not_failed", text);
}

static json_t *fire_retry(struct daemon *d, const struct looked_up *found, bool *done)
{
	const struct action *action = engine_find_action(d->engine, found->action_id);
	struct open_fire open = {.action_id = found->action_id,
		.nominal = found->nominal,
		.due_at = found->nominal,
		.attempts = found->attempts,
		.attempts_before = found->attempts};
	g_strlcpy(open.manual, found->manual, sizeof open.manual);
	if (manual_run_holds(d->manual, &open))
		return refusal_under_way();
	if (!found->found)
		return refusal("not_found", "there is no such fire in the history");
	if (found->status != STATUS_FAILED)
		return refusal_not_failed(found->status);
	if (action && !*open.manual)
		open.due_at = fire_due_at(action->schedule, action->id, found->nominal);
	enum engine_asked asked = engine_retry(d->engine, &open);
	*done |= asked == ENGINE_QUEUED;
	return asked == ENGINE_QUEUED ? queued(action, found->nominal, found->manual, found->attempts)
				      : refusal_of(asked);
}

void commands_looked_up(struct commands *commands, struct lookup *lookup)
{
	struct command_call *call = g_queue_pop_head(&commands->retries);
	json_t *fires = json_array();
	bool any = false;
	for (size_t i = 0; i < lookup->count; i++) {
		const struct looked_up *found = &lookup->fires[i];
		json_t *told = lookup->error ? refusal("unavailable", lookup->error)
					     : fire_retry(commands->daemon, found, &any);
		json_object_set_new(told, "action_id", json_integer(found->action_id));
		fires_add(fires, "fire_id", json_string(found->fire_id), told);
	}
	fires_told(call, fires, any);
	lookup_free(lookup);
}
