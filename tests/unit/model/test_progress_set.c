/* What becomes of lanes, records and open fires where the progress is set to a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "model/progress_set.h"

#define MINUTES(n) ((n)*US_PER_MINUTE)
#define NOW        MINUTES(1000)

struct fixture {
	struct progress *progress;
	struct commit *commit;
	GArray *moves;
	struct progress_goal goal;
};

static struct fixture *fixture_new(void)
{
	struct fixture *f = g_new0(struct fixture, 1);
	f->progress = progress_new();
	f->commit = commit_new();
	f->goal.now = NOW;
	return f;
}

static void fixture_free(struct fixture *f)
{
	progress_free(f->progress);
	commit_free(f->commit);
	if (f->moves)
		g_array_unref(f->moves);
	g_free(f);
}

static void add_lane(struct fixture *f, const char *name, time_us due)
{
	struct lane_progress lane = {.name = g_strdup(name), .clock_epoch = 4, .watermark = {due, 7, due}};
	g_array_append_val(f->progress->lanes, lane);
}

static struct backlog_record *add_record(
	struct fixture *f, time_us from, time_us to, time_us cursor, int64_t settled_id)
{
	struct backlog_record record = {
		.id = f->progress->backlog->len + 11,
		.lane = g_strdup("print"),
		.from = position_end_of(from),
		.to = position_end_of(to),
		.cursor = position_end_of(cursor),
		.drop_before = TIME_US_MIN,
		.skip_before = TIME_US_MIN,
		.fire_until = TIME_US_MAX,
		.settled_id = settled_id,
	};
	g_array_append_val(f->progress->backlog, record);
	return &g_array_index(f->progress->backlog, struct backlog_record, f->progress->backlog->len - 1);
}

static struct open_fire *add_open(struct fixture *f, int64_t id, time_us due)
{
	struct open_fire open = {
		.lane = g_strdup("print"), .action_id = id, .nominal = due, .due_at = due, .attempts = 2};
	g_array_append_val(f->progress->open, open);
	return &g_array_index(f->progress->open, struct open_fire, f->progress->open->len - 1);
}

/* Definitions of odd actions hold since minute 500, others for ever. */
static time_us since(void *context, int64_t action_id)
{
	(void)context;
	return action_id % 2 ? MINUTES(500) : TIME_US_MIN;
}

static bool set(struct fixture *f, time_us at, bool repeat, GError **error)
{
	f->goal.at = at;
	f->goal.repeat = repeat;
	return progress_set(f->progress, &f->goal, since, NULL, f->commit, &f->moves, error);
}

#define RECORD(i)  (&g_array_index(f->commit->backlog, struct backlog_record, i))
#define OUTCOME(i) (&g_array_index(f->commit->outcomes, struct outcome, i))
#define DONE(i)    (&g_array_index(f->commit->open_done, struct open_fire, i))
#define LANE(i)    (&g_array_index(f->commit->lanes, struct lane_progress, i))

static void forward_what_was_due_is_dropped(void **state G_GNUC_UNUSED)
{
	struct fixture *f = fixture_new();
	add_lane(f, "print", MINUTES(400));
	add_record(f, MINUTES(100), MINUTES(200), MINUTES(150), INT64_MAX);
	assert_true(set(f, MINUTES(600), false, NULL));
	assert_int_equal(LANE(0)->watermark.due_at, MINUTES(600) - 1);
	assert_int_equal(LANE(0)->clock_epoch, 4);
	assert_int_equal(f->commit->backlog->len, 2);
	/* What is left of the old one, as it comes. */
	assert_int_equal(RECORD(0)->id, 11);
	assert_int_equal(RECORD(0)->skip_before, MINUTES(600));
	assert_int_equal(RECORD(0)->fire_until, TIME_US_MAX);
	assert_int_equal(RECORD(1)->id, 12);
	assert_int_equal(RECORD(1)->from.due_at, MINUTES(400));
	assert_int_equal(RECORD(1)->from.action_id, 7);
	assert_int_equal(position_compare(RECORD(1)->to, LANE(0)->watermark), 0);
	assert_int_equal(RECORD(1)->drop_before, TIME_US_MAX);
	assert_int_equal(RECORD(1)->drop_reason, REASON_PROGRESS_SET);
	assert_int_equal(f->commit->notes->len, 1);
	fixture_free(f);
}

static void open_fires_of_before_are_over(void **state G_GNUC_UNUSED)
{
	struct fixture *f = fixture_new();
	add_lane(f, "print", MINUTES(400));
	add_open(f, 1, MINUTES(300));
	add_open(f, 2, MINUTES(301))->started = true;
	add_open(f, 3, MINUTES(302))->attempts_before = 1;
	add_open(f, 4, MINUTES(600));
	g_strlcpy(add_open(f, 5, MINUTES(303))->manual, "a", FIRE_MANUAL_MAX);
	struct open_fire *begun = add_open(f, 6, MINUTES(304));
	begun->attempts_before = 1;
	begun->started = true;
	assert_true(set(f, MINUTES(600), false, NULL));
	assert_int_equal(f->commit->open_done->len, 5);
	assert_int_equal(DONE(3)->action_id, 5);
	assert_string_equal(DONE(3)->lane, "print");
	/* A retry is the failure that it was, but where it had begun. */
	assert_int_equal(f->commit->outcomes->len, 4);
	assert_int_equal(OUTCOME(3)->reason, REASON_INTERRUPTED);
	assert_true(OUTCOME(3)->again);
	assert_int_equal(OUTCOME(0)->status, STATUS_SKIPPED);
	assert_int_equal(OUTCOME(0)->reason, REASON_PROGRESS_SET);
	assert_int_equal(OUTCOME(0)->attempts, 2);
	assert_int_equal(OUTCOME(0)->finished_at, NOW);
	assert_int_equal(OUTCOME(1)->status, STATUS_FAILED);
	assert_int_equal(OUTCOME(1)->reason, REASON_INTERRUPTED);
	assert_int_equal(OUTCOME(1)->attempts, 3);
	assert_string_equal(OUTCOME(2)->manual, "a");
	const struct progress_move *move = &g_array_index(f->moves, struct progress_move, 0);
	assert_int_equal(move->ended, 5);
	assert_int_equal(move->again, 0);
	fixture_free(f);
}

