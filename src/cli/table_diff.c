#include "cli/table_diff.h"

#include "base/json.h"
#include "config/problem.h"

#include <string.h>

/* So many ids of rows with one name are told. */
#define IDS_SHOWN 5

struct differ {
	const struct row_list *table, *file;
	unsigned present;
	const char *name;
	GPtrArray *problems;
	GHashTable *ids;   /* int64_t -> struct list_row of the table */
	GHashTable *names; /* struct text -> the first struct list_row of the table with it */
	GHashTable *twice; /* struct text: names that several rows of the table have */
	GHashTable *taken; /* struct list_row of the table -> struct list_row of the file */
	struct table_diff *diff;
};

static guint text_hash(gconstpointer key)
{
	const struct text *text = key;
	guint hash = 5381;
	for (size_t i = 0; i < text->length; i++)
		hash = hash * 33 + (guchar)text->data[i];
	return hash;
}

static bool texts_equal(const struct text *a, const struct text *b)
{
	if (!a->data || !b->data)
		return a->data == b->data;
	return a->length == b->length && !memcmp(a->data, b->data, a->length);
}

static gboolean text_equal(gconstpointer a, gconstpointer b)
{
	return texts_equal(a, b);
}

static void complain(const struct differ *d, const struct list_row *row, const char *key, const char *format,
	...) G_GNUC_PRINTF(4, 5);

static void complain(
	const struct differ *d, const struct list_row *row, const char *key, const char *format, ...)
{
	va_list args;
	if (problems_full(d->problems))
		return;
	g_autofree char *place = g_strdup_printf("%s:%u", d->name, row->line);
	va_start(args, format);
	g_autofree char *reason = g_strdup_vprintf(format, args);
	va_end(args);
	problem_add(d->problems, place, key, "%s", reason);
}

/* --- which row is which --- */

static void index_table(struct differ *d)
{
	for (guint i = 0; i < d->table->rows->len; i++) {
		const struct list_row *row = row_list_at(d->table, i);
		const struct text *name = &row->row.name;
		g_hash_table_insert(d->ids, (gpointer)&row->row.id, (gpointer)row);
		if (!name->data)
			continue;
		if (g_hash_table_contains(d->names, name))
			g_hash_table_add(d->twice, (gpointer)name);
		else
			g_hash_table_insert(d->names, (gpointer)name, (gpointer)row);
	}
}

/* "3, 17, 20 and more" */
static char *ids_named(const struct differ *d, const struct text *name)
{
	GString *ids = g_string_new(NULL);
	int count = 0;
	for (guint i = 0; i < d->table->rows->len && count <= IDS_SHOWN; i++) {
		const struct list_row *row = row_list_at(d->table, i);
		if (!texts_equal(&row->row.name, name))
			continue;
		if (count++ == IDS_SHOWN)
			g_string_append(ids, " and more");
		else
			g_string_append_printf(ids, "%s%" G_GINT64_FORMAT, ids->len ? ", " : "", row->row.id);
	}
	return g_string_free(ids, FALSE);
}

static void complain_of_ambiguity(const struct differ *d, const struct list_row *row)
{
	if (problems_full(d->problems))
		return;
	g_autofree char *ids = ids_named(d, &row->row.name);
	g_autofree char *quoted = problem_quote(row->row.name.data);
	complain(d, row, "name",
		"several rows of the table are named %s: %s; give the id of the one that is meant, or rename "
		"the "
		"others",
		quoted, ids);
}

/* The row of the table that a row of the file is; *fine is set to false where that cannot be told. */
static const struct list_row *find(struct differ *d, const struct list_row *row, bool *fine)
{
	const struct list_row *found;
	if (row->has_id) {
		found = g_hash_table_lookup(d->ids, &row->row.id);
	} else if (g_hash_table_contains(d->twice, &row->row.name)) {
		complain_of_ambiguity(d, row);
		*fine = false;
		return NULL;
	} else {
		found = g_hash_table_lookup(d->names, &row->row.name);
	}
	const struct list_row *other = found ? g_hash_table_lookup(d->taken, found) : NULL;
	if (other) {
		complain(d, row, NULL, "this is the row %" G_GINT64_FORMAT " of the table, as line %u is",
			found->row.id, other->line);
		*fine = false;
	} else if (found) {
		g_hash_table_insert(d->taken, (gpointer)found, (gpointer)row);
	}
	return found;
}

/* Within the file an id may stand once, and so may a name where there is no id. */
static bool is_first(struct differ *d, GHashTable *seen, gconstpointer key, const struct list_row *row)
{
	const struct list_row *other = g_hash_table_lookup(seen, key);
	if (!other) {
		g_hash_table_insert(seen, (gpointer)key, (gpointer)row);
		return true;
	}
	if (row->has_id) {
		complain(d, row, "id", "%" G_GINT64_FORMAT " stands in line %u already", row->row.id,
			other->line);
	} else {
		g_autofree char *quoted = problem_quote(row->row.name.data);
		complain(d, row, "name",
			"%s stands in line %u already; rows of one name need their ids, or other names",
			quoted, other->line);
	}
	return false;
}

/* --- what differs --- */

static bool json_equals(const struct text *a, const struct text *b)
{
	g_autoptr(json_t) left = a->data ? json_read(a->data, a->length, NULL) : NULL;
	g_autoptr(json_t) right = left && b->data ? json_read(b->data, b->length, NULL) : NULL;
	return right && json_equal(left, right);
}

