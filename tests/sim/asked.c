#include "sim.h"

#include <stdlib.h>
#include <string.h>

void asked_uuid(uint32_t manual, char out[static FIRE_MANUAL_MAX])
{
	g_snprintf(out, FIRE_MANUAL_MAX, "%08x-5e1f-4a5d-8c3b-0123456789ab", manual);
}

uint32_t oracle_manual(const char *uuid)
{
	return uuid ? (uint32_t)strtoul(uuid, NULL, 16) : 0;
}

/* --- asking --- */

static void ask(struct world *world, struct fate *fate)
{
	struct asked asked = {
		.id = fate->id,
		.nominal = fate->nominal,
		.manual = fate->manual,
		.sequence = engine_next_sequence(world->engine),
		.life = world->life,
	};
	fate->asked = true;
	fate->durable = fate->told = fate->begun = fate->over = false;
	fate->asked_mark = world->oracle.applied->len;
	fate->asked_life = 0;
	g_array_append_val(world->oracle.asked, asked);
	world_trace(world, "%s is asked for, attempt %u, durable with %" G_GUINT64_FORMAT, fate_text(fate),
		fate->attempts + 1u, asked.sequence);
}

static void trigger(struct world *world)
{
	char uuid[FIRE_MANUAL_MAX];
	int index = (int)rng_below(&world->rng, SIM_IDS);
	uint32_t manual = ++world->oracle.last_manual;
	asked_uuid(manual, uuid);
	bool expected = world->known[index].present && !world->stopping;
	if (engine_trigger(world->engine, sim_id(index), uuid) !=
		(expected ? ENGINE_QUEUED : ENGINE_NO_ACTION))
		world_fail(world, "action %" G_GINT64_FORMAT " is %s, and its trigger is %s", sim_id(index),
			expected ? "known" : "unknown", expected ? "refused" : "taken");
	else if (expected)
		ask(world, oracle_fate(world, sim_id(index), world_now(world), manual));
}

/* A fire that the history has as failed, from a place drawn on; NULL where there is none. */
static struct fate *find_failed(struct world *world)
{
	struct oracle *oracle = &world->oracle;
	size_t first = (size_t)rng_below(&world->rng, oracle->fate_room);
	for (size_t i = 0; i < oracle->fate_room; i++) {
		struct fate *fate = &oracle->fates[(first + i) & (oracle->fate_room - 1)];
		if (fate->known && fate->accounted && fate->status == STATUS_FAILED &&
			(fate->manual || !oracle_may_repeat(world, sim_index(fate->id), fate->nominal)))
			return fate;
	}
	return NULL;
}

static void retry(struct world *world)
{
	struct fate *fate = find_failed(world);
	if (!fate)
		return;
	struct open_fire fire = {.action_id = fate->id,
		.nominal = fate->nominal,
		.due_at = fate->nominal,
		.attempts = fate->attempts};
	if (fate->manual)
		asked_uuid(fate->manual, fire.manual);
	enum engine_asked expected = ENGINE_QUEUED;
	if (!world->known[sim_index(fate->id)].present || world->stopping)
		expected = ENGINE_NO_ACTION;
	else if (fate->asked)
		expected = ENGINE_UNDER_WAY;
	enum engine_asked got = engine_retry(world->engine, &fire);
	if (got != expected)
		world_fail(world, "%s: a retry is answered %d, not %d", fate_text(fate), (int)got,
			(int)expected);
	else if (got == ENGINE_QUEUED)
		ask(world, fate);
}

void asked_do(struct world *world)
{
	for (; world->triggers > 0; world->triggers--)
		trigger(world);
	for (; world->retries > 0; world->retries--)
		retry(world);
}

/* --- being durable --- */

void asked_commit(struct world *world, const struct commit *commit)
{
	for (guint i = 0; i < commit->open->len; i++) {
		const struct open_fire *open = &g_array_index(commit->open, struct open_fire, i);
		if (!open->manual[0] && !open->attempts_before)
			continue;
		struct fate *fate =
			oracle_fate(world, open->action_id, open->nominal, oracle_manual(open->manual));
		if (!fate->asked)
			world_fail(
				world, "%s is written down as asked for, which it is not", fate_text(fate));
		fate->durable = true;
	}
}

