/* A schedule as the five fields of a crontab. */
#include "cli/row_check.h"
#include "cli/schedule_arg.h"
#include "cli/verb_export.h"

#include "base/json.h"

#include <string.h>

/* Least significant last, as the normalised document has them. */
enum { YEAR, MONTH, DAY, WEEK, DAY_OF_WEEK, HOUR, MINUTE, SECOND, FIELD_NAMES };
static const char *const names[FIELD_NAMES] = {
	"year", "month", "day", "week", "day_of_week", "hour", "minute", "second"};
/* What an absent field means behind the last one that is given; before it, `*`. */
static const char *const defaults[FIELD_NAMES] = {"*", "1", "1", "*", "*", "0", "0", "0"};

/* Blanks in place of whatever stands between the fields. */
static char *squeeze(const char *text)
{
	g_auto(GStrv) words = g_strsplit_set(text, " \t\n\r\v\f", -1);
	GString *out = g_string_new(NULL);
	for (size_t i = 0; words[i]; i++)
		if (*words[i])
			g_string_append_printf(out, "%s%s", out->len ? " " : "", words[i]);
	return g_string_free(out, FALSE);
}

/* Days of the week as APScheduler counts them, 0 being Monday, in the numbers of cron. NULL where the text is
 * none of `*`, `*` / 2, 1, 1-3 and 1-5/2. */
static char *weekdays_for_cron(const char *text)
{
	bool days[7] = {false};
	if (!strcmp(text, "*"))
		return g_strdup("*");
	g_auto(GStrv) items = g_strsplit(text, ",", -1);
	for (size_t i = 0; items[i]; i++) {
		int first = 0, last = 6, step = 1;
		char end;
		bool fine = sscanf(items[i], "*/%d%c", &step, &end) == 1;
		if (!fine && sscanf(items[i], "%d%c", &first, &end) == 1) {
			last = first;
			fine = true;
		}
		fine = fine || sscanf(items[i], "%d-%d%c", &first, &last, &end) == 2 ||
		       sscanf(items[i], "%d-%d/%d%c", &first, &last, &step, &end) == 3;
		if (!fine || first < 0 || last > 6 || step < 1)
			return NULL;
		for (int d = first; d <= last; d += step)
			days[(d + 1) % 7] = true;
	}
	GString *out = g_string_new(NULL);
	for (int d = 0; d < 7; d++)
		if (days[d])
			g_string_append_printf(out, "%s%d", out->len ? "," : "", d);
	return g_string_free(out, FALSE);
}

/* What cron has nothing like; NULL where the fields may do. */
static const char *obstacle(const json_t *document)
{
	static const struct {
		const char *key, *reason;
	} params_reasons[] = {
		{"jitter", "cron has no jitter"},
		{"start_date", "cron has no start date"},
		{"end_date", "cron has no end date"},
		{"year", "cron has no years"},
		{"week", "cron has no weeks of the year"},
	};
	const char *format = json_string_value(json_object_get(document, "format"));
	const json_t *params = json_object_get(document, "params");
	const char *day = json_string_value(json_object_get(params, "day"));
	if (!strcmp(format, "date"))
		return "cron has no single dates";
	if (!strcmp(format, "interval"))
		return "cron has no intervals that count from a start";
	for (size_t i = 0; i < G_N_ELEMENTS(params_reasons); i++)
		if (json_object_get(params, params_reasons[i].key))
			return params_reasons[i].reason;
	for (const char *p = day; p && *p; p++)
		if (g_ascii_isalpha(*p))
			return "cron has no days like `last` and `2nd fri`";
	return NULL;
}

/* The fields of the normalised document; `*` and defaults where it leaves them out. */
static char *compose(const json_t *params, const char **reason)
{
	const char *texts[FIELD_NAMES];
	int least = 0;
	for (int i = 0; i < FIELD_NAMES; i++)
		if (json_object_get(params, names[i]))
			least = i;
	for (int i = 0; i < FIELD_NAMES; i++) {
		const char *given = json_string_value(json_object_get(params, names[i]));
		texts[i] = given ? given : i < least ? "*" : defaults[i];
	}
	g_autofree char *weekdays = weekdays_for_cron(texts[DAY_OF_WEEK]);
	*reason = strcmp(texts[SECOND], "0") != 0 ? "cron has no seconds" : NULL;
	if (*reason || !weekdays)
		return NULL;
	return g_strdup_printf(
		"%s %s %s %s %s", texts[MINUTE], texts[HOUR], texts[DAY], texts[MONTH], weekdays);
}

/* Whether cron would fire at the same times. */
static bool means_the_same(struct cli *cli, const struct schedule *schedule, const char *fields)
{
	g_autoptr(json_t) document = schedule_arg_unix(fields);
	struct schedule_context context = {
		.timezone = schedule_zone(schedule),
		.zones = cli_zones(cli),
		.dialect = UNIX_DIALECT_STANDARD,
		.dst = schedule_dst(schedule),
	};
	struct schedule *there = schedule_parse_json(document, &context, NULL);
	time_us at;
	bool same = there && (!strcmp(schedule_key(there), schedule_key(schedule)) ||
				     !row_check_first_difference(schedule, there, cli->now, &at));
	schedule_unref(there);
	return same;
}

static char *unix_value(const struct action_row *row)
{
	g_autoptr(json_t) document = json_read(row->cron.data, row->cron.length, NULL);
	const char *format = json_string_value(json_object_get(document, "format"));
	const char *value = json_string_value(json_object_get(json_object_get(document, "params"), "value"));
	return value && !g_strcmp0(format, "unix") ? squeeze(value) : NULL;
}

char *export_crontab_fields(
	struct cli *cli, const struct action_row *row, const struct schedule *schedule, const char **reason)
{
	g_autofree char *value = unix_value(row);
	*reason = NULL;
	if (value && means_the_same(cli, schedule, value))
		return g_steal_pointer(&value);
	g_autoptr(json_t) document = schedule_print(schedule);
	*reason = value ? NULL : obstacle(document);
	if (*reason)
		return NULL;
	g_autofree char *fields = value ? NULL : compose(json_object_get(document, "params"), reason);
	if (fields && means_the_same(cli, schedule, fields))
		return g_steal_pointer(&fields);
	if (!*reason)
		*reason = value ? "cron would read its expression otherwise than `unix_dialect: apscheduler` "
				  "does"
				: "no five fields of cron mean the same";
	return NULL;
}
