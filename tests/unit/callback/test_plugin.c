/* The callback `plugin`, with a plugin that does what the test says (plugin_test_module.c). What every
 * callback must do is in the contract suite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "callback/backends.h"
#include "callback/plugin.h"
#include "contract.h"
#include "module_place.h"
#include "plugin_control.h"

static char *library;

/* One instance, what the plugin was given and what the host was told. */
struct bench {
	struct callback_settings *settings;
	struct plugin_control control;
	struct callback *plugin;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	GArray *faces;   /* const struct action_scheduler_fire *, in order */
	GArray *results; /* struct fire_result */
	GString *said;
	unsigned ready, trouble, trouble_over, cancelled;
	size_t accept; /* what bench_submit returns at most */
};

static void heard_resolved(void *context, const struct fire_result *results, size_t count)
{
	struct bench *b = context;
	pthread_mutex_lock(&b->lock);
	g_array_append_vals(b->results, results, (guint)count);
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static void heard_count(struct bench *b, unsigned *counter, const char *text)
{
	pthread_mutex_lock(&b->lock);
	if (counter)
		++*counter;
	if (text)
		g_string_append_printf(b->said, "%s\n", text);
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static void heard_ready(void *context)
{
	struct bench *b = context;
	heard_count(b, &b->ready, NULL);
}

static void heard_trouble(void *context, const char *message)
{
	struct bench *b = context;
	heard_count(b, message ? &b->trouble : &b->trouble_over, message);
}

static void heard_broken(void *context, const char *message)
{
	heard_count(context, NULL, message);
}

static void heard_say(void *context, const char *line)
{
	heard_count(context, NULL, line);
}

/* The plugin: keeps what it gets. */
static size_t bench_submit(
	struct plugin_control *control, const struct action_scheduler_fire *const *fires, size_t count)
{
	struct bench *b = control->context;
	pthread_mutex_lock(&b->lock);
	count = MIN(count, b->accept);
	g_array_append_vals(b->faces, fires, (guint)count);
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
	return count;
}

static void bench_cancel(struct plugin_control *control, uint64_t ticket)
{
	struct bench *b = control->context;
	(void)ticket;
	heard_count(b, &b->cancelled, NULL);
}

static void option_set(struct bench *b, const char *name, const char *value)
{
	g_hash_table_insert(b->settings->plugin.options, g_strdup(name), g_strdup(value));
}

static struct callback *bench_open(struct bench *b, const char *symbol, GError **error)
{
	g_autofree char *argument = g_strconcat(library, ":", symbol, NULL);
	struct callback_open open = {.name = "plugin:…",
		.argument = argument,
		.settings = b->settings,
		.host = {heard_resolved, heard_ready, heard_trouble, heard_broken, heard_say, b}};
	return callback_plugin.open(&open, error);
}

static int setup(void **state)
{
	struct bench *b = g_new0(struct bench, 1);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	b->faces = g_array_new(false, false, sizeof(struct action_scheduler_fire *));
	b->results = g_array_new(false, false, sizeof(struct fire_result));
	b->said = g_string_new(NULL);
	b->accept = SIZE_MAX;
	b->control = (struct plugin_control){.submit = bench_submit, .cancel = bench_cancel, .context = b};
	b->settings = contract_settings_new();
	g_autofree char *address = g_strdup_printf("%zu", (size_t)&b->control);
	option_set(b, "controlled.control", address);
	option_set(b, "longer.control", address);
	*state = b;
	return 0;
}

static int setup_open(void **state)
{
	setup(state);
	g_autoptr(GError) error = NULL;
	struct bench *b = *state;
	b->plugin = bench_open(b, "controlled", &error);
	if (!b->plugin)
		fail_msg("%s", error->message);
	return 0;
}

static void bench_close(struct bench *b)
{
	if (b->plugin)
		callback_plugin.close(b->plugin, clock_monotonic());
	b->plugin = NULL;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	bench_close(b);
	for (guint i = 0; i < b->results->len; i++)
		g_free(g_array_index(b->results, struct fire_result, i).detail);
	g_array_unref(b->results);
	g_array_unref(b->faces);
	g_string_free(b->said, true);
	contract_settings_free(b->settings);
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->lock);
	g_free(b);
	return 0;
}

static void wait_until_at_least(struct bench *b, const unsigned *counter, unsigned least)
{
	struct timespec until = {clock_monotonic() / US_PER_SECOND + 60, 0};
	pthread_mutex_lock(&b->lock);
	while (*counter < least)
		if (pthread_cond_clockwait(&b->changed, &b->lock, CLOCK_MONOTONIC, &until) != 0)
			fail_msg("waited in vain: %u of %u; said: %s", *counter, least, b->said->str);
	pthread_mutex_unlock(&b->lock);
}

static struct action *action_of(const char *command, int32_t timeout_s)
{
	struct action *action = g_malloc0(sizeof *action + 5 + strlen(command) + 1);
	action->id = 17;
	action->timeout_s = timeout_s;
	action->name_length = 4;
	action->command_length = (uint32_t)strlen(command);
	memcpy(action->text, "name", 5);
	memcpy(action->text + 5, command, strlen(command));
	return action;
}

static size_t submit_some(struct bench *b, const struct action *action, size_t count)
{
	g_autofree struct fire *fires = g_new0(struct fire, count);
	for (size_t i = 0; i < count; i++)
		fires[i] = (struct fire){.ticket = 1000 + i,
			.action = action,
			.nominal = INT64_C(1704067500) * US_PER_SECOND,
			.due_at = INT64_C(1704067501) * US_PER_SECOND,
			.attempt = 3};
	return callback_plugin.submit(b->plugin, fires, count);
}

/* Submits one and waits until the plugin has it. */
static const struct action_scheduler_fire *submit_one(struct bench *b, const char *command, int32_t timeout_s)
{
	g_autofree struct action *action = action_of(command, timeout_s);
	guint before = b->faces->len;
	assert_int_equal(submit_some(b, action, 1), 1);
	wait_until_at_least(b, &b->faces->len, before + 1);
	return g_array_index(b->faces, const struct action_scheduler_fire *, before);
}

static void resolve(struct bench *b, uint64_t ticket, int answer, const char *detail)
{
	struct action_scheduler_result result = ACTION_SCHEDULER_RESULT_INIT;
	result.ticket = ticket;
	result.answer = answer;
	result.detail = detail;
	b->control.host->resolve(b->control.host, &result);
}

static const struct fire_result *result_at(struct bench *b, guint index)
{
	wait_until_at_least(b, &b->results->len, index + 1);
	return &g_array_index(b->results, struct fire_result, index);
}

/* --- loading --- */

static void assert_open_fails(struct bench *b, const char *symbol, int code, const char *reason)
{
	g_autoptr(GError) error = NULL;
	assert_null(bench_open(b, symbol, &error));
	if (error->code != code || !strstr(error->message, reason))
		fail_msg("error %d “%s”, not %d “%s”", error->code, error->message, code, reason);
}

static void errors_name_file_symbol_and_abi(void **state)
{
	struct bench *b = *state;
	assert_open_fails(b, "nothing", AS_ERROR_INVALID, "module.so: nothing is not exported");
	assert_open_fails(b, "other_abi", AS_ERROR_INVALID,
		"module.so: other_abi is a plugin of ABI 2, and this scheduler has ABI 1");
	assert_open_fails(b, "small", AS_ERROR_INVALID, "small has a table of 16 bytes");
	assert_open_fails(b, "no_submit", AS_ERROR_INVALID, "no_submit has no function submit");
}

static void what_is_no_library_is_told(void **state)
{
	struct bench *b = *state;
	g_autoptr(GError) error = NULL;
	struct callback_open open = {
		.name = "plugin", .argument = "/etc/passwd:root", .settings = b->settings};
	assert_true(callback_plugin.check(b->settings, open.argument, NULL));
	assert_null(callback_plugin.open(&open, &error));
	assert_non_null(strstr(error->message, "cannot be loaded: /etc/passwd: invalid ELF header"));
}

static void open_looks_at_the_file_again(void **state)
{
	struct bench *b = *state;
	assert_int_equal(g_chmod(library, 0777), 0);
	assert_open_fails(b, "controlled", AS_ERROR_INVALID, "chmod go-w");
	assert_int_equal(g_chmod(library, 0755), 0);
}

static void init_says_whether_to_try_again(void **state)
{
	struct bench *b = *state;
	b->control.outcome = ACTION_SCHEDULER_AGAIN;
	b->control.error = "the modem warms up";
	assert_open_fails(b, "controlled", AS_ERROR_UNAVAILABLE,
		"controlled cannot be started now: the modem warms up");
	b->control.outcome = ACTION_SCHEDULER_BAD;
	assert_open_fails(b, "controlled", AS_ERROR_INVALID, "controlled cannot be started: the modem");
	b->control.error = NULL;
	assert_open_fails(b, "controlled", AS_ERROR_INVALID, "it does not say why");
	assert_int_equal(b->control.stopped, 0);
}

static void init_gets_its_own_options_sorted(void **state)
{
	struct bench *b = *state;
	option_set(b, "controlled.b", "2");
	option_set(b, "controlled.a.c", "1 and more");
	option_set(b, "controlled", "no");
	option_set(b, "controlledx.y", "no");
	option_set(b, "longer.z", "no");
	b->plugin = bench_open(b, "controlled", NULL);
	assert_non_null(b->plugin);
	assert_string_equal(b->control.options, "a.c=1 and more;b=2;");
}

static void a_plugin_with_more_members_works(void **state)
{
	struct bench *b = *state;
	b->plugin = bench_open(b, "longer", NULL);
	assert_non_null(b->plugin);
	resolve(b, submit_one(b, "x", 0)->ticket, ACTION_SCHEDULER_DELIVERED, NULL);
	assert_int_equal(result_at(b, 0)->answer, FIRE_DELIVERED);
	bench_close(b);
	assert_int_equal(b->control.stopped, 1);
}

/* --- fires and answers --- */

static void a_fire_says_what_it_is(void **state)
{
	struct bench *b = *state;
	const struct action_scheduler_fire *fire = submit_one(b, "do {attempt}", 90);
	assert_int_equal(fire->size, sizeof *fire);
	assert_string_equal(fire->fire_id, "17@2024-01-01T00:05:00Z");
	assert_int_equal(fire->action_id, 17);
	assert_string_equal(fire->name, "name");
	assert_int_equal(fire->name_length, 4);
	assert_string_equal(fire->command, "do {attempt}");
	assert_int_equal(fire->command_length, strlen(fire->command));
	assert_int_equal(fire->scheduled_at, INT64_C(1704067500) * US_PER_SECOND);
	assert_int_equal(fire->due_at, INT64_C(1704067501) * US_PER_SECOND);
	assert_int_equal(fire->attempt, 3);
	assert_int_equal(fire->timeout, 90);
	resolve(b, fire->ticket, ACTION_SCHEDULER_DELIVERED, "the output");
	const struct fire_result *result = result_at(b, 0);
	assert_int_equal(result->ticket, 1000);
	assert_int_equal(result->answer, FIRE_DELIVERED);
	assert_string_equal(result->detail, "the output");
}

static void placeholders_are_replaced_where_configured(void **state)
{
	struct bench *b = *state;
	b->settings->placeholders = true;
	b->plugin = bench_open(b, "controlled", NULL);
	const struct action_scheduler_fire *fire = submit_one(b, "do {attempt}", 0);
	assert_string_equal(fire->command, "do 3");
	assert_int_equal(fire->command_length, 4);
}

static void answers_are_passed_on(void **state)
{
	struct bench *b = *state;
	struct action_scheduler_result result = ACTION_SCHEDULER_RESULT_INIT;
	result.ticket = submit_one(b, "x", 0)->ticket;
	result.answer = ACTION_SCHEDULER_UNAVAILABLE;
	result.retry_at = 12345;
	result.detail = "bytes \xff of old";
	b->control.host->resolve(b->control.host, &result);
	assert_int_equal(result_at(b, 0)->answer, FIRE_UNAVAILABLE);
	assert_int_equal(result_at(b, 0)->retry_at, 12345);
	assert_string_equal(result_at(b, 0)->detail, "bytes \xef\xbf\xbd of old");
	resolve(b, submit_one(b, "x", 0)->ticket, 77, NULL);
	assert_int_equal(result_at(b, 1)->answer, FIRE_REJECTED);
	assert_non_null(strstr(result_at(b, 1)->detail, "does not say why"));
	g_autofree char *much = g_strnfill(1 << 20, 'x');
	resolve(b, submit_one(b, "x", 0)->ticket, ACTION_SCHEDULER_DELIVERED, much);
	assert_int_equal(strlen(result_at(b, 2)->detail), PLUGIN_DETAIL_MAX);
}

static void times_of_the_plugin_stay_within_reason(void **state)
{
	struct bench *b = *state;
	time_us before = clock_now();
	struct action_scheduler_result result = ACTION_SCHEDULER_RESULT_INIT;
	result.ticket = submit_one(b, "x", 0)->ticket;
	result.started_at = 1;
	result.finished_at = INT64_MAX;
	b->control.host->resolve(b->control.host, &result);
	const struct fire_result *got = result_at(b, 0);
	assert_true(before <= got->started_at && got->started_at <= got->finished_at);
	assert_true(got->finished_at <= clock_now());
	result.ticket = submit_one(b, "x", 0)->ticket;
	result.started_at = result.finished_at = clock_now();
	b->control.host->resolve(b->control.host, &result);
	assert_int_equal(result_at(b, 1)->started_at, result.started_at);
	assert_int_equal(result_at(b, 1)->finished_at, result.finished_at);
}

static void a_second_answer_is_ignored_and_told_once(void **state)
{
	struct bench *b = *state;
	uint64_t ticket = submit_one(b, "x", 0)->ticket;
	for (int i = 0; i < 3; i++)
		resolve(b, ticket, ACTION_SCHEDULER_DELIVERED, NULL);
	resolve(b, 4711, ACTION_SCHEDULER_DELIVERED, NULL);
	resolve(b, submit_one(b, "x", 0)->ticket, ACTION_SCHEDULER_DELIVERED, NULL);
	result_at(b, 1);
	assert_int_equal(b->results->len, 2);
	assert_int_equal(g_strrstr(b->said->str, "resolves ticket") - b->said->str,
		strstr(b->said->str, "resolves ticket") - b->said->str);
}

static size_t resolve_and_accept_none(
	struct plugin_control *control, const struct action_scheduler_fire *const *fires, size_t count)
{
	struct bench *b = control->context;
	resolve(b, fires[count - 1]->ticket, ACTION_SCHEDULER_DELIVERED, NULL);
	control->submit = bench_submit;
	control->host->ready(control->host);
	return 0;
}

/* And a ready that comes before submit returns is not lost. */
static void what_is_resolved_within_submit_counts_as_accepted(void **state)
{
	struct bench *b = *state;
	b->control.submit = resolve_and_accept_none;
	g_autofree struct action *action = action_of("x", 0);
	assert_int_equal(submit_some(b, action, 3), 3);
	wait_until_at_least(b, &b->faces->len, 2);
	assert_int_equal(result_at(b, 0)->ticket, 1002);
	for (guint i = 0; i < 2; i++) {
		resolve(b, g_array_index(b->faces, struct action_scheduler_fire *, i)->ticket,
			ACTION_SCHEDULER_DELIVERED, NULL);
		assert_int_equal(result_at(b, i + 1)->ticket, 1000 + i);
	}
	assert_string_equal(b->said->str, "");
}

static size_t accept_too_much(
	struct plugin_control *control, const struct action_scheduler_fire *const *fires, size_t count)
{
	bench_submit(control, fires, count);
	return count + 5;
}

static void more_than_was_offered_is_all_of_it(void **state)
{
	struct bench *b = *state;
	b->control.submit = accept_too_much;
	for (guint i = 0; i < 3; i++) {
		resolve(b, submit_one(b, "x", 0)->ticket, ACTION_SCHEDULER_DELIVERED, NULL);
		result_at(b, i);
	}
}

/* --- timeouts --- */

static void a_timed_out_fire_stays_readable_until_resolved(void **state)
{
	struct bench *b = *state;
	const struct action_scheduler_fire *fire = submit_one(b, "still there", 1);
	assert_int_equal(result_at(b, 0)->answer, FIRE_REJECTED);
	assert_string_equal(result_at(b, 0)->detail, "timed out after 1 s");
	wait_until_at_least(b, &b->cancelled, 1);
	assert_string_equal(fire->command, "still there");
	resolve(b, fire->ticket, ACTION_SCHEDULER_DELIVERED, NULL);
	/* It was awaited, so nothing is said; and told to nobody. */
	resolve(b, submit_one(b, "next", 0)->ticket, ACTION_SCHEDULER_DELIVERED, NULL);
	assert_int_equal(result_at(b, 1)->answer, FIRE_DELIVERED);
	assert_int_equal(b->results->len, 2);
	assert_string_equal(b->said->str, "");
}

static void what_waits_for_room_does_not_time_out(void **state)
{
	struct bench *b = *state;
	b->accept = 1;
	g_autofree struct action *action = action_of("x", 1);
	assert_int_equal(submit_some(b, action, 2), 2);
	result_at(b, 0);
	/* The first one has timed out; the second one's time begins when it is handed over. */
	assert_int_equal(b->faces->len, 1);
	b->control.host->ready(b->control.host);
	wait_until_at_least(b, &b->faces->len, 2);
	assert_int_equal(b->results->len, 1);
	resolve(b, g_array_index(b->faces, struct action_scheduler_fire *, 1)->ticket,
		ACTION_SCHEDULER_DELIVERED, NULL);
	assert_int_equal(result_at(b, 1)->answer, FIRE_DELIVERED);
}

/* A plugin that never resolves what has timed out is given no more, and that is said. */
static void a_plugin_that_resolves_nothing_is_held_back(void **state)
{
	struct bench *b = *state;
	g_autofree struct action *action = action_of("x", 1);
	assert_int_equal(submit_some(b, action, PLUGIN_FIRES_MAX), PLUGIN_FIRES_MAX);
	assert_int_equal(submit_some(b, action, 1), 0);
	wait_until_at_least(b, &b->results->len, PLUGIN_FIRES_MAX);
	wait_until_at_least(b, &b->trouble, 1);
	assert_non_null(strstr(b->said->str, "resolves nothing of what has timed out"));
	assert_int_equal(b->ready, 0);
	resolve(b, g_array_index(b->faces, struct action_scheduler_fire *, 0)->ticket,
		ACTION_SCHEDULER_DELIVERED, NULL);
	wait_until_at_least(b, &b->trouble_over, 1);
	wait_until_at_least(b, &b->ready, 1);
	assert_int_equal(submit_some(b, action, 1), 1);
	assert_int_equal(b->trouble, 1);
}

static void large_commands_are_bounded_in_bytes(void **state)
{
	struct bench *b = *state;
	b->accept = 0;
	g_autofree char *text = g_strnfill(1 << 20, 'x');
	g_autofree struct action *action = action_of(text, 0);
	size_t accepted = submit_some(b, action, 100);
	assert_true(accepted > 0 && accepted <= PLUGIN_BYTES_MAX >> 20);
}

/* --- the log, trouble, the end --- */

static void the_plugin_may_talk(void **state)
{
	struct bench *b = *state;
	const struct action_scheduler_host *host = b->control.host;
	host->log(host, "one line");
	host->log(host, NULL);
	host->trouble(host, NULL);
	host->trouble(host, "no line");
	host->trouble(host, "still none");
	host->trouble(host, NULL);
	host->trouble(host, NULL);
	assert_string_equal(b->said->str, "one line\nno line\n");
	assert_int_equal(b->trouble, 1);
	assert_int_equal(b->trouble_over, 1);
}

static void stop_is_called_once_where_the_time_is_over(void **state)
{
	struct bench *b = *state;
	submit_one(b, "x", 0);
	bench_close(b);
	assert_int_equal(b->control.stopped, 1);
	assert_int_equal(b->results->len, 0);
}

static void two_instances_are_two(void **state)
{
	struct bench *b = *state;
	struct callback *other = bench_open(b, "controlled", NULL);
	b->plugin = bench_open(b, "controlled", NULL);
	assert_non_null(other);
	assert_non_null(b->plugin);
	resolve(b, submit_one(b, "x", 0)->ticket, ACTION_SCHEDULER_DELIVERED, NULL);
	callback_plugin.close(other, clock_monotonic() + US_PER_MINUTE);
	assert_int_equal(b->control.stopped, 1);
}

#define CLOSED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define OPEN(test)   cmocka_unit_test_setup_teardown(test, setup_open, teardown)

int main(void)
{
	library = module_place(MODULE);
	const struct CMUnitTest tests[] = {
		CLOSED(errors_name_file_symbol_and_abi),
		CLOSED(what_is_no_library_is_told),
		CLOSED(open_looks_at_the_file_again),
		CLOSED(init_says_whether_to_try_again),
		CLOSED(init_gets_its_own_options_sorted),
		CLOSED(a_plugin_with_more_members_works),
		OPEN(a_fire_says_what_it_is),
		CLOSED(placeholders_are_replaced_where_configured),
		OPEN(answers_are_passed_on),
		OPEN(times_of_the_plugin_stay_within_reason),
		OPEN(a_second_answer_is_ignored_and_told_once),
		OPEN(what_is_resolved_within_submit_counts_as_accepted),
		OPEN(more_than_was_offered_is_all_of_it),
		OPEN(a_timed_out_fire_stays_readable_until_resolved),
		OPEN(what_waits_for_room_does_not_time_out),
		OPEN(a_plugin_that_resolves_nothing_is_held_back),
		OPEN(large_commands_are_bounded_in_bytes),
		OPEN(the_plugin_may_talk),
		OPEN(stop_is_called_once_where_the_time_is_over),
		CLOSED(two_instances_are_two),
	};
	return cmocka_run_group_tests_name("plugin", tests, NULL, NULL);
}
