/* Looks inside: what they cost does not grow with the number of actions, but for engine_each_action. */
#include "engine/internal.h"

/* --- lanes --- */

/* A stretch may begin before all that can be written: then it counts from where something of it was
 * dispatched.
 */
static dur_us record_left(const struct record *record)
{
	time_us from = record->data.cursor.due_at, to = MIN(record->data.to.due_at, record->data.fire_until);
	if (from == TIME_US_MIN || to <= from)
		return 0;
	return to - from;
}

static dur_us backlog_left(const struct lane *lane)
{
	dur_us left = 0;
	for (guint i = 0; i < lane->records->len; i++)
		left += record_left(lane->records->pdata[i]);
	return left;
}

void engine_lane_status(const struct engine *engine, uint16_t index, struct engine_lane_status *out)
{
	const struct lane *lane = engine->lanes[index];
	const struct record *first = lane->records->len ? lane->records->pdata[0] : NULL;
	const struct cursor *next = source_top(&lane->source);
	*out = (struct engine_lane_status){
		.name = lane->name,
		.watermark = lane->watermark,
		.next_due = next ? next->head.due_at : TIME_US_MAX,
		.clock_epoch = lane->clock_epoch,
		.in_flight = lane->in_flight,
		.open = lane->open_count,
		.retained = lane->retained,
		.asked = lane->asked,
		.backlog_records = lane->records->len,
		.backlog_left = backlog_left(lane),
		.backlog_walked = lane->backlog_walked,
		.backlog_from = first ? first->data.cursor.due_at : TIME_US_MIN,
		.backlog_to = first ? first->data.to.due_at : TIME_US_MIN,
		.waiting = lane->blocked_until > engine->boottime,
	};
}

size_t engine_action_count(const struct engine *engine)
{
	return engine->actions.count;
}

const struct action *engine_find_action(const struct engine *engine, int64_t id)
{
	return action_list_find(&engine->actions, id);
}

size_t engine_schedule_count(const struct engine *engine)
{
	size_t count = 0;
	for (uint16_t i = 0; i < engine->lane_count; i++)
		count += engine->lanes[i]->cohorts ? g_hash_table_size(engine->lanes[i]->cohorts) : 0;
	return count;
}

void engine_each_action(const struct engine *engine, engine_action_fn each, void *context)
{
	struct position now = position_end_of(engine->now), next = now;
	for (uint32_t i = 0; i < engine->actions.count; i++) {
		const struct action *action = engine->actions.items[i];
		bool has_next = fire_next(action->schedule, action->id, now, &next);
		each(context, action, has_next, next.due_at);
	}
}

/* --- actions and fires to come --- */

size_t engine_firing_count(const struct engine *engine)
{
	size_t count = 0;
	for (uint16_t i = 0; i < engine->lane_count; i++)
		count += engine->lanes[i]->source.members;
	return count;
}

/* Cursors of a lane, and of all, that are looked at although their fire is due by now. */
#define OVERDUE_MAX     256
#define OVERDUE_ALL_MAX 2048

/* A copy of a cursor, which goes on by itself; and the place in the heap where it stood, below which there
 * are later ones. */
struct glance {
	struct cursor cursor;
	struct lane *lane;
	uint32_t place; /* UINT32_MAX: what is below it is being looked at already */
};

struct glances {
	GArray *ahead;     /* struct glance, in no order: there are few */
	uint32_t *overdue; /* for each lane */
	uint32_t overdue_all;
	time_us now;
};

static void glance_add(struct glances *glances, struct lane *lane, uint32_t place)
{
	if (place >= lane->source.count || glances->overdue[lane->index] > OVERDUE_MAX)
		return;
	struct glance glance = {*lane->source.heap[place], lane, place};
	g_array_append_val(glances->ahead, glance);
}

static guint glance_first(const struct glances *glances)
{
	guint first = 0;
	for (guint i = 1; i < glances->ahead->len; i++)
		if (position_compare(g_array_index(glances->ahead, struct glance, i).cursor.head,
			    g_array_index(glances->ahead, struct glance, first).cursor.head) < 0)
			first = i;
	return first;
}

static void lane_look_away(struct glances *glances, const struct lane *lane)
{
	for (guint i = glances->ahead->len; i > 0; i--)
		if (g_array_index(glances->ahead, struct glance, i - 1).lane == lane)
			g_array_remove_index_fast(glances->ahead, i - 1);
}

/* The first fire of all; true where it is one to tell. What is due by now is passed over, before any other.
 */
static bool glance_next(struct glances *glances, struct engine_next *out)
{
	guint first = glance_first(glances);
	struct glance glance = g_array_index(glances->ahead, struct glance, first);
	g_array_remove_index_fast(glances->ahead, first);
	bool to_come = glance.cursor.head.due_at > glances->now;
	*out = (struct engine_next){cursor_action(&glance.cursor), glance.cursor.head};
	if (!to_come && (++glances->overdue[glance.lane->index] > OVERDUE_MAX ||
				++glances->overdue_all > OVERDUE_ALL_MAX)) {
		glances->overdue[glance.lane->index] = OVERDUE_MAX + 1;
		lane_look_away(glances, glance.lane);
		return false;
	}
	if (glance.place != UINT32_MAX) {
		glance_add(glances, glance.lane, 2 * glance.place + 1);
		glance_add(glances, glance.lane, 2 * glance.place + 2);
		glance.place = UINT32_MAX;
	}
	/* Of each action once: the others that share its schedule are due with it, and without jitter. */
	if (cursor_seek(&glance.cursor, to_come ? out->position : position_end_of(glances->now)) &&
		(!to_come || (glance.cursor.head.due_at == out->position.due_at &&
				     !schedule_jitter(glance.cursor.schedule))))
		g_array_append_val(glances->ahead, glance);
	return to_come;
}

size_t engine_next_fires(const struct engine *engine, struct engine_next *out, size_t max)
{
	size_t count = 0;
	g_autofree uint32_t *overdue = g_new0(uint32_t, engine->lane_count + 1u);
	g_autoptr(GArray) ahead = g_array_new(FALSE, FALSE, sizeof(struct glance));
	struct glances glances = {ahead, overdue, 0, engine->now};
	for (uint16_t i = 0; i < engine->lane_count; i++)
		glance_add(&glances, engine->lanes[i], 0);
	max = MIN(max, ENGINE_NEXT_MAX);
	while (count < max && ahead->len > 0)
		count += glance_next(&glances, &out[count]);
	return count;
}

/* --- open fires --- */

size_t engine_open_fires(const struct engine *engine, uint16_t index, struct engine_open *out, size_t max)
{
	size_t count = 0;
	const struct flight *flight = engine->lanes[index]->open_first;
	for (; flight && count < max; flight = flight->next) {
		if (flight->state == FLIGHT_DONE)
			continue;
		bool waits = flight->state == FLIGHT_WAITING;
		out[count++] = (struct engine_open){
			.action = flight->action,
			.action_id = flight->action_id,
			.position = flight->position,
			.manual = flight->manual,
			.attempts = flight->attempts,
			.next_attempt_at = waits ? flight->next_attempt_at : TIME_US_MIN,
			.handed_out = flight->state == FLIGHT_SUBMITTED,
		};
	}
	return count;
}