void asked_committed(struct world *world, uint64_t sequence)
{
	const GArray *all = world->oracle.asked;
	for (guint i = 0; i < all->len; i++) {
		const struct asked *asked = &g_array_index(all, struct asked, i);
		if (asked->life != world->life || asked->sequence > sequence)
			continue;
		struct fate *fate = oracle_fate(world, asked->id, asked->nominal, asked->manual);
		fate->told = true;
		if (!fate->durable)
			world_fail(world, "%s is said to be durable, which it is not", fate_text(fate));
	}
}

/* --- what becomes of them --- */

void asked_handed(struct world *world, const struct fate *fate, const struct fire *fire)
{
	if (!fate->durable || !journal_is_open(world, fate->id, fate->nominal, fate->manual))
		world_fail(world, "%s is handed out before it is durable that it was asked for",
			fate_text(fate));
	if (fire->attempt <= fate->attempts)
		world_fail(world, "%s is handed out as attempt %u, and the history has %u", fate_text(fate),
			fire->attempt, fate->attempts);
}

static bool was_removed(const struct world *world, const struct fate *fate)
{
	const GArray *all = world->oracle.applied;
	for (guint i = fate->asked_mark; i < all->len; i++) {
		const struct applied *applied = &g_array_index(all, struct applied, i);
		if (applied->removal && sim_id(applied->index) == fate->id)
			return true;
	}
	return false;
}

bool asked_ended(struct world *world, struct fate *fate, const struct outcome *outcome)
{
	GArray *all = world->oracle.asked;
	guint i = 0;
	for (; i < all->len; i++) {
		const struct asked *asked = &g_array_index(all, struct asked, i);
		if (asked->id == fate->id && asked->nominal == fate->nominal && asked->manual == fate->manual)
			break;
	}
	if (i == all->len || !fate->asked)
		return false;
	g_array_remove_index_fast(all, i);
	fate->asked = false;
	bool counts_on = outcome->attempts > fate->attempts;
	if (outcome->reason == REASON_PROGRESS_SET)
		return world->setting && !outcome->again && outcome->status == STATUS_SKIPPED;
	return outcome->again == (fate->accounted > 0) &&
	       (outcome->status == STATUS_SKIPPED
			       ? outcome->reason == REASON_REMOVED && was_removed(world, fate)
			       : counts_on);
}

void asked_dropped(struct world *world, const struct open_fire *open)
{
	GArray *all = world->oracle.asked;
	if (!open->attempts_before || open->started)
		return;
	struct fate *fate = oracle_fate(world, open->action_id, open->nominal, oracle_manual(open->manual));
	fate->asked = false;
	for (guint i = all->len; i > 0; i--) {
		const struct asked *asked = &g_array_index(all, struct asked, i - 1);
		if (asked->id == fate->id && asked->nominal == fate->nominal && asked->manual == fate->manual)
			g_array_remove_index_fast(all, i - 1);
	}
}

void asked_crash(struct world *world)
{
	GArray *all = world->oracle.asked;
	for (guint i = all->len; i > 0; i--) {
		const struct asked *asked = &g_array_index(all, struct asked, i - 1);
		struct fate *fate = oracle_fate(world, asked->id, asked->nominal, asked->manual);
		if (fate->durable)
			continue;
		/* Nobody was told. */
		fate->asked = false;
		g_array_remove_index_fast(all, i - 1);
	}
}

void asked_stopped(struct world *world)
{
	const GArray *all = world->oracle.asked;
	for (guint i = 0; i < all->len; i++) {
		const struct asked *asked = &g_array_index(all, struct asked, i);
		const struct fate *fate = oracle_fate(world, asked->id, asked->nominal, asked->manual);
		if (!fate->durable || (asked->life == world->life && !fate->told))
			world_fail(world, "%s was asked for before a stop in order, and is not durable",
				fate_text(fate));
	}
}

uint32_t asked_count(const struct world *world)
{
	return world->oracle.asked->len;
}

void asked_finish(struct world *world)
{
	const GArray *all = world->oracle.asked;
	for (guint i = 0; i < all->len; i++) {
		const struct asked *asked = &g_array_index(all, struct asked, i);
		if (asked->manual || !oracle_may_repeat(world, sim_index(asked->id), asked->nominal))
			world_fail(world, "%s was asked for, and never came to an end",
				oracle_fire_text(asked->id, asked->nominal, asked->manual));
	}
}
