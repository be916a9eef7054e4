/* The pure parts of the callback `http`: refused addresses, what settings can be used, the texts of requests,
 * what answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "callback/backends.h"
#include "callback/http_address.h"
#include "callback/http_answer.h"

/* --- addresses --- */

static bool is_refused(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return http_address_is_refused((const struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return http_address_is_refused((const struct sockaddr *)&in6);
}

static void link_local_and_metadata_addresses_are_refused(void **state)
{
	(void)state;
	static const char *const addresses[] = {"169.254.0.0", "169.254.169.254", "169.254.255.255",
		"100.100.100.200", "168.63.129.16", "192.0.0.192", "fe80::1", "febf:ffff::1", "fd00:ec2::254",
		"fd20:ce::254", "::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::169.254.1.1",
		"2002:a9fe:a9fe::1", "::ffff:100.100.100.200"};
	for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++)
		if (!is_refused(addresses[i]))
			fail_msg("%s is not refused", addresses[i]);
}

static void other_addresses_are_not_refused(void **state)
{
	(void)state;
	static const char *const addresses[] = {"127.0.0.1", "10.0.0.1", "169.253.255.255", "169.255.0.0",
		"100.100.100.201", "192.168.1.1", "8.8.8.8", "::1", "::", "fe7f::1", "fec0::1",
		"fd00:ec2::255", "fd00:ec2:1::254", "2001:db8::1", "::ffff:127.0.0.1", "::fffe:169.254.1.1",
		"64:ff9c::169.254.1.1", "2003:a9fe:a9fe::1"};
	for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++)
		if (is_refused(addresses[i]))
			fail_msg("%s is refused", addresses[i]);
}

static void what_is_no_address_is_refused(void **state)
{
	(void)state;
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
	assert_true(http_address_is_refused((const struct sockaddr *)&un));
}

/* --- settings --- */

static int setup(void **state)
{
	struct callback_settings *settings = g_new0(struct callback_settings, 1);
	settings->http = (struct http_settings){
		.url = g_strdup("https://jobs.example.com/run"),
		.method = g_strdup("POST"),
		.headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.response_bytes = 20,
	};
	*state = settings;
	return 0;
}

static int teardown(void **state)
{
	struct callback_settings *settings = *state;
	struct http_settings *http = &settings->http;
	char *texts[] = {http->url, http->method, http->token, http->body, http->ca_file, http->cert_file,
		http->key_file};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	g_hash_table_unref(http->headers);
	g_free(settings);
	return 0;
}

static void set(char **slot, const char *text)
{
	g_free(*slot);
	*slot = g_strdup(text);
}

static void assert_fine(const struct callback_settings *settings)
{
	g_autoptr(GError) error = NULL;
	if (!callback_http.check(settings, NULL, &error))
		fail_msg("%s", error->message);
}

static void assert_invalid(const struct callback_settings *settings, const char *text)
{
	g_autoptr(GError) error = NULL;
	assert_false(callback_http.check(settings, NULL, &error));
	assert_true(g_error_matches(error, AS_ERROR, AS_ERROR_INVALID));
	if (!strstr(error->message, text))
		fail_msg("“%s” is not in “%s”", text, error->message);
}

static void a_url_must_be_one_of_http(void **state)
{
	struct callback_settings *settings = *state;
	char **url = &settings->http.url;
	static const struct {
		const char *url, *why; /* NULL: it is fine */
	} cases[] = {
		{"https://jobs.example.com/run", NULL},
		{"http://127.0.0.1:8080", NULL},
		{"http://[::1]:8080/a?b={fire_id}&c={command}#d", NULL},
		{"https://jobs.example.com?{name}", NULL},
		{"jobs.example.com/run", "is not a URL of http"},
		{"ftp://jobs.example.com/run", "is not a URL of http"},
		{"file:///etc/passwd", "is not a URL of http"},
		{"https://", "is not a URL of http"},
		{"https://a b/", "is not a URL of http"},
		{"https://jobs.example.com:x/", "is not a URL of http"},
		{"", "is not a URL of http"},
		{"https://{name}.example.com/", "path and query only"},
		{"https://jobs.example.com:{name}/", "path and query only"},
		{"{name}://jobs.example.com/", "path and query only"},
		{"https://user:secret@jobs.example.com/", "http.token"},
		{"http://169.254.169.254/latest", "http.allow_link_local"},
		{"http://2852039166/latest", "http.allow_link_local"},
		{"http://0xa9.0xfe.1.1/latest", "http.allow_link_local"},
		{"http://[fe80::1%25eth0]/", "http.allow_link_local"},
		{"http://[::ffff:169.254.169.254]/", "http.allow_link_local"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		set(url, cases[i].url);
		if (cases[i].why)
			assert_invalid(settings, cases[i].why);
		else
			assert_fine(settings);
	}
	set(url, "http://169.254.169.254/latest");
	settings->http.allow_link_local = true;
	assert_fine(settings);
	set(url, NULL);
	assert_invalid(settings, "http.url is missing");
}

static void a_method_must_be_one(void **state)
{
	struct callback_settings *settings = *state;
	static const char *const good[] = {"GET", "post", "PATCH", "M-SEARCH"};
	static const char *const bad[] = {"", "GET /", "P\r\nX: y", "CONNECT", "trace"};
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		set(&settings->http.method, good[i]);
		assert_fine(settings);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		set(&settings->http.method, bad[i]);
		assert_invalid(settings, "http.method");
	}
}

