/* Purpose: the commands of the control socket among themselves: a file for each group (command_*.c), which
 * the table in control_commands.c names. A command does what is asked and ends its call, at once or later: it
 * returns NULL where it has ended it, else the call. Loop thread. */
#pragma once

#include "daemon/control_commands.h"

#include <jansson.h>

struct command_call {
	struct commands *commands;
	command_answer_fn answer; /* NULL: forgotten */
	void *context;
	json_t *told;      /* what will be answered; has "ok" */
	uint64_t sequence; /* answered once this commit is durable */
};

struct commands {
	struct daemon *daemon;
	GQueue durable;    /* struct command_call that wait for a commit; by sequence */
	GQueue retries;    /* struct command_call that wait for their lookup, in the order of asking */
	GQueue followers;  /* struct command_call that are told of each commit with history */
	uint64_t followed; /* the last such commit that is durable; 0: none in this life */
	bool follow_next;  /* the one under way is one */
};

void call_free(struct command_call *call);
/* Answers with what is told, and frees the call. */
void call_end(struct command_call *call);
/* Answers that nothing of it was done: a code for programs and a text for people. Frees the call. */
void call_refuse(struct command_call *call, const char *code, const char *text);
/* As call_end, once what the engine was asked for by now is durable. Returns the call. */
struct command_call *call_end_durable(struct command_call *call);
/* The same, once a commit is. */
struct command_call *call_end_with(struct command_call *call, uint64_t sequence);

/* command_follow.c */
struct command_call *command_follow(struct command_call *call, const struct control_request *request);
/* A commit is handed to the journal; it is durable. */
void followers_note(struct commands *commands, const struct commit *commit);
void followers_tell(struct commands *commands, uint64_t sequence);
/* command_status.c */
struct command_call *command_status(struct command_call *call, const struct control_request *request);
/* command_fires.c */
struct command_call *command_trigger(struct command_call *call, const struct control_request *request);
struct command_call *command_retry(struct command_call *call, const struct control_request *request);

/* command_hold.c */
struct command_call *command_hold(struct command_call *call, const struct control_request *request);
struct command_call *command_release(struct command_call *call, const struct control_request *request);
/* What is told of a hold: since when, and why. A new reference; null where nothing is held. */
json_t *held_told(const struct daemon *d);
