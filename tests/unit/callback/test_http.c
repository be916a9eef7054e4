/* The callback `http` against servers on loopback: what requests have, what answers mean, redirects, outages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "callback/backends.h"
#include "http_rig.h"

static int setup(void **state)
{
	*state = rig_new();
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void set(char **slot, const char *text)
{
	g_free(*slot);
	*slot = g_strdup(text);
}

static unsigned queries_count(struct rig *rig)
{
	pthread_mutex_lock(&rig->lock);
	unsigned count = rig->queries->len;
	pthread_mutex_unlock(&rig->lock);
	return count;
}

/* --- requests --- */

static void a_request_has_what_is_promised(void **state)
{
	struct rig *rig = *state;
	rig_assert_delivered(rig, rig_submit(rig, 17, "say \"ж\""));
	const struct rig_query *query = rig_query(rig, 0);
	assert_string_equal(query->method, "POST");
	assert_string_equal(query->path, "/run");
	assert_string_equal(query->body, "{\"command\":\"say \\\"ж\\\"\"}");
	rig_assert_header(query, "Content-Type", "application/json");
	rig_assert_header(query, "Idempotency-Key", "17@2024-01-01T00:05:00Z");
	rig_assert_header(query, "User-Agent", "action-scheduler/" PROGRAM_VERSION);
	rig_assert_header(query, "Expect", NULL);
	rig_assert_header(query, "Authorization", NULL);
}

static void headers_are_added_and_replaced(void **state)
{
	struct rig *rig = *state;
	rig_header(rig, "content-type", "text/x-command");
	rig_header(rig, "User-Agent", "cron");
	rig_header(rig, "X-Empty", "");
	rig_header(rig, "X-Source", "a: b");
	set(&rig->settings.http.token, "t0ken");
	rig_assert_delivered(rig, rig_submit(rig, 1, "x"));
	const struct rig_query *query = rig_query(rig, 0);
	rig_assert_header(query, "Content-Type", "text/x-command");
	rig_assert_header(query, "User-Agent", "cron");
	rig_assert_header(query, "X-Empty", "");
	rig_assert_header(query, "X-Source", "a: b");
	rig_assert_header(query, "Authorization", "Bearer t0ken");
	assert_null(strstr(query->head, "application/json"));
	assert_null(strstr(query->head, "action-scheduler/"));
}

static void get_brings_the_command_in_the_url(void **state)
{
	struct rig *rig = *state;
	set(&rig->settings.http.method, "get");
	rig_set_url(rig, rig_url(rig, 0, "/run/{name}?c={command}&id={fire_id}"));
	rig_assert_delivered(rig, rig_submit(rig, 17, "a&b c"));
	const struct rig_query *query = rig_query(rig, 0);
	assert_string_equal(query->method, "GET");
	assert_string_equal(query->path, "/run/job?c=a%26b%20c&id=17%402024-01-01T00%3A05%3A00Z");
	assert_string_equal(query->body, "");
	rig_assert_header(query, "Content-Type", NULL);
	rig_assert_header(query, "Content-Length", NULL);
}

static void other_methods_have_a_body_but_head(void **state)
{
	struct rig *rig = *state;
	static const char *const methods[] = {"PUT", "PATCH", "DELETE", "HEAD"};
	for (unsigned i = 0; i < G_N_ELEMENTS(methods); i++) {
		set(&rig->settings.http.method, methods[i]);
		rig_assert_delivered(rig, rig_submit(rig, 1, "x"));
		rig_assert_delivered(rig, rig_submit(rig, 1, "x"));
		callback_http.close(rig->http, clock_monotonic() + US_PER_MINUTE);
		rig->http = NULL;
		for (unsigned k = 2 * i; k < 2 * i + 2; k++) {
			assert_string_equal(rig_query(rig, k)->method, methods[i]);
			assert_string_equal(rig_query(rig, k)->body, i == 3 ? "" : "{\"command\":\"x\"}");
		}
	}
}

static void a_large_command_arrives_whole(void **state)
{
	struct rig *rig = *state;
	g_autofree char *command = g_strnfill(4 << 20, 'x');
	rig_assert_delivered(rig, rig_submit(rig, 1, command));
	assert_int_equal(strlen(rig_query(rig, 0)->body), (4 << 20) + strlen("{\"command\":\"\"}"));
}

