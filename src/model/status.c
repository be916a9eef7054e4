#include "model/status.h"

#include "base/json.h"

#include <string.h>

static void callback_clear(gpointer data)
{
	struct status_callback *callback = data;
	g_free(callback->name);
	g_free(callback->health.error);
	g_free(callback->last_error);
	g_free(callback->last_refusal);
}

static void fire_clear(gpointer data)
{
	struct status_fire *fire = data;
	g_free(fire->action_name);
	g_free(fire->callback);
}

static GArray *list_new(size_t size, GDestroyNotify clear)
{
	GArray *list = g_array_new(FALSE, FALSE, (guint)size);
	g_array_set_clear_func(list, clear);
	return list;
}

void status_init(struct status *status)
{
	*status = (struct status){
		.pid = STATUS_UNKNOWN,
		.memory = STATUS_UNKNOWN,
		.started_at = TIME_US_MIN,
		.uptime = STATUS_UNKNOWN,
		.cpu = STATUS_UNKNOWN,
		.held_since = TIME_US_MIN,
		.active = STATUS_UNKNOWN,
		.paused = STATUS_UNKNOWN,
		.finished = STATUS_UNKNOWN,
		.bad = STATUS_UNKNOWN,
		.open_count = STATUS_UNKNOWN,
		.rate_minute = STATUS_UNKNOWN,
		.rate_total = STATUS_UNKNOWN,
		.callbacks = list_new(sizeof(struct status_callback), callback_clear),
		.next_fires = list_new(sizeof(struct status_fire), fire_clear),
		.open_fires = list_new(sizeof(struct status_fire), fire_clear),
	};
	for (size_t i = 0; i < G_N_ELEMENTS(status->ended); i++)
		status->ended[i] = STATUS_UNKNOWN;
}

void status_clear(struct status *status)
{
	g_free(status->version);
	g_free(status->owner);
	g_free(status->held_reason);
	g_free(status->actions_db.place);
	g_free(status->actions_db.health.error);
	g_free(status->internal_db.place);
	g_free(status->internal_db.health.error);
	g_array_unref(status->callbacks);
	g_array_unref(status->next_fires);
	g_array_unref(status->open_fires);
	*status = (struct status){0};
}

bool status_is_healthy(const struct status *status)
{
	bool healthy = status->running && status->actions_db.health.health != HEALTH_FAILING &&
		       status->internal_db.health.health != HEALTH_FAILING;
	for (guint i = 0; i < status->callbacks->len; i++)
		healthy &= g_array_index(status->callbacks, struct status_callback, i).health.health !=
			   HEALTH_FAILING;
	return healthy;
}

/* --- JSON --- */

static json_t *text_json(const char *text)
{
	return json_text(text, text ? strlen(text) : 0);
}

static json_t *time_json(time_us t)
{
	char text[TIME_TEXT_MAX];
	return t == TIME_US_MIN ? json_null() : json_string(time_format_utc(t, text));
}

static json_t *count_json(int64_t count)
{
	return count == STATUS_UNKNOWN ? json_null() : json_integer(count);
}

/* Three digits after the point say enough. */
static json_t *rate_json(double rate)
{
	return rate < 0 ? json_null() : json_real((double)(int64_t)(rate * 1000 + 0.5) / 1000);
}

static json_t *seconds_json(dur_us d)
{
	return d == STATUS_UNKNOWN ? json_null() : json_real((double)d / (double)US_PER_SECOND);
}

static const char *health_name(enum health health)
{
	switch (health) {
	case HEALTH_OK: return "ok";
	case HEALTH_FAILING: return "failing";
	case HEALTH_UNUSED: return "unused";
	default: return NULL;
	}
}

/* The keys in the order in which they are to stand. */
static void health_put(json_t *object, const struct status_health *health)
{
	bool failing = health->health == HEALTH_FAILING;
	json_object_set_new(object, "health", text_json(health_name(health->health)));
	json_object_set_new(object, "error", failing ? text_json(health->error) : json_null());
	json_object_set_new(object, "since", failing ? time_json(health->since) : json_null());
}

static json_t *database_json(const struct status_database *database)
{
	json_t *object = json_object();
	json_object_set_new(object, "place", text_json(database->place));
	health_put(object, &database->health);
	return object;
}

static json_t *backlog_json(const struct status_backlog *backlog)
{
	bool any = backlog->records > 0;
	json_t *object = json_object();
	json_object_set_new(object, "stretches", json_integer(backlog->records));
	json_object_set_new(object, "from", any ? time_json(backlog->from) : json_null());
	json_object_set_new(object, "to", any ? time_json(backlog->to) : json_null());
	json_object_set_new(object, "left", seconds_json(backlog->left));
	json_object_set_new(object, "done_at", any ? time_json(backlog->done_at) : json_null());
	return object;
}

static json_t *callback_json(const struct status_callback *callback)
{
	json_t *object = json_object();
	json_object_set_new(object, "name", text_json(callback->name));
	health_put(object, &callback->health);
	json_object_set_new(object, "last_error", text_json(callback->last_error));
	json_object_set_new(object, "last_error_at", time_json(callback->last_error_at));
	json_object_set_new(object, "last_refusal", text_json(callback->last_refusal));
	json_object_set_new(object, "last_refusal_at", time_json(callback->last_refusal_at));
	json_object_set_new(object, "watermark", time_json(callback->watermark));
	json_object_set_new(object, "clock_epoch", json_integer(callback->clock_epoch));
	json_object_set_new(object, "late_since", time_json(callback->late_since));
	json_object_set_new(object, "handed_out", count_json(callback->handed_out));
	json_object_set_new(object, "open", count_json(callback->open));
	json_object_set_new(object, "backlog", backlog_json(&callback->backlog));
	json_object_set_new(object, "delivered", count_json(callback->delivered));
	json_object_set_new(object, "refused", count_json(callback->refused));
	json_object_set_new(object, "rate", rate_json(callback->rate));
	return object;
}

