/* Purpose: what the running scheduler is asked to do, from the control socket or by this process itself: a
 * table of commands, whose answers are JSON (docs/control.md). An answer that says that something will be
 * done is given once that is durable. Loop thread. */
#pragma once

#include "daemon/control_request.h"
#include "daemon/journal_thread.h"

struct daemon;
struct json_t;
struct commands;
/* A request that is not answered yet. */
struct command_call;

struct commands *commands_new(struct daemon *d);
/* Calls that are not answered never will be. NULL is fine. */
void commands_free(struct commands *commands);

/* The answer is borrowed. After the last one the call is gone. */
typedef void (*command_answer_fn)(void *context, const struct json_t *answer, bool last);

/* Does what is asked and answers, now (NULL is returned where that was the last answer) or later. The request
 * is borrowed. */
struct command_call *commands_run(struct commands *commands, const struct control_request *request,
	command_answer_fn answer, void *context);
/* Nobody waits for the answer any more; what was asked for is done nevertheless. */
void command_call_forget(struct command_call *call);

/* A commit is handed to the journal. */
void commands_committing(struct commands *commands, const struct commit *commit);
/* A commit is durable. */
void commands_committed(struct commands *commands, uint64_t sequence);
/* The answer of journal_thread_look_up; taken over. */
void commands_looked_up(struct commands *commands, struct lookup *lookup);
