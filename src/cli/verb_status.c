#include "cli/control_client.h"
#include "cli/status_offline.h"
#include "cli/status_view.h"

#include "base/json.h"
#include "config/control_path.h"

#include <stdlib.h>
#include <string.h>

static char *shown_zone;

static const GOptionEntry options[] = {
	SHOWN_ZONE_OPTION(shown_zone),
	{NULL},
};

/* Nothing has to be durable for it. */
#define ANSWER_WAIT (10 * US_PER_SECOND)

static char *request_of(const struct cli *cli)
{
	g_autoptr(json_t) request = control_request(cli->config, "status");
	return json_write(request);
}

/* *answer is the caller's. */
static enum control_reply ask(struct cli *cli, const char *path, json_t **answer, GError **error)
{
	enum control_reply reply;
	struct control_connection *connection = control_connect(path, ANSWER_WAIT, &reply, error);
	if (!connection)
		return reply;
	char *request = request_of(cli);
	bool done = control_send(connection, request, error) &&
		    control_receive(connection, ANSWER_WAIT, answer, error);
	if (done && !*answer) {
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE,
			"the scheduler on %s has not answered within %d s: it is stopped, or hangs", path,
			(int)(ANSWER_WAIT / US_PER_SECOND));
		done = false;
	}
	control_disconnect(connection);
	free(request);
	return done ? CONTROL_ANSWERED : CONTROL_FAILED;
}

/* Where none answers on the socket, one may have internal_db all the same. */
static int show_databases(struct cli *cli, const char *path)
{
	struct status status;
	status_init(&status);
	status_offline_fill(cli, &status);
	g_autoptr(json_t) object = status_json(&status);
	status_view_show(cli, object);
	if (status.owner_holds)
		cli_error(cli,
			"a scheduler has internal_db (%s), but does not answer on %s: it is starting or "
			"ending, "
			"could not make the socket (its log says so), or has another server.socket",
			status.owner ? status.owner : "not known which", path);
	else
		cli_say(cli, "no scheduler answers on %s: this is what the databases know", path);
	status_clear(&status);
	return EXIT_FAILED;
}

static int status(struct cli *cli, char **arguments)
{
	(void)arguments;
	g_autoptr(json_t) answer = NULL;
	GError *error = NULL;
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	if (!cli_show_times_in(cli, shown_zone))
		return EXIT_USAGE;
	g_autofree char *path = config_control_path(cli->config);
	switch (ask(cli, path, &answer, &error)) {
	case CONTROL_ANSWERED: status_view_show(cli, json_object_get(answer, "status")); return EXIT_DONE;
	case CONTROL_NOBODY: return show_databases(cli, path);
	default:
		cli_error(cli, "%s", error->message);
		g_error_free(error);
		return EXIT_FAILED;
	}
}

const struct verb verb_status = {
	.name = "status",
	.summary = "shows how the scheduler is doing",
	.help = "Databases and callbacks with what is wrong and since when, actions by state, what fires "
		"next,\n"
		"what is open, how late fires are handed out, how fast, and what is left of a backlog. "
		"HANDED\n"
		"OUT tells how long after its time a live fire reached its callback; WATERMARK, up to when "
		"all\n"
		"fires of a callback are over, open or in its backlog; REFUSED, how many attempts it refused "
		"since\n"
		"the start, with what it said last (`history --status failed` has the rest).\n\n"
		"Where no scheduler answers, the databases are asked: actions by state, what fires next, how "
		"far\n"
		"each callback is, open fires, backlog, and who had internal_db last.\n\n"
		"Exit status 0 where a scheduler answers, healthy or not; 1 where none does.",
	.examples = "status\nstatus --timezone UTC\nstatus -o json",
	.options = options,
	.listing = true,
	.run = status,
};
