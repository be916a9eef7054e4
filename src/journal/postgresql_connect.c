#include "journal/postgresql.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/host_lookup.h"

/* The server sees within some 25 s that this host is gone, and frees the lock; an answer that is late because
 * of someone's lock is told as such. The schema is that of the search_path which has internal_db already, or
 * else the first in which this role may make tables: its own may come after that of the table `action`. */
/* clang-format off */
#define SESSION \
	"SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; " \
	"SET lock_timeout = %" G_GINT64_FORMAT "; SET statement_timeout = 0; SET row_security = off; " \
	"SET client_min_messages = error; " \
	"SELECT set_config('synchronous_commit', 'on', false) " \
	"WHERE current_setting('synchronous_commit') IN ('off', 'local'); " \
	"SELECT set_config('search_path', quote_ident(name), false) FROM (" \
	"SELECT name FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (name, number), " \
	"to_regclass(quote_ident(name) || '.scheduler_meta') AS meta " \
	"WHERE meta IS NOT NULL OR has_schema_privilege(name, 'CREATE') " \
	"ORDER BY meta IS NULL, number LIMIT 1) AS chosen"
/* clang-format on */

/* Codes after which the same may succeed later: lost connections, rolled back transactions, lack of
 * resources, locks, an operator's intervention, a server that only reads. */
static bool may_pass(const char *state)
{
	static const char *const classes[] = {"08", "40", "53", "55", "57", "58", "25006", "28", "3D"};
	for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
		if (g_str_has_prefix(state, classes[i]))
			return true;
	return false;
}

static enum as_error kind_of(const char *state)
{
	if (!state || may_pass(state))
		return AS_ERROR_UNAVAILABLE;
	if (g_str_has_prefix(state, "XX"))
		return AS_ERROR_CORRUPT;
	return strcmp(state, "42501") == 0 ? AS_ERROR_INVALID : AS_ERROR_FAILED;
}

bool pgj_fail(struct pgj_link *link, const PGresult *result, GError **error)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	g_autofree char *text = error_one_line(primary ? primary : PQerrorMessage(link->conn));
	g_set_error(error, AS_ERROR, (gint)kind_of(state), "%s", *text ? text : "no connection");
	if (PQstatus(link->conn) != CONNECTION_OK || !state)
		link->base.broken = true;
	return false;
}

static bool fail_late(struct pgj_link *link, GError **error)
{
	link->base.broken = true;
	g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE,
		"the server has not answered within %" G_GINT64_FORMAT " ms", link->deadline / US_PER_MS);
	return false;
}

/* False where the time is up. */
static bool wait_socket(struct pgj_link *link, short events, time_us until)
{
	for (;;) {
		dur_us left = until - clock_monotonic();
		struct pollfd poll_fd = {.fd = PQsocket(link->conn), .events = events};
		if (left <= 0)
			return false;
		int ready = poll(&poll_fd, 1, (int)(left / US_PER_MS) + 1);
		if (ready > 0 || (ready < 0 && errno != EINTR))
			return true;
	}
}

/* The deadline is that of any progress: a large commit takes as long as it takes. */
static bool make_progress(struct pgj_link *link, int flushed, GError **error)
{
	short events = (short)(flushed > 0 ? POLLIN | POLLOUT : POLLIN);
	if (!wait_socket(link, events, clock_monotonic() + link->deadline))
		return fail_late(link, error);
	return PQconsumeInput(link->conn) || pgj_fail(link, NULL, error);
}

bool pgj_wait(struct pgj_link *link, GError **error)
{
	for (;;) {
		int flushed = PQflush(link->conn);
		if (flushed < 0)
			return pgj_fail(link, NULL, error);
		if (!PQisBusy(link->conn))
			return true;
		if (!make_progress(link, flushed, error))
			return false;
	}
}

bool pgj_flush(struct pgj_link *link, GError **error)
{
	int flushed;
	while ((flushed = PQflush(link->conn)) > 0)
		if (!make_progress(link, flushed, error))
			return false;
	return flushed == 0 || pgj_fail(link, NULL, error);
}

/* --- connecting --- */

bool pgj_check_target(const struct server_target *target, GError **error)
{
	PQconninfoOption *known = PQconndefaults();
	bool sound = true;
	for (size_t i = 0; known && sound && i < target->setting_count; i++) {
		const PQconninfoOption *option = known;
		while (option->keyword && strcmp(option->keyword, target->settings[i].name) != 0)
			option++;
		sound = option->keyword;
		if (!sound)
			g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
				"internal_db.options.%s is no connection option of libpq",
				target->settings[i].name);
	}
	PQconninfoFree(known);
	return sound;
}

static void add_option(GPtrArray *names, GPtrArray *values, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	g_ptr_array_add(names, (char *)name);
	g_ptr_array_add(values, (char *)value);
}

/* Of the options, the last of several; NULL where there is an address beside it. */
static const char *host_of(const struct server_target *target)
{
	const char *host = target->host;
	for (size_t i = 0; i < target->setting_count; i++) {
		if (strcmp(target->settings[i].name, "host") == 0)
			host = target->settings[i].value;
		if (strcmp(target->settings[i].name, "hostaddr") == 0)
			return NULL;
	}
	return host;
}

