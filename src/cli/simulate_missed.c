/* What a start now would make up for, one row for each action that is owed anything. */
#include "base/json.h"
#include "cli/simulate.h"

#include <string.h>

struct owed {
	int64_t id;
	char *name, *lane;
	time_us first, last; /* TIME_US_MAX and TIME_US_MIN where only fires by hand are */
	time_us merged_into; /* TIME_US_MIN for none */
	uint64_t count, of[STATUS_SKIPPED + 1], open;
	uint32_t reasons; /* bit set of enum fire_reason */
};

struct missed {
	const struct simulation *simulation;
	GHashTable *owed; /* of struct owed, by their id */
	uint64_t bad;
};

struct owed_row {
	const struct simulation *simulation;
	const struct owed *owed;
};

static const struct owed *owed_of(const void *row)
{
	return ((const struct owed_row *)row)->owed;
}

/* --- columns --- */

static json_t *text_json(const char *text)
{
	return text ? json_text(text, strlen(text)) : json_null();
}

static json_t *time_json(const void *row, time_us t)
{
	char text[TIME_TEXT_MAX];
	if (t == TIME_US_MIN || t == TIME_US_MAX)
		return json_null();
	return json_string(zone_format(((const struct owed_row *)row)->simulation->zone, t, text));
}

static json_t *count_json(uint64_t count)
{
	return json_integer((json_int_t)count);
}

static json_t *id_json(const void *row)
{
	return json_integer(owed_of(row)->id);
}

static json_t *name_json(const void *row)
{
	return text_json(owed_of(row)->name);
}

static json_t *callback_json(const void *row)
{
	return text_json(owed_of(row)->lane);
}

static json_t *owed_json(const void *row)
{
	return count_json(owed_of(row)->count);
}

static json_t *first_json(const void *row)
{
	return time_json(row, owed_of(row)->first);
}

static json_t *last_json(const void *row)
{
	return time_json(row, owed_of(row)->last);
}

static json_t *fired_json(const void *row)
{
	return count_json(owed_of(row)->of[STATUS_DELIVERED]);
}

static json_t *merged_json(const void *row)
{
	return count_json(owed_of(row)->of[STATUS_MERGED]);
}

static json_t *missed_json(const void *row)
{
	return count_json(owed_of(row)->of[STATUS_MISSED]);
}

static json_t *skipped_json(const void *row)
{
	return count_json(owed_of(row)->of[STATUS_SKIPPED]);
}

static json_t *failed_json(const void *row)
{
	return count_json(owed_of(row)->of[STATUS_FAILED]);
}

static json_t *open_json(const void *row)
{
	return count_json(owed_of(row)->open);
}

static json_t *merged_into_json(const void *row)
{
	return time_json(row, owed_of(row)->merged_into);
}

static json_t *reasons_json(const void *row)
{
	json_t *reasons = json_array();
	for (unsigned i = REASON_NONE + 1; i < 32; i++)
		if (owed_of(row)->reasons & (1u << i))
			json_array_append_new(reasons, json_string(fire_reason_text((enum fire_reason)i)));
	return reasons;
}

static char *reasons_text(const void *row)
{
	GString *text = g_string_new(NULL);
	for (unsigned i = REASON_NONE + 1; i < 32; i++)
		if (owed_of(row)->reasons & (1u << i))
			g_string_append_printf(
				text, "%s%s", text->len ? "; " : "", fire_reason_text((enum fire_reason)i));
	return g_string_free(text, FALSE);
}

static const struct output_column columns[] = {
	{"action_id", "ID", id_json, NULL, OUTPUT_RIGHT},
	{"action_name", "NAME", name_json, NULL, OUTPUT_LEFT},
	{"callback", NULL, callback_json, NULL, OUTPUT_LEFT},
	{"owed", "OWED", owed_json, NULL, OUTPUT_RIGHT},
	{"first", "FIRST", first_json, NULL, OUTPUT_WHOLE, 2},
	{"last", "LAST", last_json, NULL, OUTPUT_WHOLE, 1},
	{"fired", "FIRED", fired_json, NULL, OUTPUT_RIGHT},
	{"merged", "MERGED", merged_json, NULL, OUTPUT_RIGHT},
	{"missed", "MISSED", missed_json, NULL, OUTPUT_RIGHT},
	{"skipped", "SKIPPED", skipped_json, NULL, OUTPUT_RIGHT},
	{"failed", NULL, failed_json, NULL, OUTPUT_RIGHT},
	{"open", "OPEN", open_json, NULL, OUTPUT_RIGHT},
	{"merged_into", NULL, merged_into_json, NULL, OUTPUT_LEFT},
	{"reasons", "REASONS", reasons_json, reasons_text, OUTPUT_LEFT},
};

/* --- gathering --- */

static void owed_free(void *data)
{
	struct owed *owed = data;
	g_free(owed->name);
	g_free(owed->lane);
	g_free(owed);
}

static struct owed *owed_find(struct missed *missed, int64_t id)
{
	struct owed *owed = g_hash_table_lookup(missed->owed, &id);
	if (owed)
		return owed;
	owed = g_new0(struct owed, 1);
	owed->id = id;
	owed->first = TIME_US_MAX;
	owed->last = owed->merged_into = TIME_US_MIN;
	g_hash_table_insert(missed->owed, &owed->id, owed);
	return owed;
}

