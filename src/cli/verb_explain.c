#include "cli/fires_view.h"
#include "cli/schedule_arg.h"

#include <string.h>

#include "base/json.h"
#include "cron/words.h"

/* Fires that are shown, and changes of the clock, within so long. */
#define FIRES_SHOWN    5
#define CHANGES_SHOWN  2
#define CHANGES_WITHIN (2 * 366 * US_PER_DAY)
/* Fires around a change of the clock that are shown one by one. */
#define AROUND_SHOWN   6

static struct {
	struct schedule_args of;
	char *lang;
} given;

static const GOptionEntry options[] = {
	SCHEDULE_ARG_OPTIONS(given.of),
	{"lang", 0, 0, G_OPTION_ARG_FILENAME, &given.lang, "the language (default en)", "en|ru"},
	{NULL},
};

struct explanation {
	struct cli *cli;
	enum words_language language;
	struct output *output; /* NULL: as text */
	bool first;
};

/* A change of the zone's offset. */
struct clock_change {
	time_us at;
	int32_t from_s, to_s;
};

struct explained {
	struct cli *cli;
	const struct schedule *schedule;
	const int64_t *id;
	char *words;
	struct clock_change changes[CHANGES_SHOWN];
	unsigned change_count;
};

/* --- changes of the clock --- */

static void find_changes(struct explained *e)
{
	const struct zone *zone = schedule_zone(e->schedule);
	time_us now = e->cli->now;
	struct zone_interval interval, next;
	zone_interval_at(zone, now, &interval);
	while (e->change_count < CHANGES_SHOWN && interval.to < now + CHANGES_WITHIN) {
		zone_interval_at(zone, interval.to, &next);
		if (next.offset_s != interval.offset_s)
			e->changes[e->change_count++] =
				(struct clock_change){interval.to, interval.offset_s, next.offset_s};
		interval = next;
	}
}

/* The same schedule under a policy. The caller owns it. */
static struct schedule *with_policy(const struct explained *e, enum dst_policy dst)
{
	struct schedule_context context = {
		.timezone = schedule_zone(e->schedule),
		.zones = cli_zones(e->cli),
		.dialect = schedule_dialect(e->schedule),
		.dst = dst,
	};
	g_autoptr(json_t) document = schedule_print(e->schedule);
	return schedule_parse_json(document, &context, NULL);
}

/* Fires from an hour and the length of the change before it to as long after: how many, and the first ones.
 */
static json_t *fires_around(const struct explained *e, const struct clock_change *change, enum dst_policy dst)
{
	struct schedule *schedule = with_policy(e, dst);
	dur_us reach = US_PER_HOUR + ABS(change->to_s - change->from_s) * US_PER_SECOND;
	time_us t = change->at - reach - 1, until = change->at + reach - 1;
	uint64_t count = schedule ? schedule_count(schedule, t, until) : 0;
	json_t *fires = json_array();
	char text[TIME_TEXT_MAX];
	while (json_array_size(fires) < MIN(count, AROUND_SHOWN) && schedule_next(schedule, t, &t))
		json_array_append_new(fires, json_string(zone_format(schedule_zone(schedule), t, text)));
	schedule_unref(schedule);
	return json_pack("{s:I, s:o}", "count", (json_int_t)count, "fires", fires);
}

static json_t *change_json(const struct explained *e, const struct clock_change *change)
{
	char before[TIME_TEXT_MAX], after[TIME_TEXT_MAX];
	return json_pack("{s:s, s:s, s:o, s:o}", "from", time_format(change->at, change->from_s, before),
		"to", time_format(change->at, change->to_s, after), "wall_clock",
		fires_around(e, change, DST_WALL_CLOCK), "vixie", fires_around(e, change, DST_VIXIE));
}

/* --- columns --- */

static json_t *id_json(const void *row)
{
	const struct explained *e = row;
	return e->id ? json_integer(*e->id) : json_null();
}

static json_t *words_json(const void *row)
{
	return json_string(((const struct explained *)row)->words);
}

static json_t *schedule_json(const void *row)
{
	return schedule_print(((const struct explained *)row)->schedule);
}

static json_t *timezone_json(const void *row)
{
	return json_string(zone_name(schedule_zone(((const struct explained *)row)->schedule)));
}

static json_t *dst_json(const void *row)
{
	bool vixie = schedule_dst(((const struct explained *)row)->schedule) == DST_VIXIE;
	return json_string(vixie ? "vixie" : "wall_clock");
}

static json_t *fires_json(const void *row)
{
	const struct explained *e = row;
	json_t *fires = json_array();
	time_us t = e->cli->now;
	char text[TIME_TEXT_MAX];
	while (json_array_size(fires) < FIRES_SHOWN && schedule_next(e->schedule, t, &t))
		json_array_append_new(fires, json_string(zone_format(schedule_zone(e->schedule), t, text)));
	return fires;
}

