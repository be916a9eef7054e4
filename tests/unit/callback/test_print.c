/* The callback `print`, on pipes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "callback/backends.h"
#include "callback/print.h"

/* What the host was told, gathered from any thread. */
struct heard {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	GArray *tickets;
	unsigned ready, broken, trouble, trouble_over;
	char *message;
};

static void heard_resolved(void *context, const struct fire_result *results, size_t count)
{
	struct heard *h = context;
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(results[i].answer, FIRE_DELIVERED);
		assert_true(results[i].finished_at >= results[i].started_at);
		g_array_append_val(h->tickets, results[i].ticket);
	}
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static void heard_count(struct heard *h, unsigned *counter, const char *message)
{
	pthread_mutex_lock(&h->lock);
	++*counter;
	if (message) {
		g_free(h->message);
		h->message = g_strdup(message);
	}
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static void heard_ready(void *context)
{
	struct heard *h = context;
	heard_count(h, &h->ready, NULL);
}

static void heard_trouble(void *context, const char *message)
{
	struct heard *h = context;
	heard_count(h, message ? &h->trouble : &h->trouble_over, message);
}

static void heard_broken(void *context, const char *message)
{
	struct heard *h = context;
	heard_count(h, &h->broken, message);
}

struct bench {
	struct heard heard;
	struct callback_host host;
	struct callback *print;
	int in, out;
};

static int bench_setup(void **state)
{
	struct bench *b = g_new0(struct bench, 1);
	pthread_mutex_init(&b->heard.lock, NULL);
	pthread_cond_init(&b->heard.changed, NULL);
	b->heard.tickets = g_array_new(false, false, sizeof(uint64_t));
	b->host = (struct callback_host){
		heard_resolved, heard_ready, heard_trouble, heard_broken, NULL, &b->heard};
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	b->in = ends[0];
	b->out = ends[1];
	b->print = print_open_fd(&b->host, b->out, NULL);
	assert_non_null(b->print);
	*state = b;
	return 0;
}

static int bench_teardown(void **state)
{
	struct bench *b = *state;
	if (b->print)
		callback_print.close(b->print, clock_monotonic() + 10 * US_PER_SECOND);
	close(b->in);
	close(b->out);
	g_array_unref(b->heard.tickets);
	g_free(b->heard.message);
	pthread_mutex_destroy(&b->heard.lock);
	pthread_cond_destroy(&b->heard.changed);
	g_free(b);
	return 0;
}

static void wait_until_at_least(struct heard *h, const unsigned *counter, unsigned least)
{
	struct timespec until = {clock_monotonic() / US_PER_SECOND + 10, 0};
	pthread_mutex_lock(&h->lock);
	while (*counter < least)
		assert_int_equal(pthread_cond_clockwait(&h->changed, &h->lock, CLOCK_MONOTONIC, &until), 0);
	pthread_mutex_unlock(&h->lock);
}

static struct action *action_of(const char *command, size_t length)
{
	struct action *action = g_malloc0(sizeof *action + 1 + length + 1);
	action->refs = 1;
	action->command_length = (uint32_t)length;
	memcpy(action->text + 1, command, length);
	return action;
}

static size_t submit_one(struct bench *b, const struct action *action, uint64_t ticket)
{
	struct fire fire = {.ticket = ticket, .action = action, .attempt = 1};
	return callback_print.submit(b->print, &fire, 1);
}

/* Reads until the text ends with `lines` newlines. */
static GString *read_lines(int fd, size_t lines)
{
	GString *text = g_string_new(NULL);
	size_t seen = 0;
	while (seen < lines) {
		char buf[65536];
		struct pollfd p = {fd, POLLIN, 0};
		assert_int_equal(poll(&p, 1, 10000), 1);
		ssize_t n = read(fd, buf, sizeof buf);
		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++)
			seen += buf[i] == '\n';
		g_string_append_len(text, buf, n);
	}
	return text;
}

