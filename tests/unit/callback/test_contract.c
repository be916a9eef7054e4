/* What every callback must do (the promises at the top of callback.h), run against the one that this program
 * is built with. Cases that it cannot be put to are left out, as its struct contract_backend declares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "contract.h"

#define ACTIONS 7
/* Longer than any case may take, shorter than the test runner's patience. */
#define LONG    (60 * US_PER_SECOND)

static int setup(void **state)
{
	*state = contract_new();
	return 0;
}

static int teardown(void **state)
{
	contract_free(*state);
	contract_assert_no_fault();
	return 0;
}

static void assert_answer(struct contract *contract, size_t index, enum fire_answer answer)
{
	struct contract_fire *fire = contract_fire(contract, index);
	if (fire->state != CONTRACT_ANSWERED || fire->result.answer != answer)
		fail_msg("%s: state %d, answer %d, “%s”", fire->token, fire->state, fire->result.answer,
			fire->result.detail ? fire->result.detail : "");
}

static void assert_all_answered(struct contract *contract, enum fire_answer answer)
{
	for (size_t i = 0; i < contract_count(contract); i++)
		assert_answer(contract, i, answer);
}

/* The index of a fire in the contract by its token. */
static GHashTable *tokens_index(struct contract *contract)
{
	GHashTable *tokens = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; i < contract_count(contract); i++)
		g_hash_table_insert(tokens, contract_fire(contract, i)->token, contract_fire(contract, i));
	return tokens;
}

/* The numbers of each action come as 0, 1, 2… */
static void seen_check(struct contract *contract, GArray *seen)
{
	g_autoptr(GHashTable) tokens = tokens_index(contract);
	g_autoptr(GHashTable) next = g_hash_table_new(g_direct_hash, g_direct_equal);
	for (size_t i = 0; i < seen->len; i++) {
		const struct contract_seen *s = &g_array_index(seen, struct contract_seen, i);
		struct contract_fire *fire = g_hash_table_lookup(tokens, s->token);
		if (!fire)
			fail_msg("the receiver has seen “%s” twice, or nobody sent it", s->token);
		if (s->fire_id)
			assert_string_equal(s->fire_id, fire->fire_id);
		gpointer action = GSIZE_TO_POINTER((gsize)fire->action_id);
		if (!contract_backend.overlap &&
			GPOINTER_TO_UINT(g_hash_table_lookup(next, action)) != fire->number)
			fail_msg("%s is out of order", fire->token);
		g_hash_table_insert(next, action, GUINT_TO_POINTER(fire->number + 1));
		g_hash_table_remove(tokens, s->token);
	}
}

/* The receiver has every fire once, and those of each action in their order. */
static void assert_seen_once_in_order(struct contract *contract)
{
	if (!contract_backend.seen)
		return;
	GArray *seen = contract_seen(contract, contract_count(contract));
	seen_check(contract, seen);
	assert_int_equal(seen->len, contract_count(contract));
	contract_seen_free(seen);
}

/* Fires of each action were begun in the order in which they were submitted. */
static void assert_started_in_order(struct contract *contract)
{
	g_autoptr(GHashTable) last = g_hash_table_new(g_direct_hash, g_direct_equal);
	for (size_t i = 0; i < contract_count(contract); i++) {
		struct contract_fire *fire = contract_fire(contract, i);
		if (fire->state != CONTRACT_ANSWERED)
			continue;
		gpointer action = GSIZE_TO_POINTER((gsize)fire->action_id);
		struct contract_fire *before = g_hash_table_lookup(last, action);
		if (before && before->result.started_at > fire->result.started_at)
			fail_msg("%s was started before %s", fire->token, before->token);
		g_hash_table_insert(last, action, fire);
	}
}

static void assert_all_delivered(struct contract *contract)
{
	contract_wait(contract, contract_all_done, false, "all is delivered");
	contract_assert_no_fault();
	assert_all_answered(contract, FIRE_DELIVERED);
	assert_seen_once_in_order(contract);
	assert_started_in_order(contract);
}

/* --- cases --- */

static void one_fire_is_delivered(void **state)
{
	contract_add(*state, 1, 1, 0);
	assert_int_equal(contract_submit(*state, 1), 1);
	assert_all_delivered(*state);
}

static void a_batch_is_delivered_once_and_in_order(void **state)
{
	contract_add(*state, ACTIONS, contract_backend.batch, 0);
	assert_all_delivered(*state);
	/* And a second one, of actions that are known and with those that are new. */
	contract_add(*state, 1, contract_backend.batch, 0);
	assert_all_delivered(*state);
	assert_int_equal(contract_told(*state).answers, contract_count(*state));
}

static void one_action_keeps_its_order_one_by_one(void **state)
{
	contract_add(*state, 1, contract_backend.batch, 0);
	while (contract_is_waiting(*state) && contract_submit(*state, 1) == 1)
		continue;
	assert_all_delivered(*state);
}

static void an_empty_batch_is_nothing(void **state)
{
	assert_int_equal(contract_submit(*state, 0), 0);
	contract_add(*state, 1, 1, 0);
	assert_all_delivered(*state);
	assert_int_equal(contract_told(*state).answers, 1);
}

