/* Purpose: an instance of the callback `http`, servers for it, and what the host was told. For test_http.c;
 * main thread only. */
#pragma once

#include <pthread.h>

#include "callback/callback.h"
#include "http_server.h"

/* What a path of a server answers. */
struct http_page {
	const char *path; /* without its query */
	int status;
	const char *headers, *body;
	size_t body_length;
	bool hold, drop, close;
};

/* A request that a server saw. */
struct rig_query {
	unsigned server; /* 0 or 1 */
	unsigned connection;
	char *method, *path, *body, *head;
};

struct rig {
	struct callback_settings settings;
	struct http_server *servers[2]; /* of two origins */
	struct callback *http;          /* NULL where it was closed */
	GPtrArray *actions;
	int32_t timeout_s; /* of what is submitted */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	GArray *pages;      /* struct http_page; any other path answers 200 */
	GPtrArray *queries; /* struct rig_query, those that are held every time anew */
	unsigned held;      /* requests that are held now */
	GPtrArray *results; /* struct fire_result by ticket; NULL: not answered yet */
	size_t answers;
	unsigned troubles, troubles_over;
	char *trouble; /* the last */
};

/* With POST to /run of the first server, 8 requests at a time; nothing is open yet. */
struct rig *rig_new(void);
void rig_free(struct rig *rig);
/* A URL of a server; the rig's, until it is freed. */
const char *rig_url(struct rig *rig, unsigned server, const char *path);
void rig_set_url(struct rig *rig, const char *url);
void rig_header(struct rig *rig, const char *name, const char *value);
/* What a path is to answer from now on. Its texts must live on. */
void rig_page(struct rig *rig, struct http_page page);
void rig_open(struct rig *rig);

/* Submits a fire of the action, named `job`; it must be accepted. Returns its ticket. */
uint64_t rig_submit(struct rig *rig, int64_t action_id, const char *command);
/* Waits for its answer, which stays the rig's. */
const struct fire_result *rig_answer(struct rig *rig, uint64_t ticket);
bool rig_is_answered(struct rig *rig, uint64_t ticket);
void rig_assert_delivered(struct rig *rig, uint64_t ticket);
/* Asserts that it is answered so, and that the detail has the text. */
void rig_assert_answer(struct rig *rig, uint64_t ticket, enum fire_answer answer, const char *text);
/* Waits for as many as so many, e.g. of rig->held. */
void rig_wait_count(struct rig *rig, const unsigned *counter, unsigned least);
/* A request by its place among those seen; it must be there. */
const struct rig_query *rig_query(struct rig *rig, unsigned index);
/* Asserts what a header of it is; NULL: it is not there. */
void rig_assert_header(const struct rig_query *query, const char *name, const char *value);
