/* The floor of the callback `http`: a bare loop of libcurl's multi interface, and the server for both.
 * http_floor serve: answers every request at once; prints its port, ends with stdin.
 * http_floor COUNT MOST URL: so many requests, at most so many at a time; prints a JSON line: requests_per_s,
 * cpu_us (of a request). */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4096
#define REQUEST_MAX     4096

/* --- the server: of a request it sees no more than where it ends --- */

struct connection {
	size_t length;
	char in[REQUEST_MAX];
};

static size_t request_length(const struct connection *c)
{
	const char *end = memmem(c->in, c->length, "\r\n\r\n", 4);
	const char *header = end ? memmem(c->in, (size_t)(end - c->in), "Content-Length: ", 16) : NULL;
	if (!end)
		return 0;
	size_t length = (size_t)(end - c->in) + 4 + (header ? strtoul(header + 16, NULL, 10) : 0);
	return length <= c->length ? length : 0;
}

static bool connection_serve(int fd, struct connection *c)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	ssize_t n = recv(fd, c->in + c->length, sizeof c->in - c->length, 0);
	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	c->length += (size_t)n;
	size_t length = request_length(c);
	if (!length)
		return c->length < sizeof c->in;
	memmove(c->in, c->in + length, c->length - length);
	c->length -= length;
	return send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) == (ssize_t)sizeof answer - 1;
}

static void connection_take(int epoll, int listener, struct connection **connections)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
	if (fd < 0)
		return;
	if (fd >= CONNECTIONS_MAX || !(connections[fd] = calloc(1, sizeof **connections))) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

static void event_serve(int epoll, int listener, int fd, struct connection **connections)
{
	if (fd == listener) {
		connection_take(epoll, listener, connections);
	} else if (fd == STDIN_FILENO) {
		exit(0);
	} else if (!connection_serve(fd, connections[fd])) {
		free(connections[fd]);
		connections[fd] = NULL;
		close(fd);
	}
}

static int serve(void)
{
	static struct connection *connections[CONNECTIONS_MAX];
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof in;
	int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
	if (bind(listener, (const struct sockaddr *)&in, sizeof in) != 0 || listen(listener, 1024) != 0 ||
		getsockname(listener, (struct sockaddr *)&in, &length) != 0) {
		perror("http_floor");
		return 1;
	}
	printf("%d\n", ntohs(in.sin_port));
	fflush(stdout);
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener,
		&(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
	epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO,
		&(struct epoll_event){.events = EPOLLIN | EPOLLHUP, .data.fd = STDIN_FILENO});
	for (;;) {
		struct epoll_event events[64];
		int count = epoll_wait(epoll, events, 64, -1);
		for (int i = 0; i < count; i++)
			event_serve(epoll, listener, events[i].data.fd, connections);
	}
}

/* --- the loop --- */

struct request {
	CURL *easy;
	char body[100];
};

static size_t body_pass(char *data, size_t size, size_t count, void *context)
{
	(void)data, (void)context;
	return size * count;
}

static void request_begin(CURLM *multi, struct request *request, long number)
{
	int length = snprintf(request->body, sizeof request->body,
		"{\"command\":\"command %ld --with arguments\"}", number);
	curl_easy_setopt(request->easy, CURLOPT_POSTFIELDS, request->body);
	curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE, (long)length);
	curl_multi_add_handle(multi, request->easy);
}

static void request_init(struct request *request, const char *url, struct curl_slist *headers)
{
	request->easy = curl_easy_init();
	curl_easy_setopt(request->easy, CURLOPT_URL, url);
	curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, body_pass);
	curl_easy_setopt(request->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(request->easy, CURLOPT_PRIVATE, request);
}

/* Takes what has ended, and begins as many others; false where one failed. */
static bool messages_take(CURLM *multi, long count, long *begun, long *ended)
{
	int left;
	CURLMsg *message;
	while ((message = curl_multi_info_read(multi, &left))) {
		CURL *easy = message->easy_handle;
		struct request *request;
		if (message->data.result != CURLE_OK) {
			fprintf(stderr, "http_floor: %s\n", curl_easy_strerror(message->data.result));
			return false;
		}
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &request);
		curl_multi_remove_handle(multi, easy);
		++*ended;
		if (*begun < count)
			request_begin(multi, request, ++*begun);
	}
	return true;
}

static int run(long count, long most, const char *url)
{
	CURLM *multi = curl_multi_init();
	struct request *requests = calloc((size_t)most, sizeof *requests);
	struct curl_slist *headers = curl_slist_append(NULL, "Idempotency-Key: 123456@2024-01-01T00:05:00Z");
	headers = curl_slist_append(headers, "Content-Type: application/json");
	headers = curl_slist_append(headers, "User-Agent: action-scheduler/0.1.0");
	struct timespec from, to;
	long begun = 0, ended = 0;
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, most);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (long i = 0; i < most && begun < count; i++) {
		request_init(&requests[i], url, headers);
		request_begin(multi, &requests[i], ++begun);
	}
	while (ended < count) {
		int running;
		curl_multi_perform(multi, &running);
		if (!messages_take(multi, count, &begun, &ended))
			return 1;
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	double cpu = (double)clock() / CLOCKS_PER_SEC;
	printf("{\"requests_per_s\": %.1f, \"cpu_us\": %.2f}\n", (double)count / seconds,
		cpu * 1e6 / (double)count);
	return 0;
}

int main(int argc, char **argv)
{
	long count = argc == 4 ? atol(argv[1]) : 0, most = argc == 4 ? atol(argv[2]) : 0;
	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		return serve();
	if (count < 1 || most < 1) {
		fprintf(stderr, "usage: http_floor serve | COUNT MOST URL\n");
		return 2;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return run(count, most, argv[3]);
}
