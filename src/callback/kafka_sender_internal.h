/* Purpose: the parts of a sender among themselves.
 *
 *   kafka_sender.c   what the loop thread calls; the thread's life
 *   kafka_produce.c  fires to the producer, and from one producer to the next
 *   kafka_report.c   events of librdkafka to answers */
#pragma once

#include <pthread.h>

#include "callback/kafka_fires.h"
#include "callback/kafka_handle.h"
#include "callback/kafka_message.h"
#include "callback/kafka_sender.h"

/* Why the producer is to be replaced. */
enum kafka_failure {
	KAFKA_FINE,
	KAFKA_BATCH_REFUSED, /* everything unanswered is sent again, each message alone */
	KAFKA_AWAY,          /* everything unanswered is unavailable */
};

enum kafka_gate {
	KAFKA_OPEN,
	KAFKA_SHUT,   /* nothing is accepted: what is in hand is being given back */
	KAFKA_OPENED, /* it was given back; the first submit only asks for another one, so that no fire slips
			 past those that the loop has not yet taken back */
};

struct kafka_sender {
	const struct callback_settings *settings;
	struct callback_host host;
	GThread *thread;

	/* The thread's own. */
	struct kafka_handle *handle; /* NULL until there are fires */
	struct kafka_message message;
	struct kafka_fires fires;
	GArray *results; /* struct fire_result, to be told */
	enum kafka_failure failure;
	char *failure_text;
	char *last_error;    /* what librdkafka said last of its brokers; NULL once one answered */
	time_us progress_at; /* CLOCK_MONOTONIC: when a report came, or something was first waited for */
	bool trouble;        /* said */
	bool wordy;          /* what librdkafka logs for debugging is asked for */
	time_us lines_since; /* CLOCK_MONOTONIC */
	unsigned lines;      /* of librdkafka that were passed on since then */
	bool giving_back;    /* with the next results everything is given back */

	pthread_mutex_t lock;     /* guards what follows; held while the host is called, so that abandoning is
				     sharp */
	pthread_cond_t changed;   /* there is something to do, without a queue */
	pthread_cond_t finished;  /* ended */
	GArray *incoming;         /* struct fire */
	rd_kafka_queue_t *waking; /* of the handle, borrowed: to be woken for what is new */
	size_t held, held_max;    /* accepted and not answered */
	enum kafka_gate gate;
	bool refused;   /* a submit was not accepted as a whole */
	bool stopping;  /* finish what is there, then end */
	bool abandoned; /* no host any more; the thread is to end at once */
	bool detached;  /* the owner is gone: the thread frees the rest */
	bool ended;
};

/* --- kafka_sender.c --- */

/* Tells the host what is in results. */
void kafka_results_tell(struct kafka_sender *sender);
/* Adds an answer; the entry is gone. The detail is copied. */
void kafka_answer(
	struct kafka_sender *sender, struct kafka_entry *entry, enum fire_answer answer, const char *detail);
/* Says that fires wait, once; NULL: they do no more. */
void kafka_trouble(struct kafka_sender *sender, const char *message);
void kafka_say(struct kafka_sender *sender, const char *line);
/* Moves what was submitted to the fires in hand; with `wait` until there is something or nothing more will
 * be. False where the thread has to end at once. */
bool kafka_take(struct kafka_sender *sender, bool wait);
void kafka_gate_set(struct kafka_sender *sender, enum kafka_gate gate);
void kafka_waking_set(struct kafka_sender *sender, rd_kafka_queue_t *queue);

/* --- kafka_produce.c --- */

/* Hands what is new to the producer, as far as it takes it. */
void kafka_produce(struct kafka_sender *sender);
/* Replaces the producer where that has to be. */
void kafka_renew(struct kafka_sender *sender);
/* Notes a failure of everything that is in hand; the worse of two counts. The text is copied. */
void kafka_fail(struct kafka_sender *sender, enum kafka_failure failure, const char *text);

/* --- kafka_report.c --- */

/* Serves events; waits for one up to the given time. */
void kafka_serve(struct kafka_sender *sender, int timeout_ms);
/* Deals with a message that was not delivered, or not even taken. `alone`: no other was in its batch. */
void kafka_refused(
	struct kafka_sender *sender, struct kafka_entry *entry, rd_kafka_resp_err_t error, bool alone);
/* Says so where nothing has come for a while. */
void kafka_watch(struct kafka_sender *sender);