static void headers_must_be_some(void **state)
{
	struct callback_settings *settings = *state;
	GHashTable *headers = settings->http.headers;
	static const char *const good[][2] = {{"X-Source", "a b"}, {"content-type", "text/plain"},
		{"Host", "x"}, {"User-Agent", ""}, {"Authorization", "Basic abc"}};
	static const char *const bad[][2] = {{"", "a"}, {"X Y", "a"}, {"X:", "a"}, {"X", "a\r\nY: b"},
		{"X", "\x7f"}, {"idempotency-key", "a"}, {"Content-Length", "1"},
		{"Transfer-Encoding", "chunked"}};
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		g_hash_table_insert(headers, g_strdup(good[i][0]), g_strdup(good[i][1]));
		assert_fine(settings);
	}
	g_hash_table_insert(headers, g_strdup("x-source"), g_strdup(""));
	assert_invalid(settings, "given twice");
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_hash_table_remove_all(headers);
		g_hash_table_insert(headers, g_strdup(bad[i][0]), g_strdup(bad[i][1]));
		assert_invalid(settings, "http.headers");
	}
}

static void a_token_stands_alone_and_is_not_repeated(void **state)
{
	struct callback_settings *settings = *state;
	set(&settings->http.token, "abc");
	assert_fine(settings);
	static const char *const bad[] = {"", "two words", "secret\nX: y"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		set(&settings->http.token, bad[i]);
		assert_false(callback_http.check(settings, NULL, &error));
		assert_null(strstr(error->message, "secret"));
		assert_null(strstr(error->message, "words"));
	}
	set(&settings->http.token, "abc");
	g_hash_table_insert(settings->http.headers, g_strdup("authorization"), g_strdup("Basic x"));
	assert_invalid(settings, "only one of them");
}

static void files_must_be_there(void **state)
{
	struct callback_settings *settings = *state;
	set(&settings->http.ca_file, "/nonexistent/ca.pem");
	assert_invalid(settings, "http.ca_file: /nonexistent/ca.pem");
	set(&settings->http.ca_file, "/");
	assert_invalid(settings, "http.ca_file: /");
	set(&settings->http.ca_file, "/proc/self/stat");
	assert_fine(settings);
	set(&settings->http.key_file, "/proc/self/stat");
	assert_invalid(settings, "without http.cert_file");
	set(&settings->http.cert_file, "/proc/self/stat");
	assert_fine(settings);
}

/* --- texts --- */

static struct action *action_make(const char *name, const char *command)
{
	size_t name_length = strlen(name), command_length = strlen(command);
	struct action *action = g_malloc0(sizeof *action + name_length + command_length + 2);
	action->id = 17;
	action->name_length = (uint32_t)name_length;
	action->command_length = (uint32_t)command_length;
	memcpy(action->text, name, name_length);
	memcpy(action->text + name_length + 1, command, command_length);
	return action;
}

typedef char *(*text_maker)(const struct http_target *target, const struct fire *fire);