static void test_line_format(void **state)
{
	struct bench *b = *state;
	g_autofree struct action *action = action_of("command1", 8);
	time_us before = clock_now();
	assert_int_equal(submit_one(b, action, 7), 1);
	GString *line = read_lines(b->in, 1);
	assert_true(g_regex_match_simple(
		"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}\\+05:45 \\| command1\n$", line->str, 0,
		0));
	g_autofree char *stamp = g_strndup(line->str, 32);
	time_us at;
	bool has_offset;
	assert_true(time_parse(stamp, &at, &has_offset));
	assert_true(has_offset && at >= before && at <= clock_now());
	g_string_free(line, true);
	wait_until_at_least(&b->heard, &b->heard.tickets->len, 1);
	assert_int_equal(g_array_index(b->heard.tickets, uint64_t, 0), 7);
}

static void assert_time(struct bench *b, const char *zone, time_us now, const char *expected)
{
	setenv("TZ", zone, 1);
	tzset();
	char text[PRINT_TIME_MAX + 1];
	text[print_time(b->print, now, text)] = '\0';
	assert_string_equal(text, expected);
}

static void test_time_is_local_with_six_digits(void **state)
{
	struct bench *b = *state;
	time_us t = INT64_C(1687033120) * US_PER_SECOND;
	assert_time(b, "MSK-3", t + 11761, "2023-06-17T23:18:40.011761+03:00");
	assert_time(b, "MSK-3", t + 999999, "2023-06-17T23:18:40.999999+03:00");
	assert_time(b, "NST3:30", t + US_PER_SECOND, "2023-06-17T16:48:41.000000-03:30");
	assert_time(b, "UTC", t, "2023-06-17T20:18:40.000000+00:00");
	setenv("TZ", "NPT-5:45", 1);
	tzset();
}

static void test_bytes_of_the_command_are_untouched(void **state)
{
	struct bench *b = *state;
	static const char odd[] = "\xff\x01 | \xd0\xb0\t";
	g_autofree struct action *action = action_of(odd, sizeof odd - 1);
	submit_one(b, action, 1);
	GString *line = read_lines(b->in, 1);
	assert_string_equal(line->str + 35, "\xff\x01 | \xd0\xb0\t\n");
	g_string_free(line, true);
}

/* A reader that does not read: submits are refused after a while, nothing is answered that was not written,
 * and all of it comes once somebody reads. */
static void test_full_pipe_holds_back_and_loses_nothing(void **state)
{
	struct bench *b = *state;
	uint64_t ticket = 0;
	g_autofree char *text = g_strnfill(1000, 'x');
	g_autofree struct action *action = action_of(text, 1000);
	while (submit_one(b, action, ticket) == 1)
		assert_true(++ticket < 100000);
	assert_true(ticket > 1000);
	pthread_mutex_lock(&b->heard.lock);
	assert_true(b->heard.tickets->len <= (1 << 16) / 1000);
	assert_int_equal(b->heard.ready, 0);
	pthread_mutex_unlock(&b->heard.lock);
	GString *all = read_lines(b->in, ticket);
	assert_int_equal(all->len, ticket * 1036);
	g_string_free(all, true);
	wait_until_at_least(&b->heard, &b->heard.ready, 1);
	wait_until_at_least(&b->heard, &b->heard.tickets->len, (unsigned)ticket);
	for (uint64_t i = 0; i < ticket; i++)
		assert_int_equal(g_array_index(b->heard.tickets, uint64_t, i), i);
}

static void test_one_line_may_exceed_the_buffer(void **state)
{
	struct bench *b = *state;
	size_t length = 3u << 20;
	g_autofree char *text = g_strnfill(length, 'y');
	g_autofree struct action *action = action_of(text, length);
	assert_int_equal(submit_one(b, action, 1), 1);
	GString *all = read_lines(b->in, 1);
	assert_int_equal(all->len, length + 36);
	g_string_free(all, true);
}

static void test_closed_reader_breaks_and_answers_nothing(void **state)
{
	struct bench *b = *state;
	close(b->in);
	b->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	g_autofree struct action *action = action_of("c", 1);
	submit_one(b, action, 1);
	wait_until_at_least(&b->heard, &b->heard.broken, 1);
	assert_string_equal(b->heard.message, "stdout cannot be written: Broken pipe");
	assert_int_equal(b->heard.tickets->len, 0);
}