/* What comes later counts. */
static PGconn *start(const struct server_target *target)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GPtrArray) values = g_ptr_array_new();
	g_autofree char *port = target->port ? g_strdup_printf("%" G_GINT64_FORMAT, target->port) : NULL;
	g_autofree char *timeout = g_strdup_printf("%" G_GINT64_FORMAT, target->deadline / US_PER_MS);
	add_option(names, values, "tcp_user_timeout", timeout);
	add_option(names, values, "host", target->host);
	add_option(names, values, "port", port);
	add_option(names, values, "dbname", target->database);
	add_option(names, values, "user", target->username);
	add_option(names, values, "password", target->password);
	for (size_t i = 0; i < target->setting_count; i++)
		add_option(names, values, target->settings[i].name, target->settings[i].value);
	add_option(names, values, "application_name", target->program);
	add_option(names, values, "client_encoding", "UTF8");
	g_ptr_array_add(names, NULL);
	g_ptr_array_add(values, NULL);
	return PQconnectStartParams((const char *const *)names->pdata, (const char *const *)values->pdata, 0);
}

static bool finish_connect(struct pgj_link *link, GError **error)
{
	time_us until = clock_monotonic() + link->deadline;
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;
	if (PQstatus(link->conn) == CONNECTION_BAD)
		return pgj_fail(link, NULL, error);
	while (status != PGRES_POLLING_OK) {
		if (!wait_socket(link, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, until))
			return fail_late(link, error);
		status = PQconnectPoll(link->conn);
		if (status == PGRES_POLLING_FAILED)
			return pgj_fail(link, NULL, error);
	}
	return true;
}

static void ignore_notice(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

bool pgj_ask(struct pgj_link *link, const char *sql, char **value, GError **error)
{
	bool done = PQsendQuery(link->conn, sql);
	char *answer = NULL;
	if (!done)
		return pgj_fail(link, NULL, error);
	while (pgj_wait(link, done ? error : NULL)) {
		PGresult *result = PQgetResult(link->conn);
		if (!result && done)
			*value = g_steal_pointer(&answer);
		if (!result) {
			g_free(answer);
			return done;
		}
		if (PQresultStatus(result) != PGRES_TUPLES_OK)
			done = done && pgj_fail(link, result, error);
		else if (!answer && PQntuples(result) && !PQgetisnull(result, 0, 0))
			answer = g_strdup(PQgetvalue(result, 0, 0));
		PQclear(result);
	}
	g_free(answer);
	return false;
}

/* The process that serves the session now. */
static bool ask_pid(struct pgj_link *link, int64_t *pid, GError **error)
{
	g_autofree char *text = NULL;
	if (!pgj_ask(link, "SELECT pg_catalog.pg_backend_pid()", &text, error))
		return false;
	*pid = g_ascii_strtoll(text, NULL, 10);
	return true;
}

/* Whether a second client is served by the process that serves us, or we ourselves by another one then. */
static bool session_is_shared(struct pgj_link *link, const struct server_target *target)
{
	struct pgj_link other = {.conn = start(target), .deadline = target->deadline};
	int64_t pid = link->base.session;
	g_assert(other.conn); /* out of memory */
	bool shared =
		finish_connect(&other, NULL) && ask_pid(&other, &pid, NULL) && pid == link->base.session;
	if (!shared && ask_pid(link, &pid, NULL))
		shared = pid != link->base.session;
	PQfinish(other.conn);
	return shared;
}

/* A pooler makes up a process of its own. In session mode that is the only difference; in another one there
 * is no session that could hold a lock. Nothing may be set before this is known: it would stay for others. */
static bool check_pooler(struct pgj_link *link, const struct server_target *target, GError **error)
{
	if (!ask_pid(link, &link->base.session, error))
		return false;
	if (link->base.session == PQbackendPID(link->conn) || !session_is_shared(link, target))
		return true;
	g_set_error_literal(error, AS_ERROR, AS_ERROR_INVALID,
		"the connection goes through a pooler in transaction mode, in which no session can hold a "
		"lock: "
		"connect internal_db directly, or through a pooler in session mode");
	return false;
}

static bool set_up(struct pgj_link *link, const struct server_target *target, GError **error)
{
	g_autofree char *session = g_strdup_printf(SESSION, link->deadline / US_PER_MS);
	const char *encoding = PQparameterStatus(link->conn, "server_encoding");
	if (g_strcmp0(encoding, "UTF8") != 0) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"the encoding of the database is %s, internal_db needs UTF8",
			encoding ? encoding : "unknown");
		return false;
	}
	PQsetNoticeReceiver(link->conn, ignore_notice, NULL);
	if (PQsetnonblocking(link->conn, 1) != 0)
		return pgj_fail(link, NULL, error);
	return check_pooler(link, target, error) && pgj_script(&link->base, session, error);
}

struct server_link *pgj_connect(const struct server_target *target, GError **error)
{
	if (!host_lookup(host_of(target), target->deadline, 0, error))
		return NULL;
	struct pgj_link *link = g_new0(struct pgj_link, 1);
	link->conn = start(target);
	g_assert(link->conn); /* out of memory */
	link->deadline = target->deadline;
	if (finish_connect(link, error) && set_up(link, target, error))
		return &link->base;
	pgj_close(&link->base);
	return NULL;
}

void pgj_close(struct server_link *link)
{
	PQfinish(pgj_link(link)->conn);
	g_free(link);
}

bool pgj_script(struct server_link *base, const char *sql, GError **error)
{
	struct pgj_link *link = pgj_link(base);
	bool done = true;
	if (!PQsendQuery(link->conn, sql))
		return pgj_fail(link, NULL, error);
	for (;;) {
		if (!pgj_wait(link, done ? error : NULL))
			return false;
		PGresult *result = PQgetResult(link->conn);
		if (!result)
			return done;
		if (PQresultStatus(result) == PGRES_FATAL_ERROR && done)
			done = pgj_fail(link, result, error);
		PQclear(result);
	}
}
