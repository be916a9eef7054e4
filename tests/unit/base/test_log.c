/* The log: one line an event, in both formats, and nobody forges a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/log.h"
#include "base/time_us.h"

static void control_characters_are_escaped(void **state)
{
	(void)state;
	static const struct {
		const char *text, *escaped;
	} cases[] = {
		{"", ""}, {"plain", "plain"}, {"two\nlines\tand a tab", "two\\nlines\\tand a tab"},
		{"\r\x1b[31mred\x7f", "\\x0d\\x1b[31mred\\x7f"},
		{"\xd1\x8f \xf0\x9f\x98\x80", "\xd1\x8f \xf0\x9f\x98\x80"},
		{"\xc2\x85", "\\x85"},       /* NEL, a control character of Latin-1 */
		{"\xe2\x80\xa8", "\\u2028"}, /* LINE SEPARATOR */
		{"a\xe2\x80\xae"
		 "b\xe2\x81\xa9",
			"a\\u202eb\\u2069"},  /* turns the direction */
		{"a\xff\xfe", "a\\xff\\xfe"}, /* not UTF-8 */
		{"cut \xd1", "cut \\xd1"},    /* the first half of a character */
		{"\xc0\x8a", "\\xc0\\x8a"},   /* an overlong newline */
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *escaped = log_escape(cases[i].text);
		assert_string_equal(escaped, cases[i].escaped);
	}
}

/* Sends stderr into a pipe around one event; what came out, NUL-terminated. */
static void capture(char *out, size_t size, enum log_level level, const char *message)
{
	int ends[2];
	int saved = dup(STDERR_FILENO);
	assert_true(saved >= 0);
	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_event(level, "%s", message);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(ends[1]);
	ssize_t n = read(ends[0], out, size - 1);
	close(ends[0]);
	assert_true(n >= 0);
	out[n] = '\0';
}

static void assert_is_now(const char *text)
{
	time_us t = 0;
	bool has_offset = false;
	assert_true(time_parse(text, &t, &has_offset) && has_offset);
	assert_true(ABS(t - g_get_real_time()) < US_PER_MINUTE);
}

static void an_event_is_a_line_of_text(void **state)
{
	(void)state;
	char line[1024];
	log_setup(LOG_INFO, LOG_TEXT);
	capture(line, sizeof line, LOG_WARNING, "first\n2024-01-01T00:00:00Z error: forged");
	char *end = strchr(line, ' ');
	assert_non_null(end);
	assert_string_equal(end, " warning: first\\n2024-01-01T00:00:00Z error: forged\n");
	*end = '\0';
	assert_is_now(line);
}

static void an_event_is_a_json_object(void **state)
{
	(void)state;
	char line[1024];
	log_setup(LOG_INFO, LOG_JSON);
	capture(line, sizeof line, LOG_ERROR, "a \"quoted\"\nmessage \xff");
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) object = json_read(line, strlen(line), &error);
	assert_non_null(object);
	assert_string_equal(json_string_value(json_object_get(object, "level")), "error");
	assert_string_equal(
		json_string_value(json_object_get(object, "message")), "a \"quoted\"\nmessage \xef\xbf\xbd");
	assert_is_now(json_string_value(json_object_get(object, "time")));
}

static void the_level_is_kept(void **state)
{
	(void)state;
	char line[1024];
	log_setup(LOG_WARNING, LOG_TEXT);
	assert_int_equal(log_level(), LOG_WARNING);
	capture(line, sizeof line, LOG_INFO, "not said");
	assert_string_equal(line, "");
	capture(line, sizeof line, LOG_WARNING, "said");
	assert_non_null(strstr(line, "said"));
	log_setup(LOG_DEBUG, LOG_TEXT);
	capture(line, sizeof line, LOG_DEBUG, "said");
	assert_non_null(strstr(line, " debug: said\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_are_escaped),
		cmocka_unit_test(an_event_is_a_line_of_text),
		cmocka_unit_test(an_event_is_a_json_object),
		cmocka_unit_test(the_level_is_kept),
	};
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