static void test_close_does_not_wait_for_a_stuck_reader(void **state)
{
	struct bench *b = *state;
	g_autofree char *text = g_strnfill(200000, 'z');
	g_autofree struct action *action = action_of(text, 200000);
	submit_one(b, action, 1);
	time_us start = clock_monotonic();
	callback_print.close(b->print, start + 100 * US_PER_MS);
	b->print = NULL;
	assert_true(clock_monotonic() - start < 5 * US_PER_SECOND);
	/* Now the write can end; the abandoned thread tells nobody. */
	GString *all = read_lines(b->in, 1);
	assert_int_equal(all->len, 200036);
	g_string_free(all, true);
	assert_int_equal(b->heard.tickets->len, 0);
}

static void test_close_finishes_what_was_accepted(void **state)
{
	struct bench *b = *state;
	g_autofree struct action *action = action_of("c", 1);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(submit_one(b, action, i), 1);
	callback_print.close(b->print, clock_monotonic() + 10 * US_PER_SECOND);
	b->print = NULL;
	assert_int_equal(b->heard.tickets->len, 100);
}

/* A full disk, as a limit of the file's size: the torn line is completed when there is room, and said once.
 */
static void test_full_disk_is_waited_for(void **state)
{
	struct bench *b = *state;
	char path[] = "/tmp/print-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	struct rlimit old;
	getrlimit(RLIMIT_FSIZE, &old);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){50, old.rlim_max});
	struct callback *print = print_open_fd(&b->host, fd, NULL);
	g_autofree struct action *action = action_of("c", 1);
	struct fire fires[2] = {{.ticket = 1, .action = action}, {.ticket = 2, .action = action}};
	assert_int_equal(callback_print.submit(print, fires, 2), 2);
	wait_until_at_least(&b->heard, &b->heard.trouble, 1);
	assert_int_equal(b->heard.tickets->len, 1); /* the first line had room */
	setrlimit(RLIMIT_FSIZE, &old);
	wait_until_at_least(&b->heard, &b->heard.trouble_over, 1);
	wait_until_at_least(&b->heard, &b->heard.tickets->len, 2);
	assert_int_equal(b->heard.trouble, 1);
	callback_print.close(print, clock_monotonic() + 10 * US_PER_SECOND);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 2 * 37);
	close(fd);
}

static void test_closed_descriptor_is_an_error(void **state)
{
	struct bench *b = *state;
	g_autoptr(GError) error = NULL;
	assert_null(print_open_fd(&b->host, -1, &error));
	assert_string_equal(error->message, "stdout cannot be written: Bad file descriptor");
}

static void test_names(void **state)
{
	(void)state;
	g_autoptr(GError) error = NULL;
	assert_ptr_equal(callback_find("print", NULL, NULL), &callback_print);
	assert_ptr_equal(
		callback_find("action_scheduler.callbacks:print_command", NULL, NULL), &callback_print);
	assert_ptr_equal(callback_find("none", NULL, NULL), &callback_none);
	assert_null(callback_find("unheard_of", NULL, &error));
	assert_ptr_equal(
		strstr(error->message, "callback \"unheard_of\" is not in this build; it has: print, none"),
		error->message);
}

#define ON_A_PIPE(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	setenv("TZ", "NPT-5:45", 1);
	const struct CMUnitTest tests[] = {
		ON_A_PIPE(test_line_format),
		ON_A_PIPE(test_time_is_local_with_six_digits),
		ON_A_PIPE(test_bytes_of_the_command_are_untouched),
		ON_A_PIPE(test_full_pipe_holds_back_and_loses_nothing),
		ON_A_PIPE(test_one_line_may_exceed_the_buffer),
		ON_A_PIPE(test_closed_reader_breaks_and_answers_nothing),
		ON_A_PIPE(test_close_does_not_wait_for_a_stuck_reader),
		ON_A_PIPE(test_close_finishes_what_was_accepted),
		ON_A_PIPE(test_full_disk_is_waited_for),
		ON_A_PIPE(test_closed_descriptor_is_an_error),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
