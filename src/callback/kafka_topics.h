/* Purpose: the topics of one producer: kafka.topic, and those that rows name. One thread. */
#pragma once

#include <librdkafka/rdkafka.h>

#include "model/action.h"

struct kafka_topics {
	rd_kafka_t *producer;
	rd_kafka_topic_t *plain; /* kafka.topic */
	GHashTable *named;       /* char * → rd_kafka_topic_t *, made as they are met */
};

void kafka_topics_init(struct kafka_topics *topics, rd_kafka_t *producer, const char *plain);
/* Before the producer is destroyed. */
void kafka_topics_clear(struct kafka_topics *topics);
/* Where messages of the action go. */
rd_kafka_topic_t *kafka_topics_of(struct kafka_topics *topics, const struct action *action);
