/* What every journal promises, run against each backend. */
#include "servers.h"

#include <unistd.h>

struct contract {
	const char *name;
	const char *dialect;
	const char *database; /* NULL: a file in the scratch folder */
	bool durable;         /* keeps what it is given */
};

static const struct contract contracts[] = {{"sqlite", "sqlite", NULL, true}, {"memory", NULL, NULL, false},
	{"sqlite in memory", "sqlite", ":memory:", false}, {"postgresql", "postgresql", NULL, true},
	{"mysql", "mysql", NULL, true}};
static const struct contract *contract;

static struct journal *open_one(const struct scratch *scratch)
{
	struct journal_options options = test_options(scratch->database);
	options.dialect = contract->dialect;
	if (contract->database)
		options.database = contract->database;
	struct journal *journal;
	assert_ok((journal = journal_open(&options, error)));
	return journal;
}

static void commit_ok(struct journal *journal, const struct commit *commit)
{
	assert_ok(journal_commit(journal, commit, error));
}

static void a_new_journal_knows_nothing(void **state)
{
	struct journal *journal = open_one(*state);
	struct model *model = model_new();
	struct progress *progress;
	assert_ok((progress = journal_load(journal, NULL, NULL, error)));
	assert_false(progress->known);
	progress_free(progress);
	model_check_progress(model, journal);
	struct history_query all = {.since = TIME_US_MIN, .notes = true};
	model_check_history(model, journal, &all);
	model_free(model);
	journal_close(journal);
}

/* A scheduler that was opened and killed before its first commit has decided nothing. */
static void opening_alone_is_not_known(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct journal *journal = open_one(*state);
		struct progress *progress;
		assert_ok((progress = journal_load(journal, NULL, NULL, error)));
		assert_false(progress->known);
		progress_free(progress);
		journal_close(journal);
	}
}

static void an_empty_commit_makes_it_known(void **state)
{
	struct journal *journal = open_one(*state);
	struct commit *commit = commit_new();
	struct progress *progress;
	commit->sequence = 1;
	commit_ok(journal, commit);
	commit_free(commit);
	assert_ok((progress = journal_load(journal, NULL, NULL, error)));
	assert_int_equal(progress->known, contract->durable);
	progress_free(progress);
	journal_close(journal);
}

static void random_commits(struct scratch *scratch, guint32 seed)
{
	GRand *random = g_rand_new_with_seed(seed);
	struct model *model = model_new();
	struct journal *journal = open_one(scratch);
	uint64_t sequence = 0;
	for (int i = 0; i < 60; i++) {
		struct commit *commit = random_commit(random, model, ++sequence);
		commit_ok(journal, commit);
		if (contract->durable)
			model_apply(model, commit);
		if (g_rand_int_range(random, 0, 8) == 0) {
			journal_close(journal);
			journal = open_one(scratch);
			sequence = (uint64_t)g_rand_int_range(random, 0, 1000);
		}
		if (g_rand_int_range(random, 0, 4) == 0)
			model_check_progress(model, journal);
		commit_free(commit);
	}
	model_check_progress(model, journal);
	struct history_query all = {.since = TIME_US_MIN, .notes = true};
	model_check_history(model, journal, &all);
	journal_close(journal);
	model_free(model);
	g_rand_free(random);
}

static void all_that_is_committed_is_read_back(void **state)
{
	struct scratch *scratch = *state;
	for (guint32 seed = 0; seed < 20; seed++) {
		random_commits(scratch, seed);
		scratch_teardown(state);
		scratch_setup(state);
		scratch = *state;
	}
}

static struct commit *note_commit(uint64_t sequence)
{
	struct commit *commit = commit_new();
	struct history_note note = {1700000000000000, g_strdup("the clock was set back")};
	commit->sequence = sequence;
	g_array_append_val(commit->notes, note);
	return commit;
}

static bool count_entry(void *context, const struct history_entry *entry)
{
	(void)entry;
	++*(guint *)context;
	return true;
}

static guint count_history(struct journal *journal)
{
	struct history_query all = {.since = TIME_US_MIN, .notes = true};
	guint count = 0;
	assert_ok(journal_history(journal, &all, count_entry, &count, error));
	return count;
}

/* The outcome of the first try was unknown to the caller; its work must not be there twice. */
static void the_last_sequence_again_is_taken_as_done(void **state)
{
	struct journal *journal = open_one(*state);
	for (uint64_t sequence = UINT64_MAX - 1; sequence != 1; sequence++) {
		struct commit *commit = note_commit(sequence);
		commit_ok(journal, commit);
		commit_ok(journal, commit);
		commit_ok(journal, commit);
		commit_free(commit);
	}
	assert_int_equal(count_history(journal), contract->durable ? 3 : 0);
	journal_close(journal);
}

/* Sequences of one process mean nothing to the next. */
static void a_new_owner_begins_its_own_sequence(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct journal *journal = open_one(*state);
		struct commit *commit = note_commit(0);
		commit_ok(journal, commit);
		commit_free(commit);
		if (i == 1)
			assert_int_equal(count_history(journal), contract->durable ? 2 : 0);
		journal_close(journal);
	}
}

static struct journal_owner look_at_owner(const struct scratch *scratch)
{
	struct journal_options options = test_options(scratch->database);
	struct journal *journal;
	struct journal_owner owner;
	options.dialect = contract->dialect;
	options.read_only = true;
	assert_ok((journal = journal_open(&options, error)));
	assert_ok(journal_read_owner(journal, &owner, error));
	journal_close(journal);
	return owner;
}

