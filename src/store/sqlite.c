#include "store/sqlite.h"

static const char *const companions[] = {"", "-wal", "-journal", NULL};

static int trace(unsigned event G_GNUC_UNUSED, void *context, void *statement, void *text)
{
	const struct store_file *file = context;
	/* A line of a trigger is a comment here. */
	char *expanded = *(const char *)text == '-' ? NULL : sqlite3_expanded_sql(statement);
	file->options.echo(file->options.context, expanded ? expanded : text);
	sqlite3_free(expanded);
	return 0;
}

static void close_file(struct store_file *file)
{
	sqlite_close(file->db);
	file->db = NULL;
	store_forget(&file->base);
}

static bool open_file(struct store_file *file, bool create, GError **error)
{
	const struct store_options *options = &file->options;
	enum sqlite_mode mode = options->read_only ? SQLITE_MODE_READ
				: create           ? SQLITE_MODE_CREATE
						   : SQLITE_MODE_WRITE;
	g_autoptr(sqlite3) db = sqlite_open(
		file->base.place, mode, options->wait_ms ? options->wait_ms : SQLITE_WAIT_MS, error);
	struct stat status;
	if (!db)
		return false;
	if (stat(file->base.place, &status) < 0 || sqlite_file_moved(db)) {
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "%s: the file is just being replaced",
			file->base.place);
		return false;
	}
	file->device = status.st_dev;
	file->inode = status.st_ino;
	file->db = g_steal_pointer(&db);
	if (options->echo)
		sqlite3_trace_v2(file->db, SQLITE_TRACE_STMT, trace, file);
	store_forget(&file->base);
	file_watch_renew(file->watch);
	return true;
}

static bool same_file(const struct store_file *file)
{
	struct stat status;
	return stat(file->base.place, &status) == 0 && status.st_dev == file->device &&
	       status.st_ino == file->inode;
}

bool store_file_open(struct store_file *file, GError **error)
{
	if (file->db && same_file(file))
		return true;
	close_file(file);
	return open_file(file, false, error);
}

bool store_file_failed(struct store_file *file, GError **error)
{
	if (error && g_error_matches(*error, AS_ERROR, AS_ERROR_CORRUPT))
		close_file(file);
	return false;
}

bool store_file_version(struct store_file *file, int64_t *version, GError **error)
{
	if (file->options.foreign_version) {
		*version = file->options.foreign_version(file->options.context);
		return true;
	}
	return sqlite_query_int(file->db, "PRAGMA main.data_version", version, error);
}

void store_file_rollback(struct store_file *file)
{
	if (file->db && !sqlite3_get_autocommit(file->db))
		sqlite_exec(file->db, "ROLLBACK", NULL);
}

static void file_close(struct store *store)
{
	struct store_file *file = store_file(store);
	sqlite_close(file->db);
	file_watch_free(file->watch);
	g_free(file);
}

static struct store *file_open(const struct store_options *options, GError **error)
{
	struct store_file *file = g_new0(struct store_file, 1);
	file->options = *options;
	file->options.database = NULL;
	file->options.dialect = NULL;
	file->base.place = g_canonicalize_filename(options->database, NULL);
	file->watch = file_watch_new(file->base.place, companions);
	if (open_file(file, options->create, error))
		return &file->base;
	g_free(file->base.place);
	file_close(&file->base);
	return NULL;
}

static bool file_changed(struct store *store, bool *changed, GError **error)
{
	struct store_file *file = store_file(store);
	g_autoptr(GError) why = NULL;
	int64_t version = -1;
	if (!store_file_open(file, error))
		return false;
	if (!store_file_version(file, &version, &why)) {
		store_file_failed(file, &why);
		g_propagate_error(error, g_steal_pointer(&why));
		return false;
	}
	*changed = !store->whole || version < 0 || version != file->version;
	return true;
}

static int file_watch(struct store *store)
{
	return file_watch_fd(store_file(store)->watch);
}

static bool file_drain(struct store *store)
{
	return file_watch_drain(store_file(store)->watch);
}

const struct store_backend store_sqlite = {
	.dialect = "sqlite",
	.open = file_open,
	.close = file_close,
	.create_table = store_file_create_table,
	.complete_table = store_file_complete_table,
	.is_empty = store_file_is_empty,
	.write_begin = store_file_write_begin,
	.write_rows = store_file_write_rows,
	.write_run = store_file_write_run,
	.write_commit = store_file_write_commit,
	.write_end = store_file_write_end,
	.read = store_file_read,
	.read_one = store_file_read_one,
	.changed = file_changed,
	.watch_fd = file_watch,
	.watch_drain = file_drain,
	.inspect = store_file_inspect,
	.write_errors = store_file_write_errors,
};
