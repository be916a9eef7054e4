/* Purpose: messages of other threads to the loop. Two queues: answers and commits are taken first, the bulk
 * (changes of the table) after them, and its sender waits while too much of it is there. inbox_put and
 * inbox_put_bulk: any thread; the rest: the loop thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum message_kind {
	MESSAGE_RESOLVED,       /* lane; data: struct fire_result[count] */
	MESSAGE_READY,          /* lane */
	MESSAGE_TROUBLE,        /* lane; text, NULL: it is over */
	MESSAGE_BROKEN,         /* lane; text */
	MESSAGE_JOURNAL_LOADED, /* data: struct loaded */
	MESSAGE_FAILED,         /* text: a database that cannot be worked with, the program ends; number: the
				   enum as_error */
	MESSAGE_COMMITTED,      /* number: the sequence */
	MESSAGE_LOOKED_UP,      /* data: struct lookup */
	MESSAGE_CHANGES,        /* data: struct action_change[count]; bulk */
	MESSAGE_TABLE_READ,     /* data: struct table_summary, NULL where it could not be read; bulk */
};

/* The receiver frees data (and what hangs on it), text and the message. */
struct message {
	struct message *next;
	enum message_kind kind;
	uint16_t lane;
	size_t count;
	size_t done; /* the part of the bulk that is dealt with; the loop's */
	void *data;
	char *text;
	uint64_t number;
};

struct inbox;

struct inbox *inbox_new(void);
/* All senders must have ended. What is left in it is freed. */
void inbox_free(struct inbox *inbox);

/* Takes the message over. */
void inbox_put(struct inbox *inbox, const struct message *message);
/* The same for the bulk; waits for room. False (and the message is freed) once the inbox is closed. */
bool inbox_put_bulk(struct inbox *inbox, const struct message *message);
/* Lets nobody wait any more. */
void inbox_close(struct inbox *inbox);

/* Readable when there are messages. */
int inbox_fd(struct inbox *inbox);
/* Call before looking into the queues. */
void inbox_drain_fd(struct inbox *inbox);
/* The next one, NULL where there is none; then the caller's. */
struct message *inbox_take(struct inbox *inbox);
/* The first of the bulk, which stays until inbox_bulk_done. */
struct message *inbox_bulk(struct inbox *inbox);
void inbox_bulk_done(struct inbox *inbox);

void message_free(struct message *message);
