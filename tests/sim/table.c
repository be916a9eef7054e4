#include "sim.h"

#include <string.h>

/* Few, so that actions share them; up to 00:12 of the first day, and over days. */
static const char *const short_schedules[] = {
	"{\"format\":\"apscheduler\",\"params\":{\"second\":\"*/5\"}}",
	"{\"format\":\"apscheduler\",\"params\":{\"second\":\"*/20\"}}",
	"{\"format\":\"unix\",\"params\":{\"value\":\"* * * * *\"}}",
	"{\"format\":\"apscheduler\",\"params\":{\"second\":\"*/10\",\"jitter\":3}}",
	"{\"format\":\"apscheduler\",\"params\":{\"second\":\"*/5\",\"jitter\":12}}",
	"{\"format\":\"interval\",\"params\":{\"seconds\":7}}",
	"{\"format\":\"interval\",\"params\":{\"seconds\":30,\"jitter\":45,"
	"\"end_date\":\"2024-01-01 00:08:00\"}}",
	"{\"format\":\"date\",\"params\":{\"run_date\":\"2024-01-01 00:04:30\"}}",
	"{\"format\":\"apscheduler\",\"params\":{\"second\":\"*/3\",\"end_date\":\"2024-01-01 00:05:00\"}}",
	("{\"format\":\"apscheduler\",\"params\":{\"second\":\"*/15\",\"jitter\":20,"
	 "\"end_date\":\"2024-01-01 00:06:07\"}}"),
	"{\"format\":\"apscheduler\",\"params\":{\"end_date\":\"2024-01-01 00:03:00\"}}",
};
static const char *const long_schedules[] = {
	"{\"format\":\"unix\",\"params\":{\"value\":\"*/30 * * * *\"}}",
	"{\"format\":\"unix\",\"params\":{\"value\":\"0 * * * *\"}}",
	"{\"format\":\"unix\",\"params\":{\"value\":\"15 3 * * *\"}}",
	"{\"format\":\"interval\",\"params\":{\"hours\":5}}",
	"{\"format\":\"apscheduler\",\"params\":{\"hour\":\"*/6\",\"jitter\":1800}}",
	"{\"format\":\"apscheduler\",\"params\":{\"minute\":\"*/20\",\"jitter\":3600}}",
	("{\"format\":\"apscheduler\",\"params\":{\"hour\":\"*/3\",\"jitter\":7200,"
	 "\"end_date\":\"2024-01-03 04:30:00\"}}"),
	"{\"format\":\"date\",\"params\":{\"run_date\":\"2024-01-02 12:00:00\"}}",
	"{\"format\":\"apscheduler\",\"params\":{\"minute\":\"*/15\",\"end_date\":\"2024-01-02 07:00:00\"}}",
};
#define SHORT_COUNT ((int)G_N_ELEMENTS(short_schedules))
#define LONG_COUNT  ((int)G_N_ELEMENTS(long_schedules))

static struct schedule *pool[SHORT_COUNT + LONG_COUNT];

void pool_open(void)
{
	struct zone *utc = zone_new_utc();
	struct schedule_context context = {.timezone = utc};
	for (int i = 0; i < SHORT_COUNT + LONG_COUNT; i++) {
		const char *text = i < SHORT_COUNT ? short_schedules[i] : long_schedules[i - SHORT_COUNT];
		g_autoptr(GError) error = NULL;
		pool[i] = schedule_parse(text, strlen(text), &context, &error);
		if (!pool[i])
			g_error("%s: %s", text, error->message);
	}
	zone_unref(utc);
}

void pool_close(void)
{
	for (int i = 0; i < SHORT_COUNT + LONG_COUNT; i++)
		schedule_unref(pool[i]);
}

struct schedule *pool_schedule(int32_t index)
{
	return pool[index];
}

int64_t sim_id(int index)
{
	return (int64_t)index * 5 - 3;
}

int sim_index(int64_t id)
{
	int64_t index = (id + 3) / 5;
	return index >= 0 && index < SIM_IDS && sim_id((int)index) == id ? (int)index : -1;
}

struct action *action_from_def(const struct world *world, int index, const struct def *def)
{
	struct action *action = g_malloc0(sizeof(*action) + 2);
	action->id = sim_id(index);
	action->schedule = schedule_ref(pool[def->schedule]);
	action->refs = 1;
	action->actuality_s = def->actuality_s;
	action->catch_up_limit = def->catch_up_limit;
	action->max_instances = def->max_instances;
	action->max_attempts = def->max_attempts;
	action->lane = world->lane_index[def->lane];
	action->merge_missed = def->merge_missed;
	return action;
}