static void a_url_that_is_too_long_is_refused(void **state)
{
	struct rig *rig = *state;
	rig_set_url(rig, rig_url(rig, 0, "/?{command}"));
	g_autofree char *command = g_strnfill(9 << 20, 'x');
	assert_int_equal(rig_answer(rig, rig_submit(rig, 1, command))->answer, FIRE_REJECTED);
	rig_assert_delivered(rig, rig_submit(rig, 1, "x"));
}

static void a_connection_is_used_again(void **state)
{
	struct rig *rig = *state;
	for (int i = 0; i < 50; i++)
		rig_assert_delivered(rig, rig_submit(rig, i % 3, "x"));
	assert_int_equal(rig_query(rig, 49)->connection, 1);
}

static void actions_go_side_by_side_and_fires_of_one_in_turn(void **state)
{
	struct rig *rig = *state;
	rig->settings.http.concurrency = 3;
	rig_page(rig, (struct http_page){.path = "/run", .hold = true});
	uint64_t tickets[10];
	for (int i = 0; i < 10; i++)
		tickets[i] = rig_submit(rig, i % 5, i < 5 ? "first" : "second");
	/* As many as may be, each of another action. */
	rig_wait_count(rig, &rig->held, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_non_null(strstr(rig_query(rig, i)->body, "first"));
	assert_int_equal(queries_count(rig), 3);
	rig_page(rig, (struct http_page){.path = "/run", .status = 200});
	for (int i = 0; i < 10; i++)
		rig_assert_delivered(rig, tickets[i]);
	for (unsigned i = 0; i < queries_count(rig); i++)
		assert_true(rig_query(rig, i)->connection <= 3);
	for (int i = 0; i < 5; i++)
		assert_true(rig_answer(rig, tickets[i])->finished_at <=
			    rig_answer(rig, tickets[i + 5])->started_at);
}

/* --- answers --- */

static void a_refusal_has_status_and_answer(void **state)
{
	struct rig *rig = *state;
	rig_page(rig, (struct http_page){.path = "/run", .status = 404, .body = "no such job\n"});
	rig_assert_answer(rig, rig_submit(rig, 1, "x"), FIRE_REJECTED, "HTTP 404: no such job");
	rig_page(rig, (struct http_page){.path = "/run", .status = 403});
	uint64_t ticket = rig_submit(rig, 1, "x");
	assert_string_equal(rig_answer(rig, ticket)->detail, "HTTP 403");
}

static void an_answer_is_kept_as_far_as_configured(void **state)
{
	struct rig *rig = *state;
	g_autofree char *large = g_strnfill(3 << 20, 'y');
	rig->settings.http.response_bytes = 10;
	rig_page(rig, (struct http_page){.path = "/run", .status = 400, .body = large});
	uint64_t ticket = rig_submit(rig, 1, "x");
	assert_string_equal(rig_answer(rig, ticket)->detail, "HTTP 400: yyyyyyyyyy");
	/* Not all of it is waited for: the connection is given up. */
	assert_int_equal(rig_query(rig, 0)->connection, 1);
	rig_page(rig, (struct http_page){.path = "/run", .status = 200, .body = large});
	rig_assert_delivered(rig, rig_submit(rig, 1, "x"));
	assert_int_equal(rig_query(rig, 1)->connection, 2);
	rig_page(rig, (struct http_page){.path = "/run", .status = 400, .body = "a\0\xff", .body_length = 3});
	ticket = rig_submit(rig, 1, "x");
	assert_string_equal(rig_answer(rig, ticket)->detail, "HTTP 400: a\xef\xbf\xbd\xef\xbf\xbd");
}

static void an_answer_that_repeats_the_token_is_blotted(void **state)
{
	struct rig *rig = *state;
	set(&rig->settings.http.token, "t0p-secret");
	rig_page(rig, (struct http_page){.path = "/run", .status = 401, .body = "bad token t0p-secret!"});
	uint64_t ticket = rig_submit(rig, 1, "x");
	assert_string_equal(rig_answer(rig, ticket)->detail, "HTTP 401: bad token ***!");
}

static void retry_after_is_respected(void **state)
{
	struct rig *rig = *state;
	rig_page(rig, (struct http_page){.path = "/run", .status = 429, .headers = "Retry-After: 120\r\n"});
	const struct fire_result *result = rig_answer(rig, rig_submit(rig, 1, "x"));
	assert_int_equal(result->answer, FIRE_UNAVAILABLE);
	assert_string_equal(result->detail, "HTTP 429");
	assert_in_range(result->retry_at - result->finished_at, 119 * US_PER_SECOND, 120 * US_PER_SECOND);

	char header[100];
	time_t then = time(NULL) + 3600;
	struct tm tm;
	strftime(header, sizeof header, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&then, &tm));
	rig_page(rig, (struct http_page){.path = "/run", .status = 503, .headers = header});
	result = rig_answer(rig, rig_submit(rig, 1, "x"));
	assert_in_range(result->retry_at - result->finished_at, 3500 * US_PER_SECOND, 3600 * US_PER_SECOND);

	rig_page(rig,
		(struct http_page){.path = "/run", .status = 503, .headers = "Retry-After: 99999999\r\n"});
	result = rig_answer(rig, rig_submit(rig, 1, "x"));
	assert_true(result->retry_at - result->finished_at <= US_PER_DAY);

	rig_page(rig, (struct http_page){.path = "/run", .status = 503, .headers = "Retry-After: soon\r\n"});
	assert_int_equal(rig_answer(rig, rig_submit(rig, 1, "x"))->retry_at, 0);
}

