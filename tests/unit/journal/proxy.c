#include "proxy.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS   16
#define WAIT_MS 5

struct pair {
	int client, server; /* -1: free */
};

struct proxy {
	int listener, port, server_port;
	gint mode, stop;
	gint answers; /* until one is lost; -1: none is */
	struct pair pairs[PAIRS];
	GThread *thread;
};

static void close_pair(struct pair *pair)
{
	close(pair->client);
	close(pair->server);
	*pair = (struct pair){-1, -1};
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void accept_client(struct proxy *proxy)
{
	struct sockaddr_in address = loopback(proxy->server_port);
	int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pair *pair = proxy->pairs;
	while (pair < proxy->pairs + PAIRS && pair->client >= 0)
		pair++;
	g_assert(pair < proxy->pairs + PAIRS);
	*pair = (struct pair){client, server};
	if (connect(server, (struct sockaddr *)&address, sizeof address) != 0)
		close_pair(pair);
}

/* False where the connection has ended. */
static bool forward(int from, int to)
{
	char bytes[65536];
	ssize_t got = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
	for (ssize_t sent = 0; sent < got;) {
		ssize_t part = send(to, bytes + sent, (size_t)(got - sent), MSG_NOSIGNAL);
		if (part <= 0)
			return false;
		sent += part;
	}
	return got > 0;
}

static bool readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	return fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

static void serve_pair(struct proxy *proxy, struct pair *pair)
{
	if (readable(pair->client) && !forward(pair->client, pair->server)) {
		close_pair(pair);
	} else if (readable(pair->server)) {
		bool lost = g_atomic_int_get(&proxy->answers) == 0;
		if (g_atomic_int_get(&proxy->answers) >= 0)
			g_atomic_int_add(&proxy->answers, -1);
		if (lost || !forward(pair->server, pair->client))
			close_pair(pair);
	}
}

static gpointer run(gpointer data)
{
	struct proxy *proxy = data;
	while (!g_atomic_int_get(&proxy->stop)) {
		struct pollfd fds[1 + 2 * PAIRS];
		bool stalled = g_atomic_int_get(&proxy->mode) == PROXY_STALL;
		fds[0] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
		for (int i = 0; i < PAIRS; i++) {
			fds[1 + 2 * i] = (struct pollfd){
				.fd = stalled ? -1 : proxy->pairs[i].client, .events = POLLIN};
			fds[2 + 2 * i] = (struct pollfd){
				.fd = stalled ? -1 : proxy->pairs[i].server, .events = POLLIN};
		}
		poll(fds, G_N_ELEMENTS(fds), WAIT_MS);
		if (g_atomic_int_get(&proxy->mode) == PROXY_STALL)
			continue;
		if (fds[0].revents)
			accept_client(proxy);
		for (int i = 0; i < PAIRS; i++)
			serve_pair(proxy, &proxy->pairs[i]);
	}
	return NULL;
}

struct proxy *proxy_start(int server_port)
{
	struct proxy *proxy = g_new0(struct proxy, 1);
	struct sockaddr_in address = loopback(0);
	socklen_t length = sizeof address;
	proxy->server_port = server_port;
	proxy->answers = -1;
	proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert(bind(proxy->listener, (struct sockaddr *)&address, length) == 0);
	g_assert(listen(proxy->listener, PAIRS) == 0);
	g_assert(getsockname(proxy->listener, (struct sockaddr *)&address, &length) == 0);
	proxy->port = ntohs(address.sin_port);
	for (int i = 0; i < PAIRS; i++)
		proxy->pairs[i] = (struct pair){-1, -1};
	proxy->thread = g_thread_new("proxy", run, proxy);
	return proxy;
}

void proxy_stop(struct proxy *proxy)
{
	g_atomic_int_set(&proxy->stop, 1);
	g_thread_join(proxy->thread);
	for (int i = 0; i < PAIRS; i++)
		if (proxy->pairs[i].client >= 0)
			close_pair(&proxy->pairs[i]);
	close(proxy->listener);
	g_free(proxy);
}

int proxy_port(const struct proxy *proxy)
{
	return proxy->port;
}

void proxy_set(struct proxy *proxy, enum proxy_mode mode)
{
	g_atomic_int_set(&proxy->mode, (gint)mode);
}

void proxy_lose_after(struct proxy *proxy, int answers)
{
	g_atomic_int_set(&proxy->answers, answers);
}
