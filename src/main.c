#include "callback/callback.h"
#include "cli/cli.h"
#include "daemon/control_request.h"
#include "daemon/daemon.h"
#include "daemon/foresee.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int run(void *context, const struct cli_run *run)
{
	(void)context;
	struct daemon_options options = {
		.catch_up_from = run->catch_up_from, .sources = run->sources, .log_fixed = run->log_fixed};
	return daemon_run(run->config, &options);
}

static int manual(void *context, const struct cli_manual *asked)
{
	(void)context;
	g_autoptr(GError) error = NULL;
	struct control_request *request =
		control_request_parse(asked->request, strlen(asked->request), &error);
	if (!request) {
		log_error("%s", error->message);
		config_free(asked->config);
		return EXIT_FAILED;
	}
	struct manual fires = {request, asked->answered, asked->ended, asked->context};
	struct daemon_options options = {
		.manual = &fires, .catch_up_from = TIME_US_MIN, .sources = asked->sources};
	int status = daemon_run(asked->config, &options);
	control_request_free(request);
	return status;
}

static bool foresee(void *context, const struct cli_foresee *asked, GError **error)
{
	(void)context;
	struct foresee what = {asked->catch_up_from, asked->now, asked->each, asked->bad_row, asked->held,
		asked->no_table, asked->context};
	return foresee_run(asked->config, &what, error);
}

static bool check_callback(
	void *context, const struct callback_settings *settings, const char *name, GError **error)
{
	(void)context;
	g_autofree char *canonical = NULL;
	const struct callback_vtable *vtable = callback_find(name, &canonical, error);
	return vtable &&
	       (!vtable->check || vtable->check(settings, callback_argument(vtable, canonical), error));
}

static bool probe_callback(
	void *context, const struct callback_settings *settings, const char *name, GError **error)
{
	if (!check_callback(context, settings, name, error))
		return false;
	g_autofree char *canonical = NULL;
	const struct callback_vtable *vtable = callback_find(name, &canonical, NULL);
	return !vtable->probe || vtable->probe(settings, callback_argument(vtable, canonical), error);
}

/* Where a standard descriptor is closed, the next file opened would take its place, and what is printed would
 * go into a database. What stands in for stdout refuses every write. */
static void descriptors_occupy(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
}

static const char *name_callback(void *context, const char *name)
{
	(void)context;
	g_autofree char *canonical = NULL;
	return callback_find(name, &canonical, NULL) ? g_intern_string(canonical) : NULL;
}

int main(int argc, char **argv)
{
	descriptors_occupy();
	struct cli_host host = {.run = run,
		.manual = manual,
		.foresee = foresee,
		.callback_check = check_callback,
		.callback_probe = probe_callback,
		.callback_name = name_callback};
	return cli_main(argc, argv, &host);
}