static void a_timeout_of_the_configuration_refuses(void **state)
{
	struct rig *rig = *state;
	rig->settings.http.timeout = 300 * US_PER_MS;
	rig_page(rig, (struct http_page){.path = "/run", .hold = true});
	uint64_t ticket = rig_submit(rig, 1, "x");
	assert_string_equal(rig_answer(rig, ticket)->detail, "timed out after 0.3 s");
	assert_int_equal(rig_answer(rig, ticket)->answer, FIRE_REJECTED);
	/* That of the action goes first. */
	rig->timeout_s = 60;
	ticket = rig_submit(rig, 1, "y");
	while (queries_count(rig) < 2)
		usleep(1000);
	usleep(400000);
	assert_false(rig_is_answered(rig, ticket));
	rig_page(rig, (struct http_page){.path = "/run", .status = 200});
	rig_assert_delivered(rig, ticket);
}

/* --- redirects --- */

static void a_redirect_is_refused(void **state)
{
	struct rig *rig = *state;
	rig_page(rig,
		(struct http_page){.path = "/run", .status = 302, .headers = "Location: /elsewhere\r\n"});
	rig_assert_answer(
		rig, rig_submit(rig, 1, "x"), FIRE_REJECTED, "HTTP 302, a redirect to http://127.0.0.1:");
	assert_int_equal(queries_count(rig), 1);
}

static void a_redirect_is_followed_with_the_whole_request(void **state)
{
	struct rig *rig = *state;
	static const int statuses[] = {301, 302, 307, 308};
	rig->settings.http.follow_redirects = true;
	set(&rig->settings.http.token, "t0ken");
	for (unsigned i = 0; i < G_N_ELEMENTS(statuses); i++) {
		rig_page(
			rig, (struct http_page){
				     .path = "/run", .status = statuses[i], .headers = "Location: /b?x\r\n"});
		rig_assert_delivered(rig, rig_submit(rig, 17, "x"));
		const struct rig_query *query = rig_query(rig, 2 * i + 1);
		assert_string_equal(query->method, "POST");
		assert_string_equal(query->path, "/b?x");
		assert_string_equal(query->body, "{\"command\":\"x\"}");
		rig_assert_header(query, "Authorization", "Bearer t0ken");
		rig_assert_header(query, "Idempotency-Key", "17@2024-01-01T00:05:00Z");
	}
}

static void after_303_it_is_a_get(void **state)
{
	struct rig *rig = *state;
	rig->settings.http.follow_redirects = true;
	set(&rig->settings.http.method, "PUT");
	rig_page(rig, (struct http_page){.path = "/run", .status = 303, .headers = "Location: /b\r\n"});
	rig_page(rig, (struct http_page){.path = "/b", .status = 307, .headers = "Location: /c\r\n"});
	rig_assert_delivered(rig, rig_submit(rig, 1, "x"));
	for (unsigned i = 1; i <= 2; i++) {
		assert_string_equal(rig_query(rig, i)->method, "GET");
		assert_string_equal(rig_query(rig, i)->body, "");
	}
	/* The next one begins anew. */
	rig_assert_delivered(rig, rig_submit(rig, 1, "y"));
	assert_string_equal(rig_query(rig, 3)->method, "PUT");
	assert_string_equal(rig_query(rig, 3)->body, "{\"command\":\"y\"}");
}