static void assert_text(
	struct callback_settings *settings, text_maker text_of, const char *command, const char *expected)
{
	g_autofree struct action *action = action_make("a/../b ?&=\"ж", command);
	const struct fire fire = {
		.action = action, .nominal = INT64_C(1704067500) * US_PER_SECOND, .attempt = 2};
	struct http_target *target = http_target_new(settings);
	g_autofree char *text = text_of(target, &fire);
	http_target_free(target);
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

static void the_body_is_json_around_the_command(void **state)
{
	struct callback_settings *settings = *state;
	assert_text(settings, http_target_body, "", "{\"command\":\"\"}");
	assert_text(settings, http_target_body, "say \"ж\"\n\\ {name}",
		"{\"command\":\"say \\\"ж\\\"\\n\\\\ {name}\"}");
	settings->placeholders = true;
	assert_text(settings, http_target_body, "{attempt} {nobody} {name}",
		"{\"command\":\"2 {nobody} a/../b ?&=\\\"ж\"}");
}

static void a_template_has_placeholders_as_json(void **state)
{
	struct callback_settings *settings = *state;
	set(&settings->http.body,
		"{\"run\": {command}, \"ids\": [{fire_id},{action_id}], \"{\": {name}, {x}}");
	assert_text(settings, http_target_body, "a \"{fire_id}\" {command}",
		"{\"run\": \"a \\\"{fire_id}\\\" {command}\", \"ids\": [\"17@2024-01-01T00:05:00Z\",\"17\"], "
		"\"{\": \"a/../b ?&=\\\"ж\", {x}}");
	settings->placeholders = true;
	set(&settings->http.body, "{command}");
	assert_text(
		settings, http_target_body, "{fire_id} {command}", "\"17@2024-01-01T00:05:00Z {command}\"");
	set(&settings->http.body, "");
	assert_text(settings, http_target_body, "x", "");
}

static void get_and_head_have_no_body(void **state)
{
	struct callback_settings *settings = *state;
	set(&settings->http.method, "GET");
	assert_text(settings, http_target_body, "x", NULL);
	set(&settings->http.method, "head");
	assert_text(settings, http_target_body, "x", NULL);
	set(&settings->http.method, "DELETE");
	assert_text(settings, http_target_body, "x", "{\"command\":\"x\"}");
}

static void the_url_has_placeholders_encoded(void **state)
{
	struct callback_settings *settings = *state;
	assert_text(settings, http_target_url, "x", "https://jobs.example.com/run");
	set(&settings->http.url, "https://jobs.example.com/{name}/{fire_id}?c={command}&{}");
	assert_text(settings, http_target_url, "a&b {name}",
		"https://jobs.example.com/a%2F..%2Fb%20%3F%26%3D%22%D0%B6/17%402024-01-01T00%3A05%3A00Z"
		"?c=a%26b%20%7Bname%7D&{}");
}

static void origins_are_compared_without_their_form(void **state)
{
	(void)state;
	g_autofree char *a = http_origin("https://Jobs.Example.com/x"),
			*b = http_origin("https://jobs.example.com:443"),
			*c = http_origin("http://jobs.example.com:443/"),
			*d = http_origin("ftp://jobs.example.com/");
	assert_string_equal(a, "https://jobs.example.com:443");
	assert_string_equal(a, b);
	assert_string_not_equal(b, c);
	assert_null(d);
}

/* --- what was received --- */

static void assert_excerpt(struct callback_settings *settings, const char *data, size_t length, size_t most,
	const char *expected)
{
	struct http_target *target = http_target_new(settings);
	g_autofree char *text = http_target_excerpt(target, data, length, most);
	http_target_free(target);
	assert_string_equal(text, expected);
}

static void an_excerpt_is_short_valid_text(void **state)
{
	struct callback_settings *settings = *state;
	assert_excerpt(settings, NULL, 0, 10, "");
	assert_excerpt(settings, "no such job\r\n", 13, 100, "no such job");
	assert_excerpt(settings, "0123456789abc", 13, 10, "0123456789");
	assert_excerpt(settings, "0123456789", 10, 0, "");
	/* A character that is cut is left out; one that is broken is replaced, NUL as well. */
	assert_excerpt(settings, "жжжж", 8, 5, "жж");
	assert_excerpt(settings, "a\xffz", 3, 100, "a\xef\xbf\xbdz");
	assert_excerpt(settings, "a\0z", 3, 100, "a\xef\xbf\xbdz");
	assert_excerpt(settings, "\xff\xff\xff\xff", 4, 7, "\xef\xbf\xbd\xef\xbf\xbd");
}

static void secrets_are_blotted_out(void **state)
{
	struct callback_settings *settings = *state;
	GHashTable *headers = settings->http.headers;
	g_hash_table_insert(headers, g_strdup("X-Api-Key"), g_strdup("k3y"));
	g_hash_table_insert(headers, g_strdup("X-Source"), g_strdup("source"));
	set(&settings->http.token, "t0k-t0ken");
	const char *text = "Bearer t0k-t0ken, k3y of source; t0k-t0ken";
	assert_excerpt(settings, text, strlen(text), 100, "Bearer ***, *** of source; ***");
	/* One that is cut by the limit is blotted out as a whole; one that was not received as a whole,
	 * beyond the limit, does not slip in. */
	assert_excerpt(settings, text, strlen(text), 10, "Bearer ***");
	assert_excerpt(settings, "t0k-t0kent0k-t0ke", 17, 9, "***");
	g_clear_pointer(&settings->http.token, g_free);
	g_hash_table_insert(headers, g_strdup("Authorization"), g_strdup("Basic dXNlcg=="));
	assert_excerpt(settings, "dXNlcg== Basic", 14, 100, "*** Basic");
}

/* --- answers --- */

struct expected {
	enum fire_answer answer;
	bool unreachable;
	dur_us retry_after;
	const char *detail;
};

static void assert_meaning(struct callback_settings *settings, const struct http_outcome *outcome,
	const struct expected *expected)
{
	struct http_target *target = http_target_new(settings);
	struct http_verdict verdict = http_answer(target, outcome);
	http_target_free(target);
	if (verdict.answer != expected->answer || verdict.unreachable != expected->unreachable)
		fail_msg("HTTP %ld, error %d: answer %d, unreachable %d", outcome->status, outcome->code,
			verdict.answer, verdict.unreachable);
	assert_int_equal(verdict.retry_after, expected->retry_after);
	if (expected->detail)
		assert_string_equal(verdict.detail, expected->detail);
	else
		assert_null(verdict.detail);
	assert_int_equal(verdict.trouble != NULL, verdict.answer == FIRE_UNAVAILABLE);
	g_free(verdict.detail);
	g_free(verdict.trouble);
}

static void a_status_decides(void **state)
{
	static const struct {
		long status;
		enum fire_answer answer;
	} cases[] = {{200, FIRE_DELIVERED}, {201, FIRE_DELIVERED}, {204, FIRE_DELIVERED},
		{299, FIRE_DELIVERED}, {300, FIRE_REJECTED}, {301, FIRE_REJECTED}, {304, FIRE_REJECTED},
		{400, FIRE_REJECTED}, {401, FIRE_REJECTED}, {404, FIRE_REJECTED}, {408, FIRE_UNAVAILABLE},
		{409, FIRE_REJECTED}, {425, FIRE_REJECTED}, {429, FIRE_UNAVAILABLE}, {499, FIRE_REJECTED},
		{500, FIRE_UNAVAILABLE}, {501, FIRE_UNAVAILABLE}, {503, FIRE_UNAVAILABLE},
		{599, FIRE_UNAVAILABLE}, {600, FIRE_REJECTED}, {999, FIRE_REJECTED}};
	/* Whatever became of the rest. */
	static const CURLcode codes[] = {
		CURLE_OK, CURLE_PARTIAL_FILE, CURLE_OPERATION_TIMEDOUT, CURLE_RECV_ERROR, CURLE_WRITE_ERROR};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		for (size_t k = 0; k < G_N_ELEMENTS(codes); k++) {
			struct http_outcome outcome = {.code = codes[k],
				.status = cases[i].status,
				.connected = true,
				.message = "",
				.origin = "https://x:443",
				.body = "",
				.timeout = US_PER_SECOND};
			g_autofree char *detail = g_strdup_printf("HTTP %ld", cases[i].status);
			struct expected expected = {
				cases[i].answer, .detail = cases[i].answer == FIRE_DELIVERED ? NULL : detail};
			assert_meaning(*state, &outcome, &expected);
		}
	}
}

