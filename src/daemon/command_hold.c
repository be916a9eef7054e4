/* hold and release: all waits, for maintenance. */
#include "base/clock.h"
#include "base/json.h"
#include "daemon/command_call.h"
#include "daemon/internal.h"

#include <string.h>

json_t *held_told(const struct daemon *d)
{
	const struct hold *hold = engine_held(d->engine);
	char since[TIME_TEXT_MAX];
	if (!hold)
		return json_null();
	json_t *told = json_object();
	json_object_set_new(told, "since", json_string(time_format_utc(hold->since, since)));
	if (hold->reason)
		json_object_set_new(told, "reason", json_text(hold->reason, strlen(hold->reason)));
	return told;
}

/* Where nothing changed it may still be on its way into internal_db, asked for by somebody else. */
static struct command_call *end(struct command_call *call, bool changed)
{
	struct daemon *d = call->commands->daemon;
	uint64_t sequence = engine_hold_sequence(d->engine);
	json_object_set_new(call->told, "changed", json_boolean(changed));
	json_object_set_new(call->told, "held", held_told(d));
	report_status(d);
	if (sequence)
		return call_end_with(call, sequence);
	call_end(call);
	return NULL;
}

struct command_call *command_hold(struct command_call *call, const struct control_request *request)
{
	struct engine *engine = call->commands->daemon->engine;
	/* The engine knows the time of the turn before. */
	engine_clock(engine, clock_now(), clock_boottime());
	return end(call, engine_hold(engine, request->reason));
}

struct command_call *command_release(struct command_call *call, const struct control_request *request)
{
	struct engine *engine = call->commands->daemon->engine;
	engine_clock(engine, clock_now(), clock_boottime());
	return end(call, engine_release(engine, request->skip));
}