static json_t *fire_json(const struct status_fire *fire)
{
	char id[FIRE_ID_MAX];
	json_t *object = json_object();
	fire_id_format(fire->action_id, fire->nominal, fire->manual, id);
	json_object_set_new(object, "fire_id", json_string(id));
	json_object_set_new(object, "action_id", json_integer(fire->action_id));
	json_object_set_new(object, "action_name", text_json(fire->action_name));
	json_object_set_new(object, "callback", text_json(fire->callback));
	json_object_set_new(object, "scheduled_at", time_json(fire->nominal));
	json_object_set_new(object, "due_at", time_json(fire->due_at));
	return object;
}

static json_t *open_json(const struct status_fire *fire)
{
	bool waits = fire->next_attempt_at != TIME_US_MIN;
	json_t *object = fire_json(fire);
	json_object_set_new(object, "state",
		json_string(waits              ? "waiting"
			    : fire->handed_out ? "handed_out"
					       : "ready"));
	json_object_set_new(object, "attempts", json_integer(fire->attempts));
	json_object_set_new(object, "next_attempt_at", time_json(fire->next_attempt_at));
	return object;
}

static json_t *lateness_json(const struct status_lateness *late)
{
	bool any = late->count > 0;
	json_t *object = json_object();
	json_object_set_new(object, "fires", json_integer((json_int_t)late->count));
	json_object_set_new(object, "p50", any ? seconds_json(late->p50) : json_null());
	json_object_set_new(object, "p99", any ? seconds_json(late->p99) : json_null());
	json_object_set_new(object, "max", any ? seconds_json(late->max) : json_null());
	return object;
}

static json_t *pair_json(const char *first, json_t *a, const char *second, json_t *b)
{
	json_t *object = json_object();
	json_object_set_new(object, first, a);
	json_object_set_new(object, second, b);
	return object;
}

static json_t *actions_json(const struct status *status)
{
	json_t *object = json_object();
	json_object_set_new(object, "active", count_json(status->active));
	json_object_set_new(object, "paused", count_json(status->paused));
	json_object_set_new(object, "finished", count_json(status->finished));
	json_object_set_new(object, "bad", count_json(status->bad));
	return object;
}

static json_t *ended_json(const struct status *status)
{
	json_t *object = json_object();
	for (size_t i = 0; i < G_N_ELEMENTS(status->ended); i++)
		json_object_set_new(
			object, fire_status_name((enum fire_status)i), count_json(status->ended[i]));
	return object;
}

static void process_put(json_t *object, const struct status *status)
{
	json_object_set_new(object, "version", text_json(status->version));
	json_object_set_new(object, "pid", count_json(status->pid));
	json_object_set_new(object, "started_at", time_json(status->started_at));
	json_object_set_new(object, "uptime", seconds_json(status->uptime));
	json_object_set_new(object, "memory", count_json(status->memory));
	json_object_set_new(object, "cpu", seconds_json(status->cpu));
	json_object_set_new(object, "owner", text_json(status->owner));
	json_object_set_new(
		object, "owner_holds", status->running ? json_null() : json_boolean(status->owner_holds));
}

static void lists_put(json_t *object, const struct status *status)
{
	json_t *callbacks = json_array(), *next = json_array(), *open = json_array();
	for (guint i = 0; i < status->callbacks->len; i++)
		json_array_append_new(callbacks,
			callback_json(&g_array_index(status->callbacks, struct status_callback, i)));
	for (guint i = 0; i < status->next_fires->len; i++)
		json_array_append_new(
			next, fire_json(&g_array_index(status->next_fires, struct status_fire, i)));
	for (guint i = 0; i < status->open_fires->len; i++)
		json_array_append_new(
			open, open_json(&g_array_index(status->open_fires, struct status_fire, i)));
	json_object_set_new(object, "callbacks", callbacks);
	json_object_set_new(object, "callback_count", json_integer(status->callback_count));
	json_object_set_new(object, "actions", actions_json(status));
	json_object_set_new(object, "next_fires", next);
	json_object_set_new(object, "open_fires", open);
	json_object_set_new(object, "open_count", count_json(status->open_count));
}

json_t *status_json(const struct status *status)
{
	json_t *object = json_object();
	json_object_set_new(object, "running", json_boolean(status->running));
	json_object_set_new(object, "healthy", json_boolean(status_is_healthy(status)));
	json_object_set_new(object, "at", time_json(status->at));
	process_put(object, status);
	json_object_set_new(object, "held", json_boolean(status->held));
	json_object_set_new(object, "held_since", time_json(status->held_since));
	json_object_set_new(object, "held_reason", text_json(status->held_reason));
	json_object_set_new(object, "actions_db", database_json(&status->actions_db));
	json_object_set_new(object, "internal_db", database_json(&status->internal_db));
	lists_put(object, status);
	json_object_set_new(object, "lateness",
		pair_json("last_minute", lateness_json(&status->late_minute), "since_start",
			lateness_json(&status->late_total)));
	json_object_set_new(object, "rate",
		pair_json("last_minute", rate_json(status->rate_minute), "since_start",
			rate_json(status->rate_total)));
	json_object_set_new(object, "ended", ended_json(status));
	return object;
}