static void back_only_where_it_is_asked_for(void **state G_GNUC_UNUSED)
{
	struct fixture *f = fixture_new();
	g_autoptr(GError) error = NULL;
	add_lane(f, "exec", MINUTES(500));
	add_lane(f, "print", MINUTES(700));
	assert_false(set(f, MINUTES(600), false, &error));
	assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
	assert_non_null(strstr(error->message, "callback print"));
	assert_non_null(strstr(error->message, "--repeat"));
	assert_true(commit_is_empty(f->commit));
	f->goal.lane = "exec";
	assert_true(set(f, MINUTES(600), false, NULL));
	assert_int_equal(f->commit->lanes->len, 1);
	assert_string_equal(LANE(0)->name, "exec");
	fixture_free(f);
}

static void back_it_is_another_clock_epoch(void **state G_GNUC_UNUSED)
{
	struct fixture *f = fixture_new();
	add_lane(f, "print", MINUTES(700));
	assert_true(set(f, MINUTES(600), true, NULL));
	assert_int_equal(LANE(0)->watermark.due_at, MINUTES(600) - 1);
	assert_int_equal(LANE(0)->clock_epoch, 5);
	assert_int_equal(f->commit->backlog->len, 0);
	assert_true(g_array_index(f->moves, struct progress_move, 0).back);
	fixture_free(f);
}

/* Else they would come twice. */
static void back_records_end_where_the_lane_goes_on(void **state G_GNUC_UNUSED)
{
	struct fixture *f = fixture_new();
	add_lane(f, "print", MINUTES(700));
	add_record(f, MINUTES(610), MINUTES(650), MINUTES(620), INT64_MAX); /* all of it comes again */
	add_record(f, MINUTES(550), MINUTES(650), MINUTES(560), INT64_MAX);
	add_record(f, MINUTES(550), MINUTES(650), MINUTES(550), INT64_MIN); /* not decided yet */
	struct backlog_record *members = add_record(f, MINUTES(610), MINUTES(650), MINUTES(620), INT64_MAX);
	members->members = g_new0(struct backlog_member, 1);
	members->member_count = 1;
	assert_true(set(f, MINUTES(600), true, NULL));
	assert_int_equal(f->commit->backlog_done->len, 1);
	assert_int_equal(g_array_index(f->commit->backlog_done, uint64_t, 0), 11);
	assert_int_equal(f->commit->backlog->len, 3);
	assert_int_equal(RECORD(0)->fire_until, MINUTES(600) - 1);
	assert_int_equal(RECORD(0)->to.due_at, MINUTES(650));
	assert_int_equal(RECORD(1)->fire_until, TIME_US_MAX);
	assert_int_equal(RECORD(1)->to.due_at, MINUTES(600) - 1);
	/* The schedules of members are earlier ones, which the lane does not know. */
	assert_int_equal(RECORD(2)->id, 14);
	assert_int_equal(RECORD(2)->to.due_at, MINUTES(650));
	assert_int_equal(RECORD(2)->fire_until, TIME_US_MAX);
	assert_null(RECORD(2)->members);
	fixture_free(f);
}

static void back_open_fires_that_come_again_go(void **state G_GNUC_UNUSED)
{
	struct fixture *f = fixture_new();
	add_lane(f, "print", MINUTES(700));
	add_open(f, 1, MINUTES(450)); /* of a definition before the one that holds since minute 500 */
	add_open(f, 1, MINUTES(550));
	add_open(f, 2, MINUTES(450));
	g_strlcpy(add_open(f, 2, MINUTES(460))->manual, "a", FIRE_MANUAL_MAX);
	assert_true(set(f, MINUTES(400), true, NULL));
	assert_int_equal(f->commit->outcomes->len, 0);
	assert_int_equal(f->commit->open_done->len, 2);
	assert_int_equal(DONE(0)->due_at, MINUTES(550));
	assert_int_equal(DONE(1)->action_id, 2);
	assert_int_equal(g_array_index(f->moves, struct progress_move, 0).again, 2);
	fixture_free(f);
}

static void an_unknown_lane_is_refused(void **state G_GNUC_UNUSED)
{
	struct fixture *f = fixture_new();
	g_autoptr(GError) error = NULL;
	add_lane(f, "print", MINUTES(700));
	f->goal.lane = "kafka";
	assert_false(set(f, MINUTES(800), true, &error));
	assert_non_null(strstr(error->message, "it has: print"));
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forward_what_was_due_is_dropped),
		cmocka_unit_test(open_fires_of_before_are_over),
		cmocka_unit_test(back_only_where_it_is_asked_for),
		cmocka_unit_test(back_it_is_another_clock_epoch),
		cmocka_unit_test(back_records_end_where_the_lane_goes_on),
		cmocka_unit_test(back_open_fires_that_come_again_go),
		cmocka_unit_test(an_unknown_lane_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
