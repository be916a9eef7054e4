#include "daemon/control_clients.h"

#include "base/json.h"
#include "base/log.h"
#include "daemon/control_commands.h"
#include "daemon/control_socket.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 64
/* A client that waits for nothing and has sent no whole line, or takes nothing of its answer, is let go after
 * so long. */
#define SILENCE_S   30

struct client {
	struct control_clients *clients; /* it is one of */
	int fd;
	guint source, silence;
	GIOCondition watched;
	GByteArray *in, *out;
	struct command_call *call; /* its request that is not answered yet */
	bool in_turn;              /* its lines are being dealt with */
	bool no_more;              /* nothing is read from it any more */
	bool gone;
};

static gboolean client_ready(gint fd, GIOCondition condition, gpointer data);

static void client_free(gpointer data)
{
	struct client *client = data;
	if (client->call)
		command_call_forget(client->call);
	g_clear_handle_id(&client->source, g_source_remove);
	g_clear_handle_id(&client->silence, g_source_remove);
	g_byte_array_unref(client->in);
	g_byte_array_unref(client->out);
	close(client->fd);
	g_free(client);
}

static gboolean client_silent(gpointer data)
{
	struct client *client = data;
	client->silence = 0;
	log_debug("control socket: a client was silent for %d s", SILENCE_S);
	g_ptr_array_remove_fast(client->clients->list, client);
	return G_SOURCE_REMOVE;
}

static void client_silence(struct client *client, bool counts)
{
	g_clear_handle_id(&client->silence, g_source_remove);
	if (counts)
		client->silence = g_timeout_add_seconds(SILENCE_S, client_silent, client);
}

/* Sends what the client takes. */
static void client_flush(struct client *client)
{
	while (!client->gone && client->out->len > 0) {
		ssize_t sent = send(client->fd, client->out->data, client->out->len, MSG_NOSIGNAL);
		if (sent > 0)
			g_byte_array_remove_range(client->out, 0, (guint)sent);
		else if (errno != EINTR) {
			client->gone = errno != EAGAIN;
			return;
		}
	}
}

static void client_put(struct client *client, const json_t *answer)
{
	char *text = json_write(answer);
	g_byte_array_append(client->out, (const guint8 *)text, (guint)strlen(text));
	g_byte_array_append(client->out, (const guint8 *)"\n", 1);
	free(text);
}

static void client_refuse(struct client *client, const char *reason)
{
	g_autoptr(json_t) answer = json_pack("{s:b}", "ok", 0);
	json_object_set_new(answer, "error", json_text(reason, strlen(reason)));
	client_put(client, answer);
}

/* --- requests --- */

static void client_turn(struct client *client);

/* Where one of many answers was not taken yet, another one says nothing new by the time that it is: it is
 * left out, and the time in which the client must take it does not begin anew. */
static void answer_take(void *context, const struct json_t *answer, bool last)
{
	struct client *client = context;
	if (last)
		client->call = NULL;
	else if (client->out->len > 0)
		return;
	client_put(client, answer);
	if (!client->in_turn)
		client_turn(client);
}

static bool is_for_us(struct client *client, const struct control_request *request)
{
	const struct control_clients *clients = client->clients;
	if (!request->internal_db || strcmp(request->internal_db, clients->identity) == 0)
		return true;
	g_autofree char *text = g_strdup_printf(
		"this is the scheduler of %s, not of %s", clients->identity, request->internal_db);
	client_refuse(client, text);
	return false;
}

static void line_take(struct client *client, const char *line, size_t length)
{
	g_autoptr(GError) error = NULL;
	struct control_clients *clients = client->clients;
	struct control_request *request = control_request_parse(line, length, &error);
	if (!request)
		client_refuse(client, error->message);
	else if (clients->refusing)
		client_refuse(client, "the scheduler is stopping");
	else if (is_for_us(client, request))
		client->call = commands_run(clients->commands, request, answer_take, client);
	control_request_free(request);
}

/* The next whole line; false where there is none. */
static bool line_next(struct client *client)
{
	const char *line = (const char *)client->in->data;
	const char *end = client->in->len ? memchr(line, '\n', client->in->len) : NULL;
	if (!end)
		return false;
	size_t length = (size_t)(end - line);
	g_autofree char *copy = g_strndup(line, length);
	g_byte_array_remove_range(client->in, 0, (guint)length + 1);
	if (strspn(copy, " \t\r") < length)
		line_take(client, copy, length);
	return true;
}