static gint id_compare(gconstpointer a, gconstpointer b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void foreseen_take(void *context, const struct foreseen *foreseen, const char *name)
{
	struct missed *missed = context;
	if (!simulate_is_asked(missed->simulation, foreseen->action_id))
		return;
	struct owed *owed = owed_find(missed, foreseen->action_id);
	if (!owed->name)
		owed->name = g_strdup(name);
	/* What is owed by several is owed to the last. */
	g_free(owed->lane);
	owed->lane = g_strdup(foreseen->lane);
	owed->count += foreseen->count;
	owed->of[foreseen->status] += foreseen->count;
	owed->open += foreseen->open ? foreseen->count : 0;
	if (foreseen->first != TIME_US_MIN) {
		owed->first = MIN(owed->first, foreseen->first);
		owed->last = MAX(owed->last, foreseen->last);
	}
	owed->merged_into = MAX(owed->merged_into, foreseen->merged_into);
	owed->reasons |= foreseen->reason == REASON_NONE ? 0 : 1u << foreseen->reason;
}

static void bad_row_take(void *context, int64_t id, const char *reason)
{
	struct missed *missed = context;
	if (simulate_is_asked(missed->simulation, id))
		simulate_bad_row(missed->simulation->cli, id, reason, &missed->bad);
}

static void held_take(void *context, time_us since)
{
	const struct simulation *s = ((const struct missed *)context)->simulation;
	char text[TIME_TEXT_MAX];
	cli_warn(s->cli, "all is held since %s: this is what `resume --all` now would make up for",
		zone_format(s->zone, since, text));
}

static void no_table_take(void *context, const char *reason)
{
	const struct missed *missed = context;
	cli_warn(missed->simulation->cli, "actions_db: %s; the definitions as last seen count, as at a start",
		reason);
}

/* --- showing --- */

static void totals_say(const struct missed *missed, GList *rows)
{
	const struct simulation *s = missed->simulation;
	struct owed sum = {.first = TIME_US_MAX};
	char text[TIME_TEXT_MAX];
	for (; rows; rows = rows->next) {
		const struct owed *owed = rows->data;
		for (int i = 0; i <= STATUS_SKIPPED; i++)
			sum.of[i] += owed->of[i];
		sum.count += owed->count;
		sum.open += owed->open;
		sum.first = MIN(sum.first, owed->first);
	}
	if (sum.count == 0) {
		cli_say(s->cli, "nothing is owed: a start now would make up for nothing");
		return;
	}
	g_autofree char *since = sum.first == TIME_US_MAX ? g_strdup("")
							  : g_strdup_printf(" since %s",
								    zone_format(s->zone, sum.first, text));
	cli_say(s->cli,
		"fires owed%s: %" G_GUINT64_FORMAT
		", of %u actions; a start now would fire %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT
		" would be merged, %" G_GUINT64_FORMAT " missed (too old), %" G_GUINT64_FORMAT
		" skipped, %" G_GUINT64_FORMAT
		" failed; handed out before and unanswered: %" G_GUINT64_FORMAT,
		since, sum.count, g_hash_table_size(missed->owed), sum.of[STATUS_DELIVERED],
		sum.of[STATUS_MERGED], sum.of[STATUS_MISSED], sum.of[STATUS_SKIPPED], sum.of[STATUS_FAILED],
		sum.open);
}

static void list(const struct missed *missed)
{
	const struct simulation *s = missed->simulation;
	GList *rows = g_list_sort(g_hash_table_get_values(missed->owed), id_compare);
	struct output *output = output_new(&s->cli->style, columns, G_N_ELEMENTS(columns));
	uint64_t listed = 0;
	for (GList *each = rows; each && listed < s->limit && !ferror(s->cli->style.file);
		each = each->next) {
		struct owed_row row = {s, each->data};
		output_row(output, &row);
		listed++;
	}
	output_end(output);
	totals_say(missed, rows);
	g_list_free(rows);
}

int simulate_missed(const struct simulation *simulation)
{
	struct cli *cli = simulation->cli;
	GError *error = NULL;
	if (!cli->config->internal_db.set) {
		cli_error(cli, "no internal_db is configured: nothing is remembered, so a start makes up for "
			       "nothing");
		return EXIT_FAILED;
	}
	struct missed missed = {
		simulation, g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, owed_free), 0};
	struct cli_foresee foresee = {.config = g_steal_pointer(&cli->config),
		.catch_up_from = simulation->catch_up_from,
		.now = cli->now,
		.each = foreseen_take,
		.bad_row = bad_row_take,
		.held = held_take,
		.no_table = no_table_take,
		.context = &missed};
	bool done = cli->host->foresee(cli->host->context, &foresee, &error);
	if (done) {
		simulate_bad_rows_end(cli, missed.bad);
		list(&missed);
	}
	g_hash_table_unref(missed.owed);
	return done ? EXIT_DONE : cli_fail(cli, error, "%s", "");
}