static bool column_equals(const struct column *column, struct action_row *a, struct action_row *b)
{
	if (column->kind == COLUMN_TEXT) {
		const struct text *left = column_text(column, a), *right = column_text(column, b);
		return texts_equal(left, right) ||
		       (!strcmp(column->name, "cron") && json_equals(left, right));
	}
	const struct maybe_int *left = column_int(column, a), *right = column_int(column, b);
	if (left->set || right->set)
		return left->set == right->set && left->value == right->value;
	return texts_equal(&left->bad, &right->bad);
}

/* The columns of the file's row that are other than those of `before`, where NULL stands for a row without
 * any. */
static uint32_t differing(struct differ *d, const struct list_row *before, const struct list_row *after)
{
	struct action_row old = before ? before->row : (struct action_row){0}, new = after->row;
	uint32_t columns = 0;
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++) {
		const struct column *column = &row_columns[i];
		if (!(after->given >> i & 1) || column_equals(column, &old, &new))
			continue;
		columns |= UINT32_C(1) << i;
		if (column_is_optional(column) && !(column->bit & d->present))
			complain(d, after, column->name,
				"the table has no such column; `check --fix` adds it");
	}
	return columns;
}

static bool require(struct differ *d, const struct list_row *row, uint32_t columns)
{
	bool fine = true;
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++) {
		if (!row_columns[i].required || columns >> i & 1)
			continue;
		complain(d, row, row_columns[i].name, "is missing");
		fine = false;
	}
	return fine;
}

static void add_change(struct differ *d, const struct row_change *change)
{
	g_array_append_vals(d->diff->changes, change, 1);
	d->diff->counts[change->kind]++;
}

static void compare(struct differ *d, const struct list_row *row, const struct list_row *found)
{
	struct row_change change = {found ? ROW_CHANGED : ROW_ADDED, found, row, differing(d, found, row)};
	if (!found && !require(d, row, change.columns))
		return;
	if (!found || change.columns)
		add_change(d, &change);
	else
		d->diff->unchanged++;
}

static uint32_t not_null(const struct list_row *row)
{
	struct action_row copy = row->row, none = {0};
	uint32_t columns = 0;
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++)
		if (row->given >> i & 1 && !column_equals(&row_columns[i], &copy, &none))
			columns |= UINT32_C(1) << i;
	return columns;
}

static void remove_others(struct differ *d)
{
	for (guint i = 0; i < d->table->rows->len; i++) {
		const struct list_row *row = row_list_at(d->table, i);
		struct row_change change = {ROW_REMOVED, row, NULL, not_null(row)};
		if (!g_hash_table_contains(d->taken, row))
			add_change(d, &change);
	}
}

static void compare_all(struct differ *d)
{
	g_autoptr(GHashTable) ids = g_hash_table_new(g_int64_hash, g_int64_equal);
	g_autoptr(GHashTable) names = g_hash_table_new(text_hash, text_equal);
	guint count = d->file->rows->len;
	g_autofree const struct list_row **found = g_new0(const struct list_row *, count + 1);
	g_autofree bool *fine = g_new0(bool, count + 1);
	/* Ids first: what they name is no more to be had by name. */
	for (int pass = 0; pass < 2; pass++) {
		for (guint i = 0; i < count; i++) {
			const struct list_row *row = row_list_at(d->file, i);
			if (row->has_id != !pass)
				continue;
			if (!row->has_id && !row->row.name.data) {
				complain(d, row, "name", "is missing, and so is the id");
				continue;
			}
			fine[i] = row->has_id ? is_first(d, ids, &row->row.id, row)
					      : is_first(d, names, &row->row.name, row);
			if (fine[i])
				found[i] = find(d, row, &fine[i]);
		}
	}
	for (guint i = 0; i < count; i++)
		if (fine[i])
			compare(d, row_list_at(d->file, i), found[i]);
}

struct table_diff *table_diff_new(const struct row_list *table, unsigned present, const struct row_list *file,
	const char *name, bool prune, GPtrArray *problems)
{
	struct differ d = {
		.table = table, .file = file, .present = present, .name = name, .problems = problems};
	d.ids = g_hash_table_new(g_int64_hash, g_int64_equal);
	d.names = g_hash_table_new(text_hash, text_equal);
	d.twice = g_hash_table_new(text_hash, text_equal);
	d.taken = g_hash_table_new(NULL, NULL);
	d.diff = g_new0(struct table_diff, 1);
	d.diff->changes = g_array_new(FALSE, FALSE, sizeof(struct row_change));
	index_table(&d);
	compare_all(&d);
	if (prune)
		remove_others(&d);
	g_hash_table_unref(d.ids);
	g_hash_table_unref(d.names);
	g_hash_table_unref(d.twice);
	g_hash_table_unref(d.taken);
	return d.diff;
}

void table_diff_free(struct table_diff *diff)
{
	if (!diff)
		return;
	g_array_unref(diff->changes);
	g_free(diff);
}

struct action_row row_change_result(const struct row_change *change)
{
	struct action_row row = change->before ? change->before->row : (struct action_row){0};
	if (!change->after)
		return row;
	struct action_row after = change->after->row;
	if (change->kind == ROW_ADDED)
		row.id = after.id;
	for (unsigned i = 0; i < ROW_COLUMN_COUNT; i++) {
		const struct column *column = &row_columns[i];
		if (!(change->columns >> i & 1))
			continue;
		if (column->kind == COLUMN_TEXT)
			*column_text(column, &row) = *column_text(column, &after);
		else
			*column_int(column, &row) = *column_int(column, &after);
	}
	return row;
}
