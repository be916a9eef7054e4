#include "sim.h"

void receiver_init(struct world *world, int lane)
{
	struct rng *rng = &world->rng;
	struct receiver *receiver = &world->receivers[lane];
	*receiver = (struct receiver){
		.items = g_array_new(FALSE, FALSE, sizeof(struct delivery)),
		.capacity = rng_chance(rng, 70) ? 1000 : (uint32_t)rng_between(rng, 1, 8),
		.ready_at = SIM_INSTANT,
		.unavailable_until = TIME_US_MIN,
		.slow_until = TIME_US_MIN,
		.answered_at = TIME_US_MIN,
		.away = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free),
		.reject_percent = rng_chance(rng, 50) ? 0 : (unsigned)rng_between(rng, 1, 40),
		.alone_percent = rng_chance(rng, 60) ? 0 : (unsigned)rng_between(rng, 1, 30),
		.ask_percent = rng_chance(rng, 50) ? 0 : (unsigned)rng_between(rng, 1, 60),
		.lasting = world->lanes[lane].lasting,
	};
}

void receiver_clear(struct world *world, int lane)
{
	g_array_unref(world->receivers[lane].items);
	g_hash_table_unref(world->receivers[lane].away);
}

static dur_us draw_latency(struct world *world, const struct receiver *receiver)
{
	struct rng *rng = &world->rng;
	if (receiver->lasting)
		return rng_span(rng, 10 * US_PER_MS, 20 * US_PER_SECOND);
	if (receiver->slow_until > world->boot || rng_chance(rng, 2))
		return rng_span(rng, 20 * US_PER_MS, 3 * US_PER_SECOND);
	return rng_chance(rng, 30) ? 0 : rng_span(rng, 50, 20 * US_PER_MS);
}

static size_t draw_accepted(struct world *world, const struct receiver *receiver, size_t count)
{
	if (world->calm)
		return count;
	size_t room =
		receiver->capacity > receiver->items->len ? receiver->capacity - receiver->items->len : 0;
	size_t most = MIN(room, count);
	if (rng_chance(&world->rng, 3))
		most = (size_t)rng_below(&world->rng, most + 1);
	return most;
}

size_t receiver_submit(struct world *world, int lane, const struct fire *fires, size_t count)
{
	struct receiver *receiver = &world->receivers[lane];
	struct rng *rng = &world->rng;
	size_t accepted = draw_accepted(world, receiver, count);
	for (size_t i = 0; i < accepted; i++) {
		struct delivery delivery = {
			.ticket = fires[i].ticket,
			.action_id = fires[i].action->id,
			.nominal = fires[i].nominal,
			.manual = oracle_manual(fires[i].manual),
			.missed = lane_is_missed(world, lane, &fires[i]),
			.started_at = world_now(world),
			.handed_at = world->boot,
			.answer_at = world->boot,
		};
		if (!world->calm) {
			delivery.answer_at += draw_latency(world, receiver);
			if (receiver->unavailable_until > world->boot ||
				rng_chance(rng, receiver->alone_percent))
				delivery.answer = FIRE_UNAVAILABLE;
			else if (rng_chance(rng, receiver->reject_percent))
				delivery.answer = FIRE_REJECTED;
		}
		g_array_append_val(receiver->items, delivery);
	}
	receiver->told_full = accepted < count;
	if (receiver->told_full)
		receiver->ready_at =
			world->boot + (rng_chance(rng, 90) ? rng_span(rng, 100, 200 * US_PER_MS)
							   : rng_span(rng, US_PER_SECOND, 8 * US_PER_SECOND));
	return accepted;
}

time_us receiver_wake(const struct world *world, int lane)
{
	const struct receiver *receiver = &world->receivers[lane];
	time_us wake = receiver->ready_at;
	for (guint i = 0; i < receiver->items->len; i++)
		wake = MIN(wake, g_array_index(receiver->items, struct delivery, i).answer_at);
	return wake;
}

/* The answers come in any order. */
static void shuffle(struct world *world, struct delivery *results, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = (size_t)rng_below(&world->rng, i);
		struct delivery swap = results[j];
		results[j] = results[i - 1];
		results[i - 1] = swap;
	}
}

static time_us draw_retry_at(struct world *world, const struct receiver *receiver, enum fire_answer answer)
{
	struct rng *rng = &world->rng;
	if (world->calm || answer == FIRE_DELIVERED || !rng_chance(rng, receiver->ask_percent))
		return 0;
	dur_us most = !rng_chance(rng, 2)        ? 2 * US_PER_MINUTE
		      : world->script.long_times ? 30 * US_PER_HOUR
						 : 20 * US_PER_MINUTE;
	/* Some are in the past. */
	return world_now(world) + rng_span(rng, US_PER_MS, most) - US_PER_SECOND / 10;
}

void receiver_answer(struct world *world, int lane)
{
	struct receiver *receiver = &world->receivers[lane];
	struct fire_result results[64];
	struct delivery answers[64];
	size_t count = 0;
	for (guint i = 0; i < receiver->items->len && count < G_N_ELEMENTS(results);) {
		struct delivery *delivery = &g_array_index(receiver->items, struct delivery, i);
		if (delivery->answer_at > world->boot) {
			i++;
			continue;
		}
		answers[count++] = *delivery;
		oracle_answered(world, delivery);
		g_array_remove_index(receiver->items, i);
	}
	shuffle(world, answers, count);
	for (size_t i = 0; i < count; i++)
		results[i] = (struct fire_result){
			.ticket = answers[i].ticket,
			.answer = answers[i].answer,
			.started_at = answers[i].started_at,
			.finished_at = world_now(world),
			.retry_at = draw_retry_at(world, receiver, answers[i].answer),
			.detail = answers[i].answer == FIRE_REJECTED ? g_strdup("refused") : NULL,
		};
	if (count)
		lane_answers(world, lane, answers, count, results);
	if (receiver->ready_at <= world->boot) {
		receiver->ready_at = SIM_INSTANT;
		receiver->told_full = false;
		engine_ready(world->engine, world->lane_index[lane]);
	}
}

void receiver_crash(struct world *world, int lane)
{
	struct receiver *receiver = &world->receivers[lane];
	for (guint i = 0; i < receiver->items->len; i++) {
		struct delivery *delivery = &g_array_index(receiver->items, struct delivery, i);
		if (delivery->answer == FIRE_DELIVERED && rng_chance(&world->rng, 50))
			oracle_answered(world, delivery);
	}
	g_array_set_size(receiver->items, 0);
	receiver->ready_at = SIM_INSTANT;
	receiver->told_full = false;
	receiver->answered_at = TIME_US_MIN;
	g_hash_table_remove_all(receiver->away);
}
