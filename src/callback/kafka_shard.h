/* Purpose: one shard of kafka.exactly_once: a thread with a transactional producer. What was submitted goes
 * into one transaction after the other; each holds its fires and the record of the ledger that names them, so
 * after a crash either both are there or none is. Fires are answered delivered once their transaction is
 * committed; where the broker is out of reach they wait here, in order.
 *
 * A producer that cannot go on (a transaction of unknown outcome, a timeout) is thrown away; the next one
 * first ends whatever the old one had under way (init_transactions), then reads what was committed, and goes
 * on from there. If the progress topic says by then that another scheduler has taken over the transactional
 * id, this one is at its end.
 *
 * Threads: new, start, submit, settle and the end on the loop thread; the host is called on the shard's. */
#pragma once

#include "callback/callback.h"
#include "callback/kafka_ledger.h"

struct kafka_shard;

struct kafka_shard *kafka_shard_new(
	const struct callback_settings *settings, unsigned index, const struct callback_host *host);
/* Makes the producer now, not with the first fire: what a former owner of the transactional id had under way
 * is ended. */
void kafka_shard_start(struct kafka_shard *shard);
/* Accepts the fire, or not for want of room: then host.ready follows. */
bool kafka_shard_submit(struct kafka_shard *shard, const struct fire *fire);
/* Wakes the thread for what was submitted. */
void kafka_shard_flush(struct kafka_shard *shard);
void kafka_shard_settle(struct kafka_shard *shard, callback_settled_fn is_settled, void *context);
/* Finish what is there; where there is nothing, end. kafka_shard_wait waits for that up to a deadline
 * (CLOCK_MONOTONIC), after which there are no answers any more. kafka_shard_join comes last: it frees the
 * shard and returns true, or leaves it to its thread after the deadline. */
void kafka_shard_stop(struct kafka_shard *shard);
void kafka_shard_wait(struct kafka_shard *shard, time_us deadline);
bool kafka_shard_join(struct kafka_shard *shard, time_us deadline);