static void a_reader_is_told_who_holds_it_and_who_held_it_last(void **state)
{
	g_autofree char *pid = g_strdup_printf("pid %d, host %s, since ", (int)getpid(), g_get_host_name());
	struct journal *journal = open_one(*state);
	if (!contract->durable) {
		struct journal_owner none = {.who = pid, .holds = true};
		assert_ok(journal_read_owner(journal, &none, error));
		assert_null(none.who);
		assert_false(none.holds);
		journal_close(journal);
		return;
	}
	struct journal_owner now = look_at_owner(*state);
	assert_non_null(now.who);
	assert_true(g_str_has_prefix(now.who, pid));
	assert_true(now.holds);
	journal_close(journal);
	struct journal_owner then = look_at_owner(*state);
	assert_string_equal(then.who, now.who);
	assert_false(then.holds);
	g_free(now.who);
	g_free(then.who);
}

/* --- failed fires that are run again --- */

#define FAILED_AT INT64_C(1700000000000000)

/* A failure of action 7 at its nominal time, by another run where attempts are more than 1. */
static struct commit *failure_commit(uint64_t sequence, time_us nominal, uint16_t attempts)
{
	struct commit *commit = commit_new();
	commit->sequence = sequence;
	struct outcome outcome = {.action_id = 7,
		.nominal = nominal,
		.started_at = FAILED_AT + attempts,
		.finished_at = FAILED_AT + attempts,
		.status = STATUS_FAILED,
		.reason = REASON_REFUSED,
		.attempts = attempts,
		.again = attempts > 1};
	g_array_append_val(commit->outcomes, outcome);
	return commit;
}

static void put(struct journal *journal, struct commit *commit)
{
	commit_ok(journal, commit);
	commit_free(commit);
}

static bool take_attempts(void *context, const struct history_entry *entry)
{
	*(guint *)context = *(guint *)context * 10 + entry->attempts;
	return true;
}

/* The attempts of the entries of a fire, newest first, as digits. */
static guint attempts_of(struct journal *journal, time_us nominal, bool failed)
{
	char id[FIRE_ID_MAX];
	struct history_query query = {
		.since = TIME_US_MIN, .fire_id = fire_id_format(7, nominal, NULL, id), .failed_fire = failed};
	guint attempts = 0;
	assert_ok(journal_history(journal, &query, take_attempts, &attempts, error));
	return attempts;
}

static void a_fire_run_again_has_one_entry(void **state)
{
	struct journal *journal = open_one(*state);
	guint kept = contract->durable;
	put(journal, failure_commit(1, 5, 1));
	put(journal, failure_commit(2, 6, 1));
	assert_int_equal(attempts_of(journal, 5, true), kept * 1);
	put(journal, failure_commit(3, 5, 2));
	assert_int_equal(attempts_of(journal, 5, true), kept * 2);
	assert_int_equal(attempts_of(journal, 5, false), kept * 2);
	struct commit *delivered = failure_commit(4, 5, 3);
	g_array_index(delivered->outcomes, struct outcome, 0).status = STATUS_DELIVERED;
	put(journal, delivered);
	assert_int_equal(attempts_of(journal, 5, true), 0);
	assert_int_equal(attempts_of(journal, 5, false), kept * 3);
	assert_int_equal(attempts_of(journal, 6, true), kept * 1);
	journal_close(journal);
}

/* What it would take the place of has been trimmed. */
static void a_fire_run_again_whose_entry_is_gone_is_added(void **state)
{
	struct journal *journal = open_one(*state);
	put(journal, failure_commit(1, 5, 4));
	assert_int_equal(attempts_of(journal, 5, true), contract->durable * 4U);
	journal_close(journal);
}

/* The outcome of the first try was unknown; what it wrote must not go by the second. */
static void a_replacement_committed_twice_is_there_once(void **state)
{
	struct journal *journal = open_one(*state);
	put(journal, failure_commit(1, 5, 1));
	put(journal, failure_commit(2, 5, 2));
	put(journal, failure_commit(2, 5, 2));
	assert_int_equal(attempts_of(journal, 5, true), contract->durable * 2U);
	journal_close(journal);
}

static void trimming_nothing_is_done(void **state)
{
	struct journal *journal = open_one(*state);
	bool more = true;
	assert_ok(journal_trim(journal, 0, &more, error));
	assert_false(more);
	journal_close(journal);
}

static void closing_none_is_fine(void **state)
{
	(void)state;
	journal_close(NULL);
}

int main(int argc, char **argv)
{
	int skipped = backend_start(argc, argv);
	if (skipped)
		return skipped;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_journal_knows_nothing, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(opening_alone_is_not_known, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			an_empty_commit_makes_it_known, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			all_that_is_committed_is_read_back, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			the_last_sequence_again_is_taken_as_done, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_new_owner_begins_its_own_sequence, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_reader_is_told_who_holds_it_and_who_held_it_last, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_fire_run_again_has_one_entry, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_fire_run_again_whose_entry_is_gone_is_added, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_replacement_committed_twice_is_there_once, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(trimming_nothing_is_done, scratch_setup, scratch_teardown),
		cmocka_unit_test(closing_none_is_fine),
	};
	int failed = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(contracts); i++) {
		contract = &contracts[i];
		bool is_server = contract->dialect && strcmp(contract->dialect, "sqlite") != 0;
		if (is_server ? strcmp(contract->dialect, backend_dialect()) != 0 : backend_is_server())
			continue;
		failed += cmocka_run_group_tests_name(contract->name, tests, NULL, NULL);
	}
	backend_stop();
	return failed;
}
