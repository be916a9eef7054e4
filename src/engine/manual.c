/* Fires that were asked for: they are durable before they are handed out. */
#include "engine/internal.h"

#include <string.h>

static void flight_ask(struct action *action, struct engine *engine, struct position position,
	const char *manual, uint16_t attempts)
{
	struct lane *lane = engine->lanes[action->lane];
	struct flight *flight = flight_new(lane, NULL, action, position, false);
	flight->manual = manual && *manual ? g_strdup(manual) : NULL;
	flight->attempts = flight->attempts_before = attempts;
	flight->asked = true;
	lane->asked++;
	flight->handed = true; /* it is not missed, however late it is, and no limit skips it */
	if (lane->lasting)
		run_enter(lane, flight);
	flight_record(lane, flight);
}

static bool is_busy(const struct engine *engine, const struct action *action)
{
	return engine->lanes[action->lane]->asked >= engine->options.asked_max;
}

enum engine_asked engine_trigger(struct engine *engine, int64_t action_id, const char *uuid)
{
	struct action *action = action_list_find(&engine->actions, action_id);
	if (!action || engine->stopped)
		return ENGINE_NO_ACTION;
	if (is_busy(engine, action))
		return ENGINE_BUSY;
	flight_ask(action, engine, (struct position){engine->now, action_id, engine->now}, uuid, 0);
	return ENGINE_QUEUED;
}

/* A manual one is told by its UUID. */
static bool is_fire(const struct flight *flight, const struct open_fire *fire)
{
	return flight->action_id == fire->action_id &&
	       (*fire->manual || flight->position.nominal == fire->nominal) &&
	       strcmp(flight->manual ? flight->manual : "", fire->manual) == 0;
}

static bool is_under_way(const struct engine *engine, const struct open_fire *fire)
{
	for (uint16_t i = 0; i < engine->lane_count; i++)
		for (const struct flight *f = engine->lanes[i]->open_first; f; f = f->next)
			if (is_fire(f, fire))
				return true;
	/* The history knows how it ended only once that is durable. */
	for (guint i = 0; i < engine->retiring->len; i++)
		if (is_fire(engine->retiring->pdata[i], fire))
			return true;
	return false;
}

enum engine_asked engine_retry(struct engine *engine, const struct open_fire *fire)
{
	struct action *action = action_list_find(&engine->actions, fire->action_id);
	if (!action || engine->stopped)
		return ENGINE_NO_ACTION;
	if (is_under_way(engine, fire))
		return ENGINE_UNDER_WAY;
	if (is_busy(engine, action))
		return ENGINE_BUSY;
	struct position position = {fire->due_at, fire->action_id, fire->nominal};
	flight_ask(action, engine, position, fire->manual, MAX(1, fire->attempts));
	return ENGINE_QUEUED;
}

uint64_t engine_next_sequence(const struct engine *engine)
{
	return engine->next_sequence + 1;
}