static void close_finishes_what_was_accepted(void **state)
{
	contract_add(*state, ACTIONS, contract_backend.batch, 0);
	size_t accepted = contract_submit(*state, contract_backend.batch);
	assert_true(accepted > 0);
	contract_close(*state, LONG);
	contract_assert_no_fault();
	for (size_t i = 0; i < accepted; i++)
		assert_answer(*state, i, FIRE_DELIVERED);
	assert_int_equal(contract_told(*state).answers, accepted);
	assert_started_in_order(*state);
}

static void close_of_an_idle_one_is_prompt(void **state)
{
	time_us began_at = clock_monotonic();
	contract_close(*state, LONG);
	assert_true(clock_monotonic() - began_at < LONG / 2);
}

static void *let_go(void *data)
{
	contract_backend.mode(data, CONTRACT_ACCEPT);
	return NULL;
}

static void close_waits_for_what_hangs(void **state)
{
	contract_backend.mode(contract_receiver(*state), CONTRACT_HANG);
	contract_add(*state, ACTIONS, ACTIONS * 2, 0);
	size_t accepted = contract_submit(*state, ACTIONS * 2);
	assert_true(accepted > 0);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, let_go, contract_receiver(*state)), 0);
	contract_close(*state, LONG);
	pthread_join(thread, NULL);
	contract_assert_no_fault();
	for (size_t i = 0; i < accepted; i++)
		assert_answer(*state, i, FIRE_DELIVERED);
}

/* Whoever calls the host or looks at a fire afterwards is found by the contract, or by AddressSanitizer. */
static void close_with_a_past_deadline_is_sharp(void **state)
{
	contract_backend.mode(contract_receiver(*state), CONTRACT_HANG);
	contract_add(*state, ACTIONS, ACTIONS * 2, 0);
	assert_true(contract_submit(*state, ACTIONS * 2) > 0);
	time_us began_at = clock_monotonic();
	contract_close(*state, -1);
	assert_true(clock_monotonic() - began_at < LONG / 2);
	contract_backend.mode(contract_receiver(*state), CONTRACT_ACCEPT);
}

static void what_hangs_is_answered_once_let_go(void **state)
{
	contract_backend.mode(contract_receiver(*state), CONTRACT_HANG);
	contract_add(*state, ACTIONS, ACTIONS * 2, 0);
	contract_submit(*state, ACTIONS * 2);
	assert_true(contract_told(*state).delivered < ACTIONS * 2);
	contract_backend.mode(contract_receiver(*state), CONTRACT_ACCEPT);
	assert_all_delivered(*state);
}

static void a_flood_is_held_back_and_gets_there(void **state)
{
	contract_backend.mode(contract_receiver(*state), CONTRACT_HANG);
	contract_add(*state, ACTIONS, contract_backend.flood, 0);
	size_t accepted = 0, n;
	do
		accepted += n = contract_submit(*state, 1000);
	while (n == 1000);
	assert_true(contract_is_waiting(*state));
	assert_true(accepted > 0);
	contract_backend.mode(contract_receiver(*state), CONTRACT_ACCEPT);
	assert_all_delivered(*state);
	assert_true(contract_told(*state).ready > 0);
}

static void a_refusal_says_why_and_can_be_tried_again(void **state)
{
	contract_backend.mode(contract_receiver(*state), CONTRACT_REFUSE);
	contract_add(*state, ACTIONS, ACTIONS * 2, 0);
	contract_wait(*state, contract_all_done, false, "all is refused");
	contract_assert_no_fault();
	assert_all_answered(*state, FIRE_REJECTED);
	contract_backend.mode(contract_receiver(*state), CONTRACT_ACCEPT);
	for (size_t i = 0; i < contract_count(*state); i++)
		contract_again(*state, i);
	assert_all_delivered(*state);
	assert_int_equal(contract_told(*state).rejected, contract_count(*state));
}

/* All that was accepted is answered, or held on to. */
static bool outage_is_told(struct contract *contract)
{
	struct contract_told told = contract_told(contract);
	return told.trouble > 0 || (told.unavailable > 0 && told.given == 0);
}

static bool outage_is_over(struct contract *contract)
{
	struct contract_told told = contract_told(contract);
	return contract_all_done(contract) && told.trouble == told.trouble_over;
}

static void an_outage_is_told_and_loses_nothing(void **state)
{
	contract_backend.mode(contract_receiver(*state), CONTRACT_AWAY);
	contract_add(*state, ACTIONS, contract_backend.batch, 0);
	contract_submit(*state, contract_backend.batch);
	contract_wait(*state, outage_is_told, true, "the outage is told");
	struct contract_told told = contract_told(*state);
	assert_int_equal(told.delivered, 0);
	assert_int_equal(told.rejected, 0);
	contract_backend.mode(contract_receiver(*state), CONTRACT_ACCEPT);
	contract_wait(*state, outage_is_over, false, "the outage is over");
	contract_assert_no_fault();
	told = contract_told(*state);
	assert_true(told.trouble <= 1);
	assert_int_equal(told.rejected, 0);
	assert_all_answered(*state, FIRE_DELIVERED);
	assert_seen_once_in_order(*state);
}

