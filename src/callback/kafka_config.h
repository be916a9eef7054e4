/* Purpose: what the settings say, as a configuration of librdkafka. Any thread.
 * What is promised (every message acknowledged by all replicas in sync, order for each action) does not
 * depend on kafka.options: properties that would break it are refused. */
#pragma once

#include <librdkafka/rdkafka.h>

#include "base/error.h"
#include "model/callback_settings.h"

/* Whether the settings can be used. Errors: AS_ERROR_INVALID, naming the key. */
bool kafka_config_check(const struct kafka_settings *settings, GError **error);
/* The configuration of a producer. Destroy with rd_kafka_conf_destroy unless a handle took it over. */
rd_kafka_conf_t *kafka_config_producer(const struct kafka_settings *settings, GError **error);
/* The configuration of a client that only looks: it makes no topic by asking for it. */
rd_kafka_conf_t *kafka_config_observer(const struct kafka_settings *settings, GError **error);
/* Sets one property. Errors: AS_ERROR_INVALID. */
bool kafka_config_set(rd_kafka_conf_t *conf, const char *name, const char *value, GError **error);

/* `kafka://a:9092, b` as librdkafka has it: `a:9092,b`. Free with g_free. Errors: AS_ERROR_INVALID. */
char *kafka_config_servers(const char *text, GError **error);
