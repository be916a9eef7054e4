#include "http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
	int fd;
	unsigned number;
	GString *in;
	bool held;
	bool ended;
};

struct http_server {
	http_handle handle;
	void *context;
	unsigned port;
	int keeper; /* bound and never listening: nobody else gets the port while the server is away */
	int wake;
	pthread_t thread;

	pthread_mutex_t lock; /* guards what follows */
	int listener;         /* -1: away */
	GPtrArray *connections;
	unsigned count;
	bool stopping;
};

/* --- sockets --- */

static int socket_bound(unsigned port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&in, sizeof in) != 0)
		g_error("no socket: %s", g_strerror(errno));
	return fd;
}

static int socket_listening(unsigned port)
{
	int fd = socket_bound(port);
	if (listen(fd, 1024) != 0)
		g_error("listen: %s", g_strerror(errno));
	return fd;
}

static unsigned socket_port(int fd)
{
	struct sockaddr_in in;
	socklen_t length = sizeof in;
	getsockname(fd, (struct sockaddr *)&in, &length);
	return ntohs(in.sin_port);
}

static void connection_reset(struct connection *c)
{
	struct linger linger = {.l_onoff = 1};
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	c->ended = true;
}

static void connection_free(gpointer data)
{
	struct connection *c = data;
	close(c->fd);
	g_string_free(c->in, true);
	g_free(c);
}

static void send_all(struct connection *c, const char *data, size_t length)
{
	while (length > 0 && !c->ended) {
		ssize_t n = send(c->fd, data, length, MSG_NOSIGNAL);
		if (n >= 0) {
			data += n;
			length -= (size_t)n;
		} else if (errno == EAGAIN) {
			poll(&(struct pollfd){c->fd, POLLOUT, 0}, 1, -1);
		} else {
			c->ended = true;
		}
	}
}

/* --- requests --- */

static char *header_of(const char *head, const char *name)
{
	size_t length = strlen(name);
	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (g_ascii_strncasecmp(line, name, length) == 0 && line[length] == ':')
			return g_strstrip(g_strndup(line + length + 1, strcspn(line + length + 1, "\r")));
	}
	return NULL;
}

char *http_query_header(const struct http_query *query, const char *name)
{
	return header_of(query->head, name);
}

static void reply_send(struct connection *c, const struct http_query *query, const struct http_reply *reply)
{
	size_t length = reply->body_length ? reply->body_length : reply->body ? strlen(reply->body) : 0;
	g_autofree char *head =
		g_strdup_printf("HTTP/1.1 %d Said\r\nContent-Length: %zu\r\n%s%s\r\n", reply->status, length,
			reply->close ? "Connection: close\r\n" : "", reply->headers ? reply->headers : "");
	send_all(c, head, strlen(head));
	if (strcmp(query->method, "HEAD") != 0)
		send_all(c, reply->body, length);
	c->ended = c->ended || reply->close;
}

/* Answers the first request that is there as a whole; false where there is none, or it is held. */
static bool request_answer(struct http_server *server, struct connection *c)
{
	const char *end = strstr(c->in->str, "\r\n\r\n");
	if (!end)
		return false;
	size_t head_length = (size_t)(end - c->in->str) + 4;
	g_autofree char *head = g_strndup(c->in->str, head_length);
	g_autofree char *length_text = header_of(head, "Content-Length");
	size_t length = length_text ? strtoul(length_text, NULL, 10) : 0;
	if (c->in->len < head_length + length)
		return false;
	g_autofree char *body = g_strndup(c->in->str + head_length, length);
	g_auto(GStrv) words = g_strsplit(head, " ", 3);
	struct http_query query = {words[0], words[1], body, head, c->number};
	struct http_reply reply = {.status = 200};
	server->handle(server->context, &query, &reply);
	c->held = reply.hold;
	if (reply.hold)
		return false;
	if (reply.drop)
		connection_reset(c);
	else
		reply_send(c, &query, &reply);
	g_string_erase(c->in, 0, (gssize)(head_length + length));
	return !c->ended;
}

