/* Purpose: asks the running scheduler on its control socket (docs/control.md). Blocks, with deadlines. Any
 * thread. */
#pragma once

#include "base/error.h"
#include "base/time_us.h"
#include "config/config.h"

#include <jansson.h>

enum control_reply {
	CONTROL_ANSWERED, /* "ok" is true */
	CONTROL_NOBODY,   /* no scheduler answers there */
	CONTROL_FAILED,
};

/* A request that says which internal_db it is meant for; what else the command takes is to be added. */
json_t *control_request(const struct config *config, const char *command);

/* Sends one request (a line without its newline) and reads its answer, which is the caller's. Errors, with
 * CONTROL_FAILED only: AS_ERROR_INVALID where the scheduler refuses the request, AS_ERROR_UNAVAILABLE where
 * the socket may not be used, or no answer comes. */
enum control_reply control_ask(const char *path, const char *line, json_t **answer, GError **error);

/* The same step by step, for a command that answers more than once. */
struct control_connection;
/* Waits so long for a scheduler that takes nobody. NULL with CONTROL_NOBODY or CONTROL_FAILED in *reply. */
struct control_connection *control_connect(
	const char *path, dur_us wait, enum control_reply *reply, GError **error);
void control_disconnect(struct control_connection *connection); /* NULL is fine */
bool control_send(struct control_connection *connection, const char *line, GError **error);
/* The next answer, which is the caller's; *answer is NULL where none has come within `wait`, which is no
 * error. Errors as above, and AS_ERROR_UNAVAILABLE once the scheduler has gone. */
bool control_receive(struct control_connection *connection, dur_us wait, json_t **answer, GError **error);
/* To be polled; control_receive may have more without it. */
int control_fd(const struct control_connection *connection);