/* True where the next line may be looked at: the one before is answered, and the answer is sent. */
static bool is_free(struct client *client)
{
	client_flush(client);
	return !client->gone && !client->call && client->out->len == 0;
}

static void lines_take(struct client *client)
{
	while (is_free(client) && line_next(client))
		continue;
	/* The newline of the last one may be missing. */
	if (is_free(client) && client->no_more && client->in->len > 0) {
		g_byte_array_append(client->in, (const guint8 *)"\n", 1);
		line_next(client);
	}
	if (!is_free(client) || client->in->len < CONTROL_LINE_MAX)
		return;
	g_autofree char *text = g_strdup_printf("a request has at most %d bytes", CONTROL_LINE_MAX);
	client_refuse(client, text);
	g_byte_array_set_size(client->in, 0);
	client->no_more = true;
}

static void client_watch(struct client *client)
{
	GIOCondition wanted = G_IO_HUP | G_IO_ERR;
	if (client->out->len > 0)
		wanted |= G_IO_OUT;
	else if (!client->call && !client->no_more)
		wanted |= G_IO_IN;
	if (wanted == client->watched)
		return;
	g_clear_handle_id(&client->source, g_source_remove);
	client->source = g_unix_fd_add(client->fd, wanted, client_ready, client);
	client->watched = wanted;
}

/* Goes on with a client as far as it can; may free it. */
static void client_turn(struct client *client)
{
	client->in_turn = true;
	lines_take(client);
	client_flush(client);
	client->in_turn = false;
	if (client->gone || (client->no_more && !client->call && client->out->len == 0)) {
		g_ptr_array_remove_fast(client->clients->list, client);
		return;
	}
	client_silence(client, !client->call || client->out->len > 0);
	client_watch(client);
}

/* At most a line and the begin of the next are kept. */
static void client_read(struct client *client)
{
	char buffer[4096];
	while (client->in->len < CONTROL_LINE_MAX) {
		size_t room = MIN(sizeof buffer, CONTROL_LINE_MAX - client->in->len);
		ssize_t got = recv(client->fd, buffer, room, 0);
		if (got > 0) {
			g_byte_array_append(client->in, (const guint8 *)buffer, (guint)got);
		} else if (got == 0) {
			client->no_more = true;
			return;
		} else if (errno != EINTR) {
			client->gone = errno != EAGAIN;
			return;
		}
	}
}

static gboolean client_ready(gint fd, GIOCondition condition, gpointer data)
{
	(void)fd;
	struct client *client = data;
	if (condition & G_IO_IN)
		client_read(client);
	else if (condition & (G_IO_HUP | G_IO_ERR))
		client->gone = true;
	client_turn(client);
	return G_SOURCE_CONTINUE; /* of a source that is gone, that has no effect */
}

/* --- all of them --- */

/* What is told to somebody who is not let in; if it cannot be, so be it. */
static void turn_away(int fd, const char *reason)
{
	g_autofree char *text = g_strdup_printf("{\"ok\": false, \"error\": \"%s\"}\n", reason);
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		log_debug("control socket: %s", g_strerror(errno));
	close(fd);
}

void control_clients_add(struct control_clients *clients, int fd)
{
	if (!control_socket_trusts(fd)) {
		turn_away(fd, "only the user of the scheduler, and root, may ask");
		return;
	}
	if (clients->list->len >= CLIENTS_MAX) {
		turn_away(fd, "too many clients at a time");
		return;
	}
	struct client *client = g_new0(struct client, 1);
	client->clients = clients;
	client->fd = fd;
	client->in = g_byte_array_new();
	client->out = g_byte_array_new();
	g_ptr_array_add(clients->list, client);
	client_turn(client);
}

void control_clients_init(struct control_clients *clients, struct commands *commands, char *identity)
{
	*clients = (struct control_clients){.commands = commands,
		.identity = identity,
		.list = g_ptr_array_new_with_free_func(client_free)};
}

void control_clients_clear(struct control_clients *clients)
{
	for (guint i = 0; i < clients->list->len; i++)
		client_flush(clients->list->pdata[i]);
	g_ptr_array_unref(clients->list);
	g_free(clients->identity);
}