static void credentials_stay_at_home(void **state)
{
	struct rig *rig = *state;
	rig->settings.http.follow_redirects = true;
	set(&rig->settings.http.token, "t0ken");
	rig_header(rig, "X-Api-Key", "k3y");
	rig_header(rig, "Content-Type", "text/plain");
	g_autofree char *there = g_strdup_printf("Location: %s\r\n", rig_url(rig, 1, "/there"));
	g_autofree char *back = g_strdup_printf("Location: %s\r\n", rig_url(rig, 0, "/back"));
	rig_page(rig, (struct http_page){.path = "/run", .status = 307, .headers = there});
	rig_page(rig, (struct http_page){.path = "/there", .status = 307, .headers = back});
	rig_assert_delivered(rig, rig_submit(rig, 17, "x"));
	rig_assert_header(rig_query(rig, 0), "Authorization", "Bearer t0ken");
	for (unsigned i = 1; i <= 2; i++) {
		const struct rig_query *query = rig_query(rig, i);
		assert_int_equal(query->server, i == 1);
		rig_assert_header(query, "Authorization", NULL);
		rig_assert_header(query, "X-Api-Key", NULL);
		rig_assert_header(query, "Content-Type", "text/plain");
		rig_assert_header(query, "Idempotency-Key", "17@2024-01-01T00:05:00Z");
		assert_string_equal(query->body, "{\"command\":\"x\"}");
	}
	rig_assert_delivered(rig, rig_submit(rig, 17, "x"));
	rig_assert_header(rig_query(rig, 3), "Authorization", "Bearer t0ken");
}

static void redirects_end_after_five(void **state)
{
	struct rig *rig = *state;
	rig->settings.http.follow_redirects = true;
	rig_page(rig, (struct http_page){.path = "/run", .status = 307, .headers = "Location: /run\r\n"});
	rig_assert_answer(rig, rig_submit(rig, 1, "x"), FIRE_REJECTED, "HTTP 307, after 5 redirects");
	assert_int_equal(queries_count(rig), 6);
}

static void a_redirect_leads_nowhere_else(void **state)
{
	struct rig *rig = *state;
	rig->settings.http.follow_redirects = true;
	rig_page(rig, (struct http_page){
			      .path = "/run", .status = 302, .headers = "Location: file:///etc/passwd\r\n"});
	rig_assert_answer(
		rig, rig_submit(rig, 1, "x"), FIRE_REJECTED, "HTTP 302, a redirect to file:///etc/passwd");
	rig_page(rig, (struct http_page){.path = "/run",
			      .status = 302,
			      .headers = "Location: http://169.254.169.254/latest/\r\n"});
	rig_assert_answer(rig, rig_submit(rig, 1, "x"), FIRE_REJECTED,
		"http://169.254.169.254:80 has a link-local address");
	rig_page(rig, (struct http_page){.path = "/run",
			      .status = 302,
			      .headers = "Location: http://[::ffff:a9fe:a9fe]/latest/\r\n"});
	rig_assert_answer(rig, rig_submit(rig, 1, "x"), FIRE_REJECTED, "has a link-local address");
	/* That it cannot be reached says nothing about the receiver: others are not turned away. */
	g_autofree char *gone = g_strdup_printf("Location: %s\r\n", rig_url(rig, 1, "/gone"));
	http_server_away(rig->servers[1], true);
	rig_page(rig, (struct http_page){.path = "/run", .status = 302, .headers = gone});
	rig_assert_answer(rig, rig_submit(rig, 1, "x"), FIRE_UNAVAILABLE, "Connection refused");
	assert_int_equal(rig->troubles, 0);
}

/* --- outages --- */

