#include "journal/server.h"

#include "base/clock.h"

/* How often a lock that our own lost session still holds is tried again, and for how long one that another
 * process holds at the start: a server takes a moment to see that a session ended. */
#define LOCK_STEP (20 * US_PER_MS)
#define BUSY_WAIT (500 * US_PER_MS)

static bool fail_at(const struct server *server, GError **error)
{
	g_prefix_error(error, "%s: ", server->place);
	return false;
}

bool server_corrupt(const struct server *server, const char *what, GError **error)
{
	g_set_error(error, AS_ERROR, AS_ERROR_CORRUPT,
		"%s is damaged: %s is not what was written; restore it from a backup", server->place, what);
	return false;
}

/* The server may hold the session, its lock and a commit under way, for longer than we do. */
static void drop_broken(struct server *server)
{
	if (!server->link || !server->link->broken)
		return;
	server->lost = true;
	server->lost_session = server->link->session;
	server->driver->close(server->link);
	server->link = NULL;
}

/* Without looking whether the lock is held. */
static bool run_here(struct server *server, const struct server_batch *batch, server_row_fn each,
	void *context, GError **error)
{
	bool done = server->driver->run(server->link, batch, each, context, error);
	return done || fail_at(server, error);
}

static bool take_meta(void *context, enum server_sql sql, const struct server_value *row, GError **error)
{
	struct server_meta *meta = context;
	(void)sql;
	(void)error;
	g_free(meta->owner);
	*meta = (struct server_meta){
		.owner_epoch = row[0].integer,
		.has_sequence = row[1].kind != SERVER_NULL,
		.last_sequence = (uint64_t)row[1].integer,
		.commits = row[2].integer,
		.history_bytes = row[3].integer,
		.owner = g_strdup(row[4].bytes ? row[4].bytes : ""),
	};
	return true;
}

static bool read_meta(struct server *server, struct server_meta *out, GError **error)
{
	g_autoptr(server_batch) batch = batch_new();
	batch_add(batch, SERVER_META);
	*out = (struct server_meta){0};
	if (!run_here(server, batch, take_meta, out, error))
		return false;
	return out->owner || server_corrupt(server, "the table scheduler_meta", error);
}

bool server_read_meta(struct server *server, struct server_meta *out, GError **error)
{
	bool done = server_ready(server, error) && read_meta(server, out, error);
	drop_broken(server);
	return done;
}

/* --- the lock --- */

struct holder {
	int64_t session;
	char *program;
	bool found;
};

static bool take_int(void *context, enum server_sql sql, const struct server_value *row, GError **error)
{
	(void)sql;
	(void)error;
	*(int64_t *)context = row[0].integer;
	return true;
}

static bool take_holder(void *context, enum server_sql sql, const struct server_value *row, GError **error)
{
	struct holder *holder = context;
	(void)sql;
	(void)error;
	g_free(holder->program);
	*holder = (struct holder){row[0].integer, g_strdup(row[1].bytes), true};
	return true;
}

static bool try_lock(struct server *server, int64_t *taken, GError **error)
{
	g_autoptr(server_batch) batch = batch_new();
	batch_add(batch, SERVER_LOCK);
	*taken = 0;
	return run_here(server, batch, take_int, taken, error);
}

static bool find_holder(struct server *server, struct holder *holder, GError **error)
{
	g_autoptr(server_batch) batch = batch_new();
	batch_add(batch, SERVER_HOLDER);
	*holder = (struct holder){0};
	return run_here(server, batch, take_holder, holder, error);
}

static bool fail_fenced(const struct server *server, const char *by, GError **error)
{
	g_set_error(error, AS_ERROR, AS_ERROR_FENCED,
		"%s was taken over by another scheduler (%s): this one must stop", server->place, by);
	return false;
}

/* Who has it says so in scheduler_meta, which is not there before the first start. Free with g_free. */
static char *holder_text(struct server *server, const struct holder *holder)
{
	struct server_meta meta;
	if (!read_meta(server, &meta, NULL))
		meta.owner = NULL;
	const char *owner = meta.owner && *meta.owner ? meta.owner : holder->program;
	char *text = g_strdup_printf("%s; session %" G_GINT64_FORMAT " of the server",
		owner ? owner : "not known yet", holder->session);
	g_free(meta.owner);
	return text;
}

static bool fail_busy(struct server *server, const struct holder *holder, GError **error)
{
	g_autofree char *text = holder_text(server, holder);
	g_set_error(error, AS_ERROR, AS_ERROR_BUSY,
		"%s is in use by another scheduler (%s): stop that one first, or give this one another "
		"internal_db",
		server->place, text);
	return false;
}