static json_t *changes_json(const void *row)
{
	const struct explained *e = row;
	json_t *changes = json_array();
	for (unsigned i = 0; i < e->change_count; i++)
		json_array_append_new(changes, change_json(e, &e->changes[i]));
	return changes;
}

static const struct output_column columns[] = {
	{"id", "ACTION", id_json, NULL, OUTPUT_LEFT},
	{"words", "IN WORDS", words_json, NULL, OUTPUT_LEFT},
	{"schedule", "NORMALISED", schedule_json, NULL, OUTPUT_LEFT},
	{"timezone", "TIMEZONE", timezone_json, NULL, OUTPUT_LEFT},
	{"dst", "DST", dst_json, NULL, OUTPUT_LEFT},
	{"next_fires", NULL, fires_json, NULL, OUTPUT_LEFT},
	{"clock_changes", NULL, changes_json, NULL, OUTPUT_LEFT},
};

/* --- as text --- */

/* Of many the number says more. */
static char *around_text(const json_t *around)
{
	json_int_t count = json_integer_value(json_object_get(around, "count"));
	if (count == 0)
		return g_strdup("none");
	if (count > AROUND_SHOWN)
		return g_strdup_printf("%" JSON_INTEGER_FORMAT " fires", count);
	GString *text = g_string_new(NULL);
	size_t i;
	json_t *fire;
	json_array_foreach(json_object_get(around, "fires"), i, fire)
		g_string_append_printf(text, "%s%s", i ? ", " : "", json_string_value(fire));
	return g_string_free(text, FALSE);
}

static void write_change(const struct explained *e, const struct clock_change *change)
{
	FILE *file = e->cli->style.file;
	g_autoptr(json_t) json = change_json(e, change);
	g_autofree char *wall = around_text(json_object_get(json, "wall_clock"));
	g_autofree char *vixie = around_text(json_object_get(json, "vixie"));
	fprintf(file, "\nThe clock goes from %s to %s; fires around that:\n",
		json_string_value(json_object_get(json, "from")),
		json_string_value(json_object_get(json, "to")));
	fprintf(file, "  wall_clock  %s\n", wall);
	fprintf(file, "  vixie       %s\n", strcmp(wall, vixie) == 0 ? "the same" : vixie);
}

static void write_text(struct explanation *explanation, const struct explained *e)
{
	struct output_style *style = &e->cli->style;
	size_t skip = e->id ? 0 : 1;
	if (!explanation->first)
		fputc('\n', style->file);
	output_object(style, columns + skip, G_N_ELEMENTS(columns) - skip, e);
	g_autoptr(json_t) fires = fires_json(e);
	fputs(json_array_size(fires) ? "\n" : "\nNo fires.\n", style->file);
	struct fires_range range = {e->cli->now, TIME_US_MAX, FIRES_SHOWN};
	if (json_array_size(fires))
		fires_table(e->cli, &range, e->schedule, e->id);
	for (unsigned i = 0; i < e->change_count; i++)
		write_change(e, &e->changes[i]);
}

static void explain_one(void *context, const struct schedule *schedule, const int64_t *id, bool zone_given)
{
	struct explanation *explanation = context;
	struct explained e = {.cli = explanation->cli, .schedule = schedule, .id = id};
	e.words = schedule_words(schedule, explanation->language, zone_given);
	find_changes(&e);
	if (explanation->output)
		output_row(explanation->output, &e);
	else
		write_text(explanation, &e);
	explanation->first = false;
	g_free(e.words);
}

static int explain(struct cli *cli, char **arguments)
{
	struct explanation explanation = {.cli = cli, .first = true};
	if ((*arguments != NULL) + (given.of.cron != NULL) + (given.of.schedule != NULL) != 1)
		return cli_usage(cli, "explain takes one of: ids, --cron, --schedule");
	if (given.lang && !words_language_parse(given.lang, &explanation.language))
		return cli_usage(cli, "--lang must be en or ru, not '%s'", given.lang);
	int status = schedule_args_prepare(cli, &given.of, arguments);
	if (status != EXIT_DONE)
		return status;
	if (cli->style.format != OUTPUT_TABLE)
		explanation.output = output_new(&cli->style, columns, G_N_ELEMENTS(columns));
	status = schedule_args_each(cli, &given.of, arguments, explain_one, &explanation);
	if (explanation.output)
		output_end(explanation.output);
	return status;
}

const struct verb verb_explain = {
	.name = "explain",
	.arguments = "[ID…]",
	.summary = "says a schedule in words, and what the next changes of the clock do to it",
	.help = "Of actions by id, or of an expression, which needs no configuration. The zone is said where "
		"the schedule or --timezone names one. Around the next two changes of the clock, fires are "
		"shown for each value of `dst`.",
	.examples = "explain 17\n"
		    "explain --cron '*/15 8-18 * * mon-fri' --lang ru\n"
		    "explain --cron '30 2 * * *' --timezone Europe/Berlin",
	.options = options,
	.listing = true,
	.run = explain,
};
