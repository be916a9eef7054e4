#include "store/change.h"

#include <string.h>

#include "store/backend.h"

/* A statement is not to be longer than servers take by default, and a failed slice not long to search. */
#define SLICE_ROWS  1000
#define SLICE_BYTES (512u << 10)

/* --- what can be told without the database --- */

static char *change_name(const struct store_change *change)
{
	const struct text *name = &change->row.name;
	g_autofree char *text =
		g_utf8_make_valid(name->data ? name->data : "", (gssize)MIN(name->length, 100));
	if (change->kind == STORE_INSERT && !change->keep_id)
		return g_strdup_printf("the new action “%s”", text);
	return g_strdup_printf("action %" G_GINT64_FORMAT, change->row.id);
}

static const char *text_fault(struct text text)
{
	if (text.length > ACTION_TEXT_MAX)
		return "is longer than 16 MiB";
	if (text.data && memchr(text.data, '\0', text.length))
		return "holds a NUL byte";
	if (text.data && !g_utf8_validate(text.data, (gssize)text.length, NULL))
		return "is not valid UTF-8";
	return NULL;
}

static bool change_check(struct store_change *change, GError **error)
{
	for (size_t i = 0; i < ROW_COLUMN_COUNT && change->kind != STORE_DELETE; i++) {
		const struct column *column = &row_columns[i];
		if (!(change->set & column->bit & COLUMNS_OF_ROW) || column->kind != COLUMN_TEXT)
			continue;
		const char *fault = text_fault(*column_text(column, &change->row));
		if (fault) {
			g_autofree char *name = change_name(change);
			g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s: %s: the text %s", name,
				column->name, fault);
			return false;
		}
	}
	return true;
}

static bool is_null(const struct column *column, struct action_row *row)
{
	if (column->kind == COLUMN_TEXT)
		return !column_text(column, row)->data;
	return !column_int(column, row)->set && !column_int(column, row)->bad.data;
}

/* --- slices --- */

struct writer {
	struct store *store;
	unsigned present;
};

static unsigned change_columns(const struct writer *writer, const struct store_change *change)
{
	return change->kind == STORE_DELETE ? 0 : change->set & writer->present & COLUMNS_OF_ROW;
}

static bool columns_are_there(const struct writer *writer, struct store_change *change, GError **error)
{
	unsigned lacking = change->kind == STORE_DELETE ? 0 : change->set & COLUMNS_OF_ROW & ~writer->present;
	for (size_t i = 0; i < ROW_COLUMN_COUNT && lacking; i++) {
		const struct column *column = &row_columns[i];
		if (!(lacking & column->bit) || is_null(column, &change->row))
			continue;
		g_autofree char *name = change_name(change);
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"%s: %s: the table “action” has no column “%s”%s", writer->store->place, name,
			column->name, column_is_optional(column) ? "; `check --fix` adds it" : "");
		return false;
	}
	return true;
}

static size_t change_bytes(struct store_change *change)
{
	size_t bytes = 0;
	for (size_t i = 0; i < ROW_COLUMN_COUNT; i++)
		if (change->set & row_columns[i].bit & COLUMNS_OF_ROW && row_columns[i].kind == COLUMN_TEXT)
			bytes += column_text(&row_columns[i], &change->row)->length;
	return bytes;
}

/* The leading changes that go together. */
static struct change_slice slice_next(const struct writer *writer, struct store_change *changes, size_t count)
{
	unsigned columns = change_columns(writer, &changes[0]);
	size_t bytes = change_bytes(&changes[0]), n = 1;
	for (; n < MIN(count, SLICE_ROWS); n++) {
		bytes += change_bytes(&changes[n]);
		if (changes[n].kind != changes[0].kind || changes[n].keep_id != changes[0].keep_id ||
			change_columns(writer, &changes[n]) != columns || bytes > SLICE_BYTES)
			break;
	}
	struct change_slice slice = {
		.kind = changes[0].kind, .keep_id = changes[0].keep_id, .changes = changes, .count = n};
	for (size_t i = 0; i < ROW_COLUMN_COUNT; i++)
		if (columns & row_columns[i].bit)
			slice.columns[slice.column_count++] = &row_columns[i];
	return slice;
}

/* --- writing --- */