static void while_nobody_is_there_all_that_waits_is_turned_away(void **state)
{
	struct rig *rig = *state;
	rig->settings.http.concurrency = 1;
	http_server_away(rig->servers[0], true);
	rig_open(rig);
	uint64_t tickets[100];
	for (int i = 0; i < 100; i++)
		tickets[i] = rig_submit(rig, i % 7, "x");
	for (int i = 0; i < 100; i++)
		rig_assert_answer(rig, tickets[i], FIRE_UNAVAILABLE, "Connection refused");
	rig_wait_count(rig, &rig->troubles, 1);
	assert_non_null(strstr(rig->trouble, "Connection refused"));
	http_server_away(rig->servers[0], false);
	rig_assert_delivered(rig, rig_submit(rig, 1, "x"));
	rig_wait_count(rig, &rig->troubles_over, 1);
	assert_int_equal(rig->troubles, 1);
	assert_int_equal(queries_count(rig), 1);
}

static void one_that_always_fails_does_not_hold_up_others(void **state)
{
	struct rig *rig = *state;
	static const struct http_page pages[] = {
		{.path = "/1", .status = 500, .body = "it fails"}, {.path = "/1", .drop = true}};
	rig->settings.http.concurrency = 1;
	rig_set_url(rig, rig_url(rig, 0, "/{action_id}"));
	for (size_t k = 0; k < G_N_ELEMENTS(pages); k++) {
		uint64_t tickets[60];
		rig_page(rig, pages[k]);
		for (int i = 0; i < 60; i++)
			tickets[i] = rig_submit(rig, 1 + i % 3, "x");
		for (int i = 0; i < 60; i++)
			assert_int_equal(rig_answer(rig, tickets[i])->answer,
				i % 3 == 0 ? FIRE_UNAVAILABLE : FIRE_DELIVERED);
	}
	assert_int_equal(rig->troubles, 0);
}

static void answers_that_are_outages_are_trouble_after_a_while(void **state)
{
	struct rig *rig = *state;
	rig_page(rig, (struct http_page){.path = "/run", .status = 503, .body = "down"});
	rig_assert_answer(rig, rig_submit(rig, 1, "x"), FIRE_UNAVAILABLE, "HTTP 503: down");
	time_us began_at = clock_monotonic();
	unsigned troubles = 0;
	while (!troubles && clock_monotonic() - began_at < US_PER_MINUTE) {
		rig_assert_answer(rig, rig_submit(rig, 1, "x"), FIRE_UNAVAILABLE, "HTTP 503: down");
		troubles = rig->troubles;
		usleep(1000);
	}
	assert_int_equal(troubles, 1);
	assert_true(clock_monotonic() - began_at > US_PER_SECOND);
	assert_non_null(strstr(rig->trouble, "answers HTTP 503"));
	rig_assert_answer(rig, rig_submit(rig, 1, "x"), FIRE_UNAVAILABLE, "HTTP 503: down");
	assert_int_equal(rig->troubles, 1);
	/* A refusal shows that it is there. */
	rig_page(rig, (struct http_page){.path = "/run", .status = 400});
	rig_assert_answer(rig, rig_submit(rig, 1, "x"), FIRE_REJECTED, "HTTP 400");
	assert_int_equal(rig->troubles_over, 1);
	/* It says itself that it will be long. */
	rig_page(rig, (struct http_page){.path = "/run", .status = 503, .headers = "Retry-After: 60\r\n"});
	rig_assert_answer(rig, rig_submit(rig, 1, "x"), FIRE_UNAVAILABLE, "HTTP 503");
	assert_int_equal(rig->troubles, 2);
}

static void a_connection_that_breaks_is_an_outage(void **state)
{
	struct rig *rig = *state;
	rig_page(rig, (struct http_page){.path = "/run", .drop = true});
	assert_int_equal(rig_answer(rig, rig_submit(rig, 1, "x"))->answer, FIRE_UNAVAILABLE);
	/* One that was closed since the last request is nobody's fault. */
	rig_page(rig, (struct http_page){.path = "/run", .status = 200, .close = true});
	for (int i = 0; i < 20; i++)
		rig_assert_delivered(rig, rig_submit(rig, 1, "x"));
	assert_int_equal(rig_query(rig, queries_count(rig) - 1)->connection, 21);
}

