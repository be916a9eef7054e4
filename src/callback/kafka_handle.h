/* Purpose: one producer of librdkafka with its queue of events and its topics. One thread; but the queue may
 * be woken by any (rd_kafka_queue_yield) while the handle lives. Delivery reports, errors and lines for the
 * log all come as events on the queue. */
#pragma once

#include <librdkafka/rdkafka.h>

#include "base/error.h"
#include "callback/kafka_topics.h"
#include "model/callback_settings.h"

struct kafka_handle {
	rd_kafka_t *producer;
	rd_kafka_queue_t *queue;
	struct kafka_topics topics;
	bool single; /* each message is a batch of its own */
};

/* Errors: AS_ERROR_INVALID where a property is wrong, AS_ERROR_UNAVAILABLE where librdkafka makes no producer
 * of it (a file that it cannot read). */
struct kafka_handle *kafka_handle_new(const struct kafka_settings *settings, bool single, GError **error);
/* Drops what it still has, without reports. Blocks until its threads have ended. NULL is fine. */
void kafka_handle_free(struct kafka_handle *handle);
