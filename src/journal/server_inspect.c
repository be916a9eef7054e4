/* What stands in internal_db on a server, and what the role may do there. */
#include "journal/server.h"

const char *const server_tables[] = {"scheduler_meta", "scheduler_lane", "scheduler_backlog",
	"scheduler_open", "scheduler_definition", "scheduler_history", "scheduler_hold", NULL};

/* A role that may not even look has no version to be told. */
static bool find_version(struct server *server, struct journal_state *state, GError **error)
{
	g_autoptr(GError) refused = NULL;
	if (server_read_version(server, &state->version, &refused))
		return true;
	bool may_not = server->link && g_error_matches(refused, AS_ERROR, AS_ERROR_INVALID);
	state->version = -1;
	if (may_not && !server->driver->lacking(server->link, true, false, &state->lacking, error))
		return false;
	if (state->lacking)
		return true;
	g_propagate_error(error, g_steal_pointer(&refused));
	return false;
}

static bool inspect(struct server *server, struct journal_state *state, GError **error)
{
	bool there, older;
	if (!find_version(server, state, error) || state->lacking)
		return state->lacking;
	there = state->version > 0;
	older = there && state->version < state->newest;
	return server_find_owner(server, &state->owner, error) &&
	       server->driver->lacking(server->link, there, older, &state->lacking, error);
}

bool server_inspect(const struct server_driver *driver, const struct journal_options *options,
	struct journal_state *state, GError **error)
{
	struct journal_options reading = *options;
	reading.read_only = true;
	struct server *server = server_new(driver, &reading);
	state->newest = (int64_t)driver->migration_count;
	bool done = (!driver->check_target || driver->check_target(&server->target, error)) &&
		    inspect(server, state, error);
	server_close(&server->base);
	return done;
}