static int32_t draw_schedule(struct world *world)
{
	if (world->script.long_times)
		return SHORT_COUNT + (int32_t)rng_below(&world->rng, LONG_COUNT);
	return (int32_t)rng_below(&world->rng, SHORT_COUNT);
}

static void draw_policies(struct world *world, struct def *def)
{
	struct rng *rng = &world->rng;
	int32_t unit = world->script.long_times ? 3600 : 5;
	def->merge_missed = rng_chance(rng, 40);
	def->actuality_s = rng_chance(rng, 50) ? -1 : (int32_t)rng_below(rng, 12) * unit;
	def->catch_up_limit = rng_chance(rng, 70) ? -1 : (int32_t)rng_below(rng, 5);
	def->max_attempts = (uint16_t)(1 + rng_below(rng, 3));
	def->max_instances = (uint16_t)(1 + rng_below(rng, 3));
}

static void draw_row(struct world *world, struct row *row)
{
	*row = (struct row){.present = true, .enabled = rng_chance(&world->rng, 90)};
	row->def.schedule = draw_schedule(world);
	row->def.lane = (uint8_t)rng_below(&world->rng, SIM_LANES);
	row->def.version = (uint32_t)rng_below(&world->rng, 1000);
	draw_policies(world, &row->def);
}

void table_fill(struct world *world)
{
	for (int i = 0; i < SIM_IDS; i++) {
		if (rng_chance(&world->rng, 60))
			draw_row(world, &world->rows[i]);
	}
}

void table_edit(struct world *world)
{
	struct rng *rng = &world->rng;
	struct row *row = &world->rows[rng_below(rng, SIM_IDS)];
	if (!row->present) {
		draw_row(world, row);
		return;
	}
	switch (rng_below(rng, 8)) {
	case 0: row->present = false; break;
	case 1: row->enabled = !row->enabled; break;
	case 2: row->bad = !row->bad; break;
	case 3: draw_policies(world, &row->def); break;
	case 4: row->def.version++; break;
	case 5: row->def.schedule = draw_schedule(world); break;
	case 6: row->def.lane = (uint8_t)rng_below(rng, SIM_LANES); break;
	default: draw_row(world, row); break; /* removed and put in again between two looks */
	}
}

static void note_applied(struct world *world, int index, const struct def *def)
{
	time_us now = world_now(world);
	time_us sight_start = world->took ? now : world->life_started;
	time_us high = world->oracle.high > now ? world->oracle.high : world->oracle.start_high;
	struct applied applied = {
		.index = index,
		.removal = !def,
		.sight = now,
		.sight_start = sight_start,
		.high = high > sight_start ? high : TIME_US_MIN,
		.backs = world->oracle.backs->len,
		.life = world->life,
	};
	if (def)
		applied.def = *def;
	g_array_append_val(world->oracle.applied, applied);
}

static bool def_equal(const struct def *a, const struct def *b)
{
	return a->schedule == b->schedule && a->actuality_s == b->actuality_s &&
	       a->catch_up_limit == b->catch_up_limit && a->version == b->version &&
	       a->max_attempts == b->max_attempts && a->max_instances == b->max_instances &&
	       a->lane == b->lane && a->merge_missed == b->merge_missed;
}

void table_poll(struct world *world)
{
	struct action_change changes[SIM_IDS];
	size_t count = 0;
	for (int i = 0; i < SIM_IDS; i++) {
		const struct row *row = &world->rows[i];
		bool fires = row->present && row->enabled && !row->bad;
		bool known = world->known[i].present;
		if (!fires && !known)
			continue;
		if (fires && known && def_equal(&world->known[i].def, &row->def))
			continue;
		struct action_change *change = &changes[count++];
		*change = (struct action_change){.kind = CHANGE_REMOVE, .id = sim_id(i)};
		change->reason = !row->present   ? REASON_REMOVED
				 : !row->enabled ? REASON_DISABLED
						 : REASON_BAD_ROW;
		if (fires) {
			lane_join(world, row->def.lane);
			change->kind = CHANGE_UPSERT;
			change->action = action_from_def(world, i, &row->def);
			change->packed = g_memdup2(&row->def, sizeof(row->def));
			change->packed_length = sizeof(row->def);
		}
		world->moved |= known && world->known[i].def.lane != row->def.lane;
		world->known[i].present = fires;
		world->known[i].def = row->def;
		note_applied(world, i, fires ? &row->def : NULL);
		world_trace(world,
			"told of %" G_GINT64_FORMAT ": %s, schedule %d, lane %u, merge %d, "
			"actuality %d, limit %d, instances %u",
			change->id, fires ? "upsert" : "removal", row->def.schedule, row->def.lane,
			row->def.merge_missed, row->def.actuality_s, row->def.catch_up_limit,
			row->def.max_instances);
	}
	if (count)
		engine_apply(world->engine, changes, count);
}
