/* Purpose: a server of HTTP/1.1 on loopback for the tests of the callback `http`. Its thread reads requests
 * and asks the test what to say. All functions may be called on any other thread; the handler runs on the
 * server's and may not call them. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct http_query {
	char *method, *path, *body;
	char *head;          /* request line and headers, as they came */
	unsigned connection; /* the how many-th one, from 1 */
};

struct http_reply {
	int status;
	const char *headers; /* lines with CRLF; NULL: none */
	const char *body;    /* NULL: none */
	size_t body_length;  /* 0: strlen */
	bool hold;           /* no answer for now: it is asked again by http_server_again */
	bool drop;           /* the connection is reset */
	bool close;          /* the connection is closed after the answer */
};

/* Fills the reply; it begins with status 200 and nothing else. What it points to stays until the next call.
 */
typedef void (*http_handle)(void *context, const struct http_query *query, struct http_reply *reply);

struct http_server;

struct http_server *http_server_new(http_handle handle, void *context);
void http_server_free(struct http_server *server);
unsigned http_server_port(const struct http_server *server);
/* While it is away its port refuses connections; those that there are get reset. */
void http_server_away(struct http_server *server, bool away);
/* Asks again about what is held. */
void http_server_again(struct http_server *server);

/* The value of a header, NULL where there is none. Free with g_free. */
char *http_query_header(const struct http_query *query, const char *name);
