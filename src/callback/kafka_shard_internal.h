/* Purpose: the parts of a shard among themselves.
 *
 *   kafka_shard.c        what the loop thread calls
 *   kafka_shard_run.c    the thread: from what was submitted to answers
 *   kafka_transaction.c  a producer, its start, and a transaction from begin to commit */
#pragma once

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "callback/kafka_message.h"
#include "callback/kafka_progress.h"
#include "callback/kafka_shard.h"
#include "callback/kafka_topics.h"

/* A fire in hand. */
struct kafka_item {
	struct fire fire;
	time_us started_at;
	rd_kafka_resp_err_t error; /* why it was not delivered, of the transaction under way */
};

enum kafka_end {
	KAFKA_COMMITTED,
	KAFKA_ABORTED, /* nothing of it is there; the producer can go on */
	KAFKA_RENEW,   /* a new producer has to find out */
	KAFKA_TAKEN_OVER,
	KAFKA_GIVEN_UP, /* the shard is abandoned */
};

struct kafka_shard {
	const struct callback_settings *settings;
	struct callback_host host;
	unsigned index;
	char *transactional_id;
	char *instance; /* of this process: the owner's name */
	GThread *thread;

	/* The thread's own. */
	struct kafka_message message;
	rd_kafka_t *producer;
	struct kafka_topics topics;
	rd_kafka_topic_t *progress_topic;
	GArray *items; /* struct kafka_item, in order */
	bool owned;    /* our name is in the progress topic */
	bool trouble;  /* said */
	char *last_error;

	pthread_mutex_t lock; /* guards what follows; held while the host is called */
	pthread_cond_t changed, finished;
	GArray *incoming;      /* struct fire */
	struct ledger *ledger; /* NULL until it was read */
	GArray *tombstones;    /* uint64_t */
	size_t held, held_max; /* accepted and not answered */
	bool wanted;           /* the producer is to be made, with or without fires */
	bool starting;         /* it is being made */
	bool refused, stopping, abandoned, detached, ended;
};

/* --- kafka_shard.c --- */

void kafka_shard_free(struct kafka_shard *shard);

/* --- kafka_shard_run.c --- */

/* The thread. */
void *kafka_shard_run(void *shard);
bool kafka_shard_is_abandoned(struct kafka_shard *shard);
/* Says that fires wait, once; NULL: they do no more. */
void kafka_shard_trouble(struct kafka_shard *shard, const char *message);

/* Whether any item in hand was refused for its own fault in the transaction under way. */
bool kafka_any_refused(const struct kafka_shard *shard);

/* --- kafka_transaction.c --- */

/* Makes the producer, ends what an old one had under way, reads the ledger, writes our name. */
enum kafka_end kafka_producer_start(struct kafka_shard *shard);
void kafka_producer_drop(struct kafka_shard *shard);
/* Sends the first `count` items with their record, and tombstones. On KAFKA_ABORTED the items' errors tell
 * which were refused. */
enum kafka_end kafka_transact(struct kafka_shard *shard, guint count);
