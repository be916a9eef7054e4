/* Purpose: a mock cluster of librdkafka with one broker, and a consumer that reads what it was sent. The
 * cluster neither isolates nor fences, and does not check sequences: it is for error paths, not for exactly
 * once. One thread, but for kafka_rig_hang and kafka_rig_push. */
#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "callback/callback.h"

#define KAFKA_RIG_PARTITIONS 4

struct kafka_rig {
	rd_kafka_t *owner;
	rd_kafka_mock_cluster_t *cluster;
	rd_kafka_t *consumer; /* NULL until something is read */
	char *topic;
	struct callback_settings *settings; /* kafka.server, kafka.topic and an empty map of options */
};

/* A message that was read. */
struct kafka_read {
	char *key, *value, *fire_id, *action_name, *scheduled_at;
	int32_t partition;
};

/* With the topic where `create`. */
struct kafka_rig *kafka_rig_new(const char *topic, bool create);
void kafka_rig_free(struct kafka_rig *rig);
/* What a callback that left a thread behind may look at stays to the end, and is no leak. */
void kafka_rig_keep(void *kept);
void kafka_rig_option(struct kafka_rig *rig, const char *name, const char *value);

void kafka_rig_down(struct kafka_rig *rig, bool down);
/* Partitions have no leader: clients wait. */
void kafka_rig_hang(struct kafka_rig *rig, bool hang);
/* The next `count` requests to produce are answered by the error. */
void kafka_rig_push(struct kafka_rig *rig, rd_kafka_resp_err_t error, size_t count);
void kafka_rig_clear(struct kafka_rig *rig);

/* Appends (struct kafka_read) what has come since the last call, up to the end of all partitions. */
void kafka_rig_read(struct kafka_rig *rig, GArray *out);
void kafka_rig_read_free(GArray *reads);
