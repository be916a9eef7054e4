#include "cli/run_view.h"

#include "cli/time_arg.h"

#include <string.h>

#include "base/json.h"

/* More names than this are not kept at a time. */
#define NAMES_MAX 100000

const char *run_status(const struct history_entry *entry)
{
	return entry->note ? "note" : fire_status_name(entry->status);
}

static bool is_range(const struct history_entry *entry)
{
	return !entry->note && entry->count > 1;
}

static json_t *json_of_time(time_us t)
{
	char text[TIME_TEXT_MAX];
	return t == TIME_US_MIN ? json_null() : json_string(time_format_utc(t, text));
}

static json_t *json_of_string(const char *text)
{
	return text ? json_text(text, strlen(text)) : json_null();
}

static json_t *fire_id_json(const void *row)
{
	const struct run_view *view = row;
	const struct history_entry *entry = view->entry;
	char id[FIRE_ID_MAX];
	if (entry->note || is_range(entry))
		return json_null();
	return json_string(fire_id_format(entry->action_id, entry->scheduled_at, entry->manual, id));
}

static char *fire_id_text(const void *row)
{
	const struct run_view *view = row;
	const struct history_entry *entry = view->entry;
	char id[FIRE_ID_MAX];
	if (entry->note)
		return NULL;
	fire_id_format(entry->action_id, entry->scheduled_at, entry->manual, id);
	if (!is_range(entry))
		return g_strdup(id);
	return g_strdup_printf("%s (%" G_GUINT64_FORMAT ")", id, entry->count);
}

static json_t *action_id_json(const void *row)
{
	const struct run_view *view = row;
	return view->entry->note ? json_null() : json_integer(view->entry->action_id);
}

static json_t *action_name_json(const void *row)
{
	const struct run_view *view = row;
	return json_of_string(view->action_name);
}

static json_t *status_json(const void *row)
{
	const struct run_view *view = row;
	return json_string(view->status ? view->status : run_status(view->entry));
}

static json_t *reason_json(const void *row)
{
	const struct run_view *view = row;
	if (view->entry->note)
		return json_of_string(view->entry->note);
	return view->entry->reason == REASON_NONE ? json_null()
						  : json_string(fire_reason_text(view->entry->reason));
}

static char *reason_text(const void *row)
{
	char last[TIME_TEXT_MAX];
	const struct run_view *view = row;
	const struct history_entry *entry = view->entry;
	if (entry->note)
		return g_strdup(entry->note);
	/* A line that is cut must not lose what matters: that of a failed fire is what its receiver said. */
	bool said = entry->reason == REASON_REFUSED && entry->detail && *entry->detail;
	const char *reason = entry->reason == REASON_NONE || said ? "" : fire_reason_text(entry->reason);
	const char *detail = !entry->detail               ? ""
			     : view->cli->style.width > 0 ? fire_detail_brief(entry->detail)
							  : entry->detail;
	g_autofree char *until =
		is_range(entry) ? g_strdup_printf("up to %s", time_format_utc(entry->last, last)) : NULL;
	const char *parts[] = {until ? until : "", reason, detail};
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		g_string_append_printf(text, "%s%s", text->len && *parts[i] ? ": " : "", parts[i]);
	return g_string_free(text, FALSE);
}

static json_t *merged_into_json(const void *row)
{
	const struct run_view *view = row;
	const struct history_entry *entry = view->entry;
	char id[FIRE_ID_MAX];
	if (entry->note || entry->merged_into == TIME_US_MIN)
		return json_null();
	return json_string(fire_id_format(entry->action_id, entry->merged_into, NULL, id));
}

static json_t *scheduled_at_json(const void *row)
{
	const struct run_view *view = row;
	if (is_range(view->entry))
		return NULL;
	return view->entry->note ? json_null() : json_of_time(view->entry->scheduled_at);
}

static json_t *first_json(const void *row)
{
	const struct run_view *view = row;
	return is_range(view->entry) ? json_of_time(view->entry->scheduled_at) : NULL;
}

static json_t *last_json(const void *row)
{
	const struct run_view *view = row;
	return is_range(view->entry) ? json_of_time(view->entry->last) : NULL;
}

