#include "cli/history_wait.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/control_client.h"
#include "config/control_path.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Between two looks: where nobody tells; where the scheduler does, in case that it is not the only one that
 * writes; and at the least. */
#define ALONE_EVERY (250 * US_PER_MS)
#define TOLD_EVERY  (5 * US_PER_SECOND)
#define LEAST       (100 * US_PER_MS)
/* Between two tries to reach a scheduler: that is not there, that refuses. */
#define TRY_EVERY   US_PER_SECOND
#define REFUSED_FOR US_PER_MINUTE
#define CONNECT_MAX (200 * US_PER_MS)

struct history_wait {
	char *path, *request;
	struct control_connection *connection;
	time_us try_at; /* CLOCK_MONOTONIC, like what follows */
	time_us looked_at;
};

struct history_wait *history_wait_new(const struct cli *cli)
{
	struct history_wait *wait = g_new0(struct history_wait, 1);
	g_autoptr(json_t) request = control_request(cli->config, "follow");
	wait->path = config_control_path(cli->config);
	wait->request = json_write(request);
	wait->looked_at = clock_monotonic();
	return wait;
}

void history_wait_free(struct history_wait *wait)
{
	if (!wait)
		return;
	control_disconnect(wait->connection);
	g_free(wait->path);
	free(wait->request);
	g_free(wait);
}

static void connection_drop(struct history_wait *wait, dur_us pause)
{
	g_clear_pointer(&wait->connection, control_disconnect);
	wait->try_at = clock_monotonic() + pause;
}

static void connection_try(struct history_wait *wait)
{
	enum control_reply reply;
	if (wait->connection || clock_monotonic() < wait->try_at)
		return;
	wait->connection = control_connect(wait->path, CONNECT_MAX, &reply, NULL);
	if (!wait->connection || !control_send(wait->connection, wait->request, NULL))
		connection_drop(wait, TRY_EVERY);
}

/* Takes all lines that are there; true where there was any. One of another version does not know the command.
 */
static bool told(struct history_wait *wait)
{
	bool any = false;
	while (wait->connection) {
		g_autoptr(GError) error = NULL;
		g_autoptr(json_t) answer = NULL;
		if (!control_receive(wait->connection, 0, &answer, &error))
			connection_drop(wait,
				g_error_matches(error, AS_ERROR, AS_ERROR_INVALID) ? REFUSED_FOR : TRY_EVERY);
		else if (!answer)
			break;
		any = true;
	}
	return any;
}

/* False where nobody reads stdout any more. */
static bool poll_until(struct history_wait *wait, time_us until)
{
	GPollFD fds[2] = {{.fd = STDOUT_FILENO}, {.fd = -1, .events = G_IO_IN}};
	if (wait)
		fds[1].fd = wait->connection ? control_fd(wait->connection) : -1;
	dur_us left = until - clock_monotonic();
	g_poll(fds, 2, left > 0 ? (int)(left / US_PER_MS) + 1 : 0);
	return !(fds[0].revents & (G_IO_ERR | G_IO_HUP));
}

/* What comes while it was just looked gathers for a moment. */
static bool rest(const struct history_wait *wait)
{
	time_us until = wait->looked_at + LEAST;
	while (clock_monotonic() < until)
		if (!poll_until(NULL, until))
			return false;
	return true;
}

bool history_wait_for_more(struct history_wait *wait)
{
	time_us from = clock_monotonic();
	bool go_on;
	connection_try(wait);
	do {
		go_on = poll_until(wait, wait->connection ? from + TOLD_EVERY : from + ALONE_EVERY);
		if (told(wait))
			break;
	} while (go_on && clock_monotonic() < from + (wait->connection ? TOLD_EVERY : ALONE_EVERY));
	go_on = go_on && rest(wait);
	wait->looked_at = clock_monotonic();
	return go_on;
}