static void connection_read(struct http_server *server, struct connection *c)
{
	char buf[65536];
	ssize_t n;
	while ((n = recv(c->fd, buf, sizeof buf, 0)) > 0)
		g_string_append_len(c->in, buf, n);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		c->ended = true;
	while (!c->ended && !c->held && request_answer(server, c))
		continue;
}

/* --- the thread --- */

static void connections_take(struct http_server *server)
{
	int fd;
	while (server->listener >= 0 &&
		(fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct connection *c = g_new0(struct connection, 1);
		c->fd = fd;
		c->number = ++server->count;
		c->in = g_string_new(NULL);
		g_ptr_array_add(server->connections, c);
	}
}

static void connections_serve(struct http_server *server)
{
	for (guint i = server->connections->len; i > 0; i--) {
		struct connection *c = server->connections->pdata[i - 1];
		connection_read(server, c);
		if (c->ended)
			g_ptr_array_remove_index_fast(server->connections, i - 1);
	}
}

/* What to wait for. Descriptors that are closed meanwhile do no harm: all are looked at after each wait. */
static struct pollfd *poll_set(struct http_server *server, nfds_t *count)
{
	struct pollfd *set = g_new0(struct pollfd, server->connections->len + 2);
	*count = 0;
	set[(*count)++] = (struct pollfd){server->wake, POLLIN, 0};
	set[(*count)++] = (struct pollfd){server->listener, POLLIN, 0};
	for (guint i = 0; i < server->connections->len; i++) {
		const struct connection *c = server->connections->pdata[i];
		set[(*count)++] = (struct pollfd){c->fd, POLLIN, 0};
	}
	return set;
}

static void *server_run(void *data)
{
	struct http_server *server = data;
	pthread_mutex_lock(&server->lock);
	while (!server->stopping) {
		nfds_t count;
		g_autofree struct pollfd *set = poll_set(server, &count);
		pthread_mutex_unlock(&server->lock);
		poll(set, count, -1);
		eventfd_t value;
		eventfd_read(server->wake, &value);
		pthread_mutex_lock(&server->lock);
		connections_take(server);
		connections_serve(server);
	}
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

/* --- life --- */

struct http_server *http_server_new(http_handle handle, void *context)
{
	struct http_server *server = g_new0(struct http_server, 1);
	server->handle = handle;
	server->context = context;
	server->keeper = socket_bound(0);
	server->port = socket_port(server->keeper);
	server->listener = socket_listening(server->port);
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->connections = g_ptr_array_new_with_free_func(connection_free);
	pthread_mutex_init(&server->lock, NULL);
	if (pthread_create(&server->thread, NULL, server_run, server) != 0)
		g_error("no thread");
	return server;
}

unsigned http_server_port(const struct http_server *server)
{
	return server->port;
}

void http_server_away(struct http_server *server, bool away)
{
	pthread_mutex_lock(&server->lock);
	if (away && server->listener >= 0) {
		close(server->listener);
		server->listener = -1;
		for (guint i = 0; i < server->connections->len; i++)
			connection_reset(server->connections->pdata[i]);
		g_ptr_array_set_size(server->connections, 0);
	} else if (!away && server->listener < 0) {
		server->listener = socket_listening(server->port);
	}
	pthread_mutex_unlock(&server->lock);
	eventfd_write(server->wake, 1);
}

void http_server_again(struct http_server *server)
{
	pthread_mutex_lock(&server->lock);
	for (guint i = 0; i < server->connections->len; i++)
		((struct connection *)server->connections->pdata[i])->held = false;
	pthread_mutex_unlock(&server->lock);
	eventfd_write(server->wake, 1);
}

void http_server_free(struct http_server *server)
{
	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	pthread_mutex_unlock(&server->lock);
	eventfd_write(server->wake, 1);
	pthread_join(server->thread, NULL);
	g_ptr_array_unref(server->connections);
	close(server->listener);
	close(server->keeper);
	close(server->wake);
	pthread_mutex_destroy(&server->lock);
	g_free(server);
}