static void retry_after_is_kept_within_a_day(void **state)
{
	static const struct {
		int64_t asked_s;
		dur_us kept;
	} cases[] = {{-5, 0}, {0, 0}, {1, US_PER_SECOND}, {3600, US_PER_HOUR}, {86401, US_PER_DAY},
		{INT64_MAX, US_PER_DAY}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct http_outcome outcome = {.status = 429,
			.connected = true,
			.message = "",
			.origin = "https://x:443",
			.body = "slow down",
			.body_length = 9,
			.retry_after_s = cases[i].asked_s};
		assert_meaning(*state, &outcome,
			&(struct expected){FIRE_UNAVAILABLE, false, cases[i].kept, "HTTP 429: slow down"});
		/* Not where it is refused. */
		outcome.status = 404;
		assert_meaning(
			*state, &outcome, &(struct expected){FIRE_REJECTED, .detail = "HTTP 404: slow down"});
	}
}

static void redirects_are_told(void **state)
{
	struct http_outcome outcome = {.status = 302,
		.connected = true,
		.message = "",
		.origin = "https://x:443",
		.body = "moved",
		.body_length = 5,
		.location = "https://y/z"};
	assert_meaning(*state, &outcome,
		&(struct expected){FIRE_REJECTED, .detail = "HTTP 302, a redirect to https://y/z: moved"});
	outcome.redirects = 5;
	assert_meaning(*state, &outcome,
		&(struct expected){FIRE_REJECTED,
			.detail = "HTTP 302, after 5 redirects, a redirect to https://y/z: moved"});
}