bool server_find_owner(struct server *server, char **out, GError **error)
{
	struct holder holder;
	if (!server_ready(server, error))
		return false;
	bool done = find_holder(server, &holder, error);
	if (done)
		*out = holder.found ? holder_text(server, &holder) : NULL;
	g_free(holder.program);
	drop_broken(server);
	return done;
}

static bool end_session(struct server *server, int64_t session)
{
	g_autoptr(server_batch) batch = batch_new();
	batch_add(batch, SERVER_END_SESSION);
	batch_int(batch, session);
	/* It may have ended by itself. */
	return run_here(server, batch, NULL, NULL, NULL);
}

/* The lock is held: by the session that we lost, which is ended, or by another scheduler. A session number
 * may be given out anew, so the epoch is looked at first. */
static bool dispute_lock(struct server *server, GError **error)
{
	struct holder holder;
	struct server_meta meta;
	if (!find_holder(server, &holder, error))
		return false;
	g_autofree char *program = holder.program;
	if (!holder.found)
		return true;
	if (!server->owned)
		return fail_busy(server, &holder, error);
	if (!read_meta(server, &meta, error))
		return false;
	g_autofree char *owner = meta.owner;
	if (meta.owner_epoch != server->owner_epoch)
		return fail_fenced(server, owner, error);
	if (!server->lost || holder.session != server->lost_session)
		return fail_fenced(server, program ? program : "not known yet", error);
	end_session(server, holder.session);
	return true;
}

/* Also what a commit of the lost session came to is decided once the lock is free. */
static bool take_lock(struct server *server, GError **error)
{
	time_us since = clock_monotonic(), waited = 0;
	while (waited < server->target.deadline) {
		int64_t taken;
		if (!try_lock(server, &taken, error))
			return false;
		if (taken == 1) {
			server->lost = false;
			return true;
		}
		if ((server->owned || waited >= BUSY_WAIT) && !dispute_lock(server, error))
			return false;
		g_usleep(LOCK_STEP);
		waited = clock_monotonic() - since;
	}
	if (!server->owned)
		return dispute_lock(server, error) && fail_busy(server, &(struct holder){0}, error);
	g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE,
		"%s: the server has not ended the connection that was lost, which holds the lock",
		server->place);
	return false;
}

bool server_ready(struct server *server, GError **error)
{
	if (server->link)
		return true;
	server->link = server->driver->connect(&server->target, error);
	if (!server->link)
		return fail_at(server, error);
	if (server->target.read_only || take_lock(server, error))
		return true;
	bool was_lost = server->lost;
	int64_t lost_session = server->lost_session;
	server->driver->close(server->link);
	server->link = NULL;
	server->lost = was_lost;
	server->lost_session = lost_session;
	return false;
}

bool server_owner(struct journal *journal, struct journal_owner *out, GError **error)
{
	struct server *server = server_of(journal);
	struct server_meta meta;
	struct holder holder;
	bool done = server_ready(server, error) && read_meta(server, &meta, error);
	if (done && !(done = find_holder(server, &holder, error)))
		g_free(meta.owner);
	drop_broken(server);
	if (!done)
		return false;
	/* Its own text is better than what the server calls its session. */
	bool told = *meta.owner != '\0';
	*out = (struct journal_owner){told ? meta.owner : g_strdup(holder.program), holder.found};
	if (!told)
		g_free(meta.owner);
	g_free(holder.program);
	return true;
}

/* --- statements --- */

bool server_run(struct server *server, const struct server_batch *batch, server_row_fn each, void *context,
	GError **error)
{
	bool done = server_ready(server, error) && run_here(server, batch, each, context, error);
	drop_broken(server);
	return done;
}

/* Why the guard let nothing through. Where the last sequence is neither ours nor that of this commit, what
 * was durable is gone: a failover that lost commits, or a restored backup. */
static bool explain_refusal(struct server *server, const uint64_t *sequence, GError **error)
{
	struct server_meta meta;
	if (!read_meta(server, &meta, error))
		return false;
	g_autofree char *owner = meta.owner;
	if (meta.owner_epoch != server->owner_epoch)
		return fail_fenced(server, owner, error);
	if (sequence && meta.has_sequence && meta.last_sequence == *sequence)
		return true;
	g_set_error(error, AS_ERROR, AS_ERROR_FENCED,
		"%s went back to an earlier state while in use (a failover that lost commits, or a restored "
		"backup): this scheduler must stop; started again, it goes on from there",
		server->place);
	return false;
}

bool server_transact(
	struct server *server, const struct server_batch *batch, const uint64_t *sequence, GError **error)
{
	bool refused = false;
	if (!server_ready(server, error))
		return false;
	bool done = server->driver->transact(server->link, batch, &refused, error);
	if (refused)
		done = explain_refusal(server, sequence, error);
	else if (!done)
		fail_at(server, error);
	drop_broken(server);
	return done;
}
