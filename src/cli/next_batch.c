#include "cli/next_batch.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

#define LINE_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define COUNT_DEFAULT  10
#define COUNT_MAX      100000

struct request {
	struct schedule *schedule;
	time_us after;
	json_int_t count;
};

static bool fail(GError **error, const char *reason)
{
	g_set_error_literal(error, AS_ERROR, AS_ERROR_INVALID, reason);
	return false;
}

static const json_t *find(const json_t *line, const char *key)
{
	const json_t *value = json_object_get(line, key);
	return value && !json_is_null(value) ? value : NULL;
}

static struct zone *read_zone(const json_t *line, const struct next_batch_context *context, GError **error)
{
	const json_t *name = find(line, "timezone_default");
	if (!name)
		return zone_ref(context->timezone);
	if (!json_is_string(name)) {
		fail(error, "timezone_default: it must be a string");
		return NULL;
	}
	struct zone *zone = context->zones->load(context->zones->context, json_string_value(name), error);
	if (!zone)
		g_prefix_error(error, "timezone_default: ");
	return zone;
}

static bool read_after(const json_t *line, const struct zone *zone, time_us *out, GError **error)
{
	const json_t *text = find(line, "after");
	bool has_offset;
	if (!text)
		return true;
	if (!json_is_string(text) || !time_parse(json_string_value(text), out, &has_offset))
		return fail(error, "after: it must be a time such as 2024-01-31T09:00:00+00:00");
	if (!has_offset)
		*out = zone_resolve(zone, *out);
	return true;
}

static bool read_count(const json_t *line, json_int_t *out, GError **error)
{
	const json_t *count = find(line, "count");
	if (!count)
		return true;
	if (!json_is_integer(count) || json_integer_value(count) < 1 || json_integer_value(count) > COUNT_MAX)
		return fail(error, "count: it must be an integer from 1 to 100000");
	*out = json_integer_value(count);
	return true;
}

static bool read_in_zone(const json_t *line, struct zone *zone, const struct next_batch_context *context,
	struct request *out, GError **error)
{
	const json_t *document = json_object_get(line, "schedule");
	struct schedule_context parsing = {zone, context->zones, context->dialect, context->dst};
	if (!read_after(line, zone, &out->after, error) || !read_count(line, &out->count, error))
		return false;
	if (!document)
		return fail(error, "schedule: it is missing");
	out->schedule = schedule_parse_json(document, &parsing, error);
	return out->schedule != NULL;
}

static bool read_request(
	const json_t *line, const struct next_batch_context *context, struct request *out, GError **error)
{
	struct zone *zone = read_zone(line, context, error);
	bool ok = zone && read_in_zone(line, zone, context, out, error);
	zone_unref(zone);
	return ok;
}

static void add_fires(json_t *answer, const struct request *request)
{
	char text[TIME_TEXT_MAX];
	json_t *fires = json_array();
	time_us at = request->after;
	json_int_t n = 0;
	while (n < request->count && schedule_next(request->schedule, at, &at)) {
		json_array_append_new(
			fires, json_string(zone_format(schedule_zone(request->schedule), at, text)));
		n++;
	}
	json_object_set_new(answer, "fires", fires);
	json_object_set_new(answer, "exhausted", json_boolean(n < request->count));
}

static void add_error(json_t *answer, const char *message)
{
	json_object_set_new(answer, "error", json_text(message, strlen(message)));
}

json_t *next_batch_line(
	const char *text, size_t length, const struct next_batch_context *context, bool *failed)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) line = json_read(text, length, &error);
	json_t *answer = json_object();
	*failed = true;
	if (!json_is_object(line)) {
		json_object_set_new(answer, "id", json_null());
		add_error(answer, error ? error->message : "a line must be a JSON object");
		return answer;
	}
	json_t *id = json_object_get(line, "id");
	struct request request = {.after = context->now, .count = COUNT_DEFAULT};
	json_object_set_new(answer, "id", id ? json_incref(id) : json_null());
	if (!read_request(line, context, &request, &error)) {
		add_error(answer, error->message);
		return answer;
	}
	add_fires(answer, &request);
	schedule_unref(request.schedule);
	*failed = false;
	return answer;
}

/* Reads up to the end of the line, which is not kept; of a line that is too long only as much as is allowed.
 * Returns false at the end of the input. */
static bool read_line(FILE *in, GString *line, bool *too_long)
{
	int c;
	g_string_truncate(line, 0);
	*too_long = false;
	while ((c = getc_unlocked(in)) != EOF && c != '\n') {
		if (line->len < LINE_MAX_BYTES)
			g_string_append_c(line, (char)c);
		else
			*too_long = true;
	}
	return c != EOF || line->len;
}

static bool is_blank(const GString *line)
{
	return strspn(line->str, " \t\r\f\v") == line->len;
}

static bool write_answer(FILE *out, const json_t *answer)
{
	return json_dumpf(answer, out, JSON_ENCODE_ANY) == 0 && putc('\n', out) != EOF && fflush(out) == 0;
}

static json_t *answer_long_line(void)
{
	json_t *answer = json_object();
	json_object_set_new(answer, "id", json_null());
	add_error(answer, "the line is longer than 4 MiB");
	return answer;
}

bool next_batch_run(
	FILE *in, FILE *out, const struct next_batch_context *context, bool *had_errors, GError **error)
{
	g_autoptr(GString) line = g_string_new(NULL);
	bool too_long, failed;
	*had_errors = false;
	while (read_line(in, line, &too_long)) {
		if (is_blank(line))
			continue;
		failed = too_long;
		g_autoptr(json_t) answer = too_long ? answer_long_line()
						    : next_batch_line(line->str, line->len, context, &failed);
		*had_errors |= failed;
		if (!write_answer(out, answer)) {
			g_set_error(error, AS_ERROR, AS_ERROR_FAILED, "cannot write the answers: %s",
				g_strerror(errno));
			return false;
		}
	}
	if (ferror(in)) {
		g_set_error(error, AS_ERROR, AS_ERROR_FAILED, "cannot read the lines: %s", g_strerror(errno));
		return false;
	}
	return true;
}