static bool row_write(const struct writer *writer, const struct change_slice *slice, GError **error)
{
	size_t written = 0;
	GError *why = NULL;
	bool done = writer->store->backend->write_rows(writer->store, slice, &written, &why);
	if (done && written)
		return true;
	g_autofree char *name = change_name(slice->changes);
	if (done)
		g_set_error(
			error, AS_ERROR, AS_ERROR_MISSING, "%s: there is no %s", writer->store->place, name);
	else if (g_error_matches(why, AS_ERROR, AS_ERROR_FAILED))
		g_propagate_prefixed_error(error, why, "%s: ", name);
	else
		g_propagate_error(error, why);
	return false;
}

static bool rows_write_each(const struct writer *writer, const struct change_slice *slice, GError **error)
{
	struct change_slice one = *slice;
	one.count = 1;
	for (size_t i = 0; i < slice->count; i++) {
		one.changes = &slice->changes[i];
		one.ids = &slice->ids[i];
		if (!row_write(writer, &one, error))
			return false;
	}
	return true;
}

static bool slice_write(const struct writer *writer, const struct change_slice *slice, GError **error)
{
	struct store *store = writer->store;
	const struct store_backend *backend = store->backend;
	g_autoptr(GError) why = NULL;
	size_t written = 0;
	if (slice->count == 1)
		return row_write(writer, slice, error);
	if (!backend->write_run(store, "SAVEPOINT action_scheduler_rows", error))
		return false;
	bool done = backend->write_rows(store, slice, &written, &why);
	if (!done && !g_error_matches(why, AS_ERROR, AS_ERROR_FAILED)) {
		g_propagate_error(error, g_steal_pointer(&why));
		return false;
	}
	if ((!done || written < slice->count) &&
		(!backend->write_run(store, "ROLLBACK TO SAVEPOINT action_scheduler_rows", error) ||
			!rows_write_each(writer, slice, error)))
		return false;
	return backend->write_run(store, "RELEASE SAVEPOINT action_scheduler_rows", error);
}

struct job {
	struct store_change *changes;
	size_t count;
	int64_t *ids;
	store_progress_fn progress;
	void *context;
	bool if_empty;
};

static bool job_run(struct store *store, const struct job *job, GError **error)
{
	struct writer writer = {.store = store};
	bool empty = true;
	if (!store->backend->write_begin(store, &writer.present, error) ||
		(job->if_empty && !store->backend->is_empty(store, &empty, error)))
		return false;
	for (size_t i = 0; i < job->count; i++)
		if (!columns_are_there(&writer, &job->changes[i], error))
			return false;
	for (size_t done = 0; empty && done < job->count;) {
		struct change_slice slice = slice_next(&writer, job->changes + done, job->count - done);
		slice.ids = job->ids + done;
		if (!slice_write(&writer, &slice, error))
			return false;
		done += slice.count;
		if (job->progress)
			job->progress(job->context, done);
	}
	return store->backend->write_commit(store, error);
}

static bool job_do(struct store *store, const struct job *job, GError **error)
{
	store_forget(store);
	bool done = job_run(store, job, error);
	store->backend->write_end(store);
	return done;
}

bool store_write(struct store *store, struct store_change *changes, size_t count, store_progress_fn progress,
	void *context, GError **error)
{
	g_autofree int64_t *ids = g_new0(int64_t, count);
	const struct job job = {changes, count, ids, progress, context, false};
	for (size_t i = 0; i < count; i++)
		if (!change_check(&changes[i], error))
			return false;
	if (count && !job_do(store, &job, error))
		return false;
	for (size_t i = 0; i < count; i++)
		if (changes[i].kind == STORE_INSERT && !changes[i].keep_id)
			changes[i].row.id = ids[i];
	return true;
}

bool store_add_samples(struct store *store, const struct action_row *rows, size_t count, GError **error)
{
	bool empty;
	/* First a look without the lock for writing: mostly there are rows, and somebody may hold it for
	 * long. */
	if (!store->backend->is_empty(store, &empty, error))
		return false;
	if (!empty || !count)
		return true;
	g_autofree struct store_change *changes = g_new0(struct store_change, count);
	g_autofree int64_t *ids = g_new0(int64_t, count);
	for (size_t i = 0; i < count; i++) {
		changes[i] = (struct store_change){.kind = STORE_INSERT,
			.keep_id = rows[i].id != 0,
			.set = COLUMNS_OF_ROW,
			.row = rows[i]};
		if (!change_check(&changes[i], error))
			return false;
	}
	const struct job job = {.changes = changes, .count = count, .ids = ids, .if_empty = true};
	return job_do(store, &job, error);
}