static void close_during_an_outage_is_sharp(void **state)
{
	contract_backend.mode(contract_receiver(*state), CONTRACT_AWAY);
	contract_add(*state, ACTIONS, ACTIONS * 2, 0);
	contract_submit(*state, ACTIONS * 2);
	contract_wait(*state, outage_is_told, true, "the outage is told");
	time_us began_at = clock_monotonic();
	contract_close(*state, -1);
	assert_true(clock_monotonic() - began_at < LONG / 2);
	assert_int_equal(contract_told(*state).delivered, 0);
}

static bool all_answered(struct contract *contract)
{
	return contract_told(contract).given == 0;
}

static void a_timeout_ends_the_fire(void **state)
{
	contract_backend.mode(contract_receiver(*state), CONTRACT_HANG);
	contract_add(*state, ACTIONS, ACTIONS, 1);
	contract_wait(*state, contract_all_done, false, "all is timed out");
	contract_assert_no_fault();
	assert_all_answered(*state, FIRE_REJECTED);
	for (size_t i = 0; i < contract_count(*state); i++) {
		const struct contract_fire *fire = contract_fire(*state, i);
		assert_non_null(strstr(fire->result.detail, "timed out"));
		assert_true(fire->result.finished_at - fire->result.started_at >= US_PER_SECOND);
	}
	/* The late end of the first attempts, whatever it is, tells nobody; the second ones have time. */
	contract_backend.mode(contract_receiver(*state), CONTRACT_ACCEPT);
	for (size_t i = 0; i < contract_count(*state); i++) {
		contract_fire(*state, i)->timeout_s = 60;
		contract_again(*state, i);
	}
	contract_wait(*state, contract_all_done, false, "all is delivered after the timeout");
	contract_assert_no_fault();
	assert_all_answered(*state, FIRE_DELIVERED);
	assert_true(all_answered(*state));
}

static void a_timeout_that_is_not_reached_changes_nothing(void **state)
{
	contract_add(*state, ACTIONS, ACTIONS * 2, 60);
	assert_all_delivered(*state);
}

static void what_lasts_has_timeouts_and_refusals(void **state)
{
	(void)state;
	if (!contract_backend.vtable->lasting)
		return;
	assert_true(contract_backend.timeouts);
	assert_true(contract_backend.modes & CONTRACT_MODE(CONTRACT_REFUSE));
	assert_true(contract_backend.modes & CONTRACT_MODE(CONTRACT_HANG));
	assert_true(contract_backend.flood > 0);
}

/* --- the group --- */

#define REFUSE  CONTRACT_MODE(CONTRACT_REFUSE)
#define AWAY    CONTRACT_MODE(CONTRACT_AWAY)
#define HANG    CONTRACT_MODE(CONTRACT_HANG)
#define TIMEOUT (1u << 30)
#define FLOOD   (1u << 31)

#define CASE(test, needs)                                                     \
	{                                                                     \
		cmocka_unit_test_setup_teardown(test, setup, teardown), needs \
	}

static const struct {
	struct CMUnitTest test;
	unsigned needs;
} cases[] = {
	CASE(one_fire_is_delivered, 0),
	CASE(a_batch_is_delivered_once_and_in_order, 0),
	CASE(one_action_keeps_its_order_one_by_one, 0),
	CASE(an_empty_batch_is_nothing, 0),
	CASE(a_timeout_that_is_not_reached_changes_nothing, 0),
	CASE(close_finishes_what_was_accepted, 0),
	CASE(close_of_an_idle_one_is_prompt, 0),
	CASE(close_waits_for_what_hangs, HANG),
	CASE(close_with_a_past_deadline_is_sharp, HANG),
	CASE(what_hangs_is_answered_once_let_go, HANG),
	CASE(a_flood_is_held_back_and_gets_there, HANG | FLOOD),
	CASE(a_refusal_says_why_and_can_be_tried_again, REFUSE),
	CASE(an_outage_is_told_and_loses_nothing, AWAY),
	CASE(close_during_an_outage_is_sharp, AWAY),
	CASE(a_timeout_ends_the_fire, HANG | TIMEOUT),
	CASE(what_lasts_has_timeouts_and_refusals, 0),
};

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (contract_backend.prepare)
		contract_backend.prepare();
	unsigned has = contract_backend.modes | (contract_backend.timeouts ? TIMEOUT : 0) |
		       (contract_backend.flood ? FLOOD : 0);
	struct CMUnitTest tests[G_N_ELEMENTS(cases)];
	size_t count = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		if ((cases[i].needs & has) == cases[i].needs)
			tests[count++] = cases[i].test;
		else
			fprintf(stderr, "not for %s: %s\n", contract_backend.name, cases[i].test.name);
	g_autofree char *name = g_strconcat("contract of ", contract_backend.name, NULL);
	return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}
