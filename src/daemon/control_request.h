/* Purpose: a request of the control socket: one line of JSON (docs/control.md). Pure; any thread. */
#pragma once

#include "base/error.h"
#include "model/fire.h"

/* A line with its newline is at most this long. */
#define CONTROL_LINE_MAX 65536
/* Actions or fires of one request. */
#define CONTROL_IDS_MAX  1000

enum control_command {
	CONTROL_TRIGGER,
	CONTROL_RETRY,
	CONTROL_STATUS,
	CONTROL_FOLLOW,
	CONTROL_HOLD,
	CONTROL_RELEASE
};

struct control_fire {
	char id[FIRE_ID_MAX]; /* canonical */
	int64_t action_id;
	time_us nominal;
	char manual[FIRE_MANUAL_MAX]; /* empty for a scheduled one */
};

struct control_request {
	enum control_command command;
	char *internal_db; /* what the client takes the scheduler for (config_identity); NULL: it does not say
			    */
	GArray *ids;       /* int64_t, of actions */
	GArray *fires;     /* struct control_fire */
	char *reason;      /* of a hold; NULL: none was given */
	bool skip;         /* what was due during the hold is dropped */
};

/* Reads a line, without its newline. AS_ERROR_INVALID says what is wrong. The caller owns the result. */
struct control_request *control_request_parse(const char *line, size_t length, GError **error);
void control_request_free(struct control_request *request); /* NULL is fine */
