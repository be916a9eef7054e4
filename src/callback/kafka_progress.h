/* Purpose: the topic in which kafka.exactly_once keeps what it has delivered, a partition for each shard:
 * records of the ledger and the owner, each with a key of its own, so that compaction keeps the latest. Calls
 * block, up to some seconds; the shard's thread. */
#pragma once

#include <librdkafka/rdkafka.h>

#include "base/error.h"
#include "callback/kafka_ledger.h"
#include "model/callback_settings.h"

/* Shards of exactly_once, each with a producer and a thread; an action is always in the same one. */
#define KAFKA_SHARDS 8

/* Makes the topic where it is absent. Errors: AS_ERROR_UNAVAILABLE; AS_ERROR_INVALID where it has too few
 * partitions or may not be made. */
bool kafka_progress_create(rd_kafka_t *producer, const char *topic, GError **error);

/* What is in a shard's partition. */
struct kafka_progress {
	struct ledger *ledger;
	char *owner; /* as it was written last; NULL: nobody */
};
/* Reads all that is committed, of this transactional id. The caller owns the contents. Errors: as above. */
bool kafka_progress_read(const struct kafka_settings *settings, unsigned shard, const char *transactional_id,
	struct kafka_progress *out, GError **error);

/* Puts messages into the transaction that is open. Return why not. */
rd_kafka_resp_err_t kafka_progress_put_record(rd_kafka_t *producer, rd_kafka_topic_t *topic, unsigned shard,
	const char *transactional_id, uint64_t number, const struct ledger_fire *fires, size_t count);
rd_kafka_resp_err_t kafka_progress_put_tombstone(rd_kafka_t *producer, rd_kafka_topic_t *topic,
	unsigned shard, const char *transactional_id, uint64_t number);
rd_kafka_resp_err_t kafka_progress_put_owner(rd_kafka_t *producer, rd_kafka_topic_t *topic, unsigned shard,
	const char *transactional_id, const char *owner);