static void a_receiver_that_goes_while_it_is_asked_is_out_of_reach(void **state)
{
	struct rig *rig = *state;
	rig_assert_delivered(rig, rig_submit(rig, 1, "x"));
	rig_page(rig, (struct http_page){.path = "/run", .hold = true});
	uint64_t ticket = rig_submit(rig, 1, "x");
	rig_wait_count(rig, &rig->held, 1);
	http_server_away(rig->servers[0], true);
	/* The library tries once more, as the connection was an old one. */
	rig_assert_answer(rig, ticket, FIRE_UNAVAILABLE, "Connection refused");
	rig_wait_count(rig, &rig->troubles, 1);
}

/* A port that takes no more connections: their first packets are dropped. */
static int deaf_port(unsigned *port, int fillers[static 8])
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof in;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(listen(fd, 0), 0);
	getsockname(fd, (struct sockaddr *)&in, &length);
	*port = ntohs(in.sin_port);
	for (int i = 0; i < 8; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fillers[i], (struct sockaddr *)&in, sizeof in);
	}
	return fd;
}

static void no_connection_in_time_is_an_outage(void **state)
{
	struct rig *rig = *state;
	unsigned port;
	int fillers[8], fd = deaf_port(&port, fillers);
	g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/", port);
	rig_set_url(rig, url);
	rig->settings.http.connect_timeout = 200 * US_PER_MS;
	assert_int_equal(rig_answer(rig, rig_submit(rig, 1, "x"))->answer, FIRE_UNAVAILABLE);
	callback_http.close(rig->http, clock_monotonic() + US_PER_MINUTE);
	rig->http = NULL;
	/* And if it is the time of the action that is over. */
	rig->settings.http.connect_timeout = US_PER_MINUTE;
	rig->timeout_s = 1;
	assert_int_equal(rig_answer(rig, rig_submit(rig, 1, "x"))->answer, FIRE_UNAVAILABLE);
	for (int i = 0; i < 8; i++)
		close(fillers[i]);
	close(fd);
}

static void a_name_that_is_unknown_is_an_outage(void **state)
{
	struct rig *rig = *state;
	rig_set_url(rig, "http://jobs.invalid/run");
	rig_assert_answer(rig, rig_submit(rig, 1, "x"), FIRE_UNAVAILABLE, "jobs.invalid");
	rig_wait_count(rig, &rig->troubles, 1);
}

static void settings_are_checked_at_the_open(void **state)
{
	struct rig *rig = *state;
	g_autoptr(GError) error = NULL;
	const struct callback_open open = {.name = "http", .settings = &rig->settings};
	rig_set_url(rig, "http://169.254.169.254/");
	assert_null(callback_http.open(&open, &error));
	assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	/* It has no say. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	const struct CMUnitTest tests[] = {
		CASE(a_request_has_what_is_promised),
		CASE(headers_are_added_and_replaced),
		CASE(get_brings_the_command_in_the_url),
		CASE(other_methods_have_a_body_but_head),
		CASE(a_large_command_arrives_whole),
		CASE(a_url_that_is_too_long_is_refused),
		CASE(a_connection_is_used_again),
		CASE(actions_go_side_by_side_and_fires_of_one_in_turn),
		CASE(a_refusal_has_status_and_answer),
		CASE(an_answer_is_kept_as_far_as_configured),
		CASE(an_answer_that_repeats_the_token_is_blotted),
		CASE(retry_after_is_respected),
		CASE(a_timeout_of_the_configuration_refuses),
		CASE(a_redirect_is_refused),
		CASE(a_redirect_is_followed_with_the_whole_request),
		CASE(after_303_it_is_a_get),
		CASE(credentials_stay_at_home),
		CASE(redirects_end_after_five),
		CASE(a_redirect_leads_nowhere_else),
		CASE(while_nobody_is_there_all_that_waits_is_turned_away),
		CASE(one_that_always_fails_does_not_hold_up_others),
		CASE(answers_that_are_outages_are_trouble_after_a_while),
		CASE(a_connection_that_breaks_is_an_outage),
		CASE(a_receiver_that_goes_while_it_is_asked_is_out_of_reach),
		CASE(no_connection_in_time_is_an_outage),
		CASE(a_name_that_is_unknown_is_an_outage),
		CASE(settings_are_checked_at_the_open),
	};
	return cmocka_run_group_tests_name("callback http", tests, NULL, NULL);
}