static json_t *count_json(const void *row)
{
	const struct run_view *view = row;
	return is_range(view->entry) ? json_integer((json_int_t)view->entry->count) : NULL;
}

static json_t *started_at_json(const void *row)
{
	const struct run_view *view = row;
	return view->entry->note ? json_null() : json_of_time(view->entry->started_at);
}

static json_t *finished_at_json(const void *row)
{
	const struct run_view *view = row;
	return json_of_time(view->entry->finished_at);
}

static char *finished_at_text(const void *row)
{
	const struct run_view *view = row;
	char text[TIME_TEXT_MAX];
	if (view->entry->finished_at == TIME_US_MIN)
		return NULL;
	return g_strdup(zone_format(cli_shown_zone(view->cli), view->entry->finished_at, text));
}

static char *from_now_text(const void *row)
{
	const struct run_view *view = row;
	char text[SPAN_TEXT_MAX];
	if (view->entry->finished_at == TIME_US_MIN)
		return NULL;
	/* What ended while this process waited for it ended just now. */
	return g_strdup(
		span_format_about(MIN(view->entry->finished_at, view->cli->now), view->cli->now, text));
}

static json_t *attempts_json(const void *row)
{
	const struct run_view *view = row;
	return view->entry->note ? json_null() : json_integer(view->entry->attempts);
}

static json_t *detail_json(const void *row)
{
	const struct run_view *view = row;
	return view->entry->note ? json_null() : json_of_string(view->entry->detail);
}

const struct output_column run_columns[] = {
	{"fire_id", "FIRE", fire_id_json, fire_id_text, OUTPUT_WHOLE},
	{"action_id", NULL, action_id_json, NULL, OUTPUT_RIGHT},
	{"action_name", "NAME", action_name_json, NULL, OUTPUT_LEFT, 1},
	{"status", "STATUS", status_json, NULL, OUTPUT_STATE},
	{"finished_at", "FINISHED", finished_at_json, finished_at_text, OUTPUT_WHOLE, 2},
	{NULL, "FROM NOW", NULL, from_now_text, OUTPUT_WHOLE},
	{"attempts", "ATTEMPTS", attempts_json, NULL, OUTPUT_RIGHT, 3},
	{"reason", "REASON", reason_json, reason_text, OUTPUT_LEFT},
	{"merged_into", NULL, merged_into_json, NULL, OUTPUT_LEFT},
	{"scheduled_at", NULL, scheduled_at_json, NULL, OUTPUT_LEFT},
	{"first", NULL, first_json, NULL, OUTPUT_LEFT},
	{"last", NULL, last_json, NULL, OUTPUT_LEFT},
	{"count", NULL, count_json, NULL, OUTPUT_LEFT},
	{"started_at", NULL, started_at_json, NULL, OUTPUT_LEFT},
	{"detail", NULL, detail_json, NULL, OUTPUT_LEFT},
};
const size_t run_columns_count = G_N_ELEMENTS(run_columns);

struct action_names {
	struct store *store;
	GHashTable *by_id; /* int64_t * -> char *, NULL for an action that is gone */
};

struct action_names *action_names_new(struct store *store)
{
	struct action_names *names = g_new0(struct action_names, 1);
	names->store = store;
	names->by_id = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	return names;
}

void action_names_free(struct action_names *names)
{
	if (!names)
		return;
	g_hash_table_unref(names->by_id);
	g_free(names);
}

static bool take_name(void *context, const struct action_row *row)
{
	char **name = context;
	g_free(*name);
	*name = row->name.data ? g_utf8_make_valid(row->name.data, (gssize)row->name.length) : NULL;
	return true;
}

const char *action_names_find(struct action_names *names, int64_t id)
{
	gpointer known;
	if (!names->store)
		return NULL;
	if (g_hash_table_lookup_extended(names->by_id, &id, NULL, &known))
		return known;
	if (g_hash_table_size(names->by_id) >= NAMES_MAX)
		g_hash_table_remove_all(names->by_id);
	char *name = NULL;
	bool found;
	/* A name that cannot be read is left out: the run itself is what was asked for. */
	store_read_one(names->store, id, take_name, &name, &found, NULL);
	g_hash_table_insert(names->by_id, g_memdup2(&id, sizeof(id)), name);
	return name;
}