static void without_a_status_it_is_an_outage_or_a_timeout(void **state)
{
	struct http_outcome outcome = {.code = CURLE_OPERATION_TIMEDOUT,
		.connected = true,
		.message = "Operation timed out",
		.origin = "https://x:443",
		.timeout = 30 * US_PER_SECOND};
	assert_meaning(*state, &outcome, &(struct expected){FIRE_REJECTED, .detail = "timed out after 30 s"});
	outcome.timeout = US_PER_SECOND / 4;
	assert_meaning(
		*state, &outcome, &(struct expected){FIRE_REJECTED, .detail = "timed out after 0.25 s"});
	/* An interim status is none. */
	outcome.status = 103;
	assert_meaning(
		*state, &outcome, &(struct expected){FIRE_REJECTED, .detail = "timed out after 0.25 s"});
	outcome.status = 0;
	outcome.connected = false;
	assert_meaning(*state, &outcome,
		&(struct expected){FIRE_UNAVAILABLE, true, 0, "https://x:443: Operation timed out"});
	outcome.code = CURLE_COULDNT_CONNECT;
	outcome.message = "Failed to connect";
	outcome.errno_value = ECONNREFUSED;
	assert_meaning(*state, &outcome,
		&(struct expected){
			FIRE_UNAVAILABLE, true, 0, "https://x:443: Failed to connect: Connection refused"});
	/* Where a redirect leads says nothing about others. */
	outcome.redirects = 1;
	assert_meaning(*state, &outcome,
		&(struct expected){
			FIRE_UNAVAILABLE, false, 0, "https://x:443: Failed to connect: Connection refused"});
	outcome.redirects = 0;
	outcome.code = CURLE_RECV_ERROR;
	outcome.connected = true;
	outcome.message = "";
	assert_meaning(*state, &outcome,
		&(struct expected){FIRE_UNAVAILABLE, false, 0,
			"https://x:443: Failure when receiving data from the peer"});
	outcome.code = CURLE_URL_MALFORMAT;
	outcome.connected = false;
	outcome.message = "bad URL";
	assert_meaning(
		*state, &outcome, &(struct expected){FIRE_REJECTED, .detail = "https://x:443: bad URL"});
}

#define WITH_SETTINGS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_local_and_metadata_addresses_are_refused),
		cmocka_unit_test(other_addresses_are_not_refused),
		cmocka_unit_test(what_is_no_address_is_refused),
		WITH_SETTINGS(a_url_must_be_one_of_http),
		WITH_SETTINGS(a_method_must_be_one),
		WITH_SETTINGS(headers_must_be_some),
		WITH_SETTINGS(a_token_stands_alone_and_is_not_repeated),
		WITH_SETTINGS(files_must_be_there),
		WITH_SETTINGS(the_body_is_json_around_the_command),
		WITH_SETTINGS(a_template_has_placeholders_as_json),
		WITH_SETTINGS(get_and_head_have_no_body),
		WITH_SETTINGS(the_url_has_placeholders_encoded),
		cmocka_unit_test(origins_are_compared_without_their_form),
		WITH_SETTINGS(an_excerpt_is_short_valid_text),
		WITH_SETTINGS(secrets_are_blotted_out),
		WITH_SETTINGS(a_status_decides),
		WITH_SETTINGS(retry_after_is_kept_within_a_day),
		WITH_SETTINGS(redirects_are_told),
		WITH_SETTINGS(without_a_status_it_is_an_outage_or_a_timeout),
	};
	return cmocka_run_group_tests_name("callback http, texts", tests, NULL, NULL);
}
