#include "kafka_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static rd_kafka_conf_t *conf_new(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
	return conf;
}

static void topic_create(struct kafka_rig *rig)
{
	assert_int_equal(rd_kafka_mock_topic_create(rig->cluster, rig->topic, KAFKA_RIG_PARTITIONS, 1), 0);
}

struct kafka_rig *kafka_rig_new(const char *topic, bool create)
{
	struct kafka_rig *rig = g_new0(struct kafka_rig, 1);
	rig->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf_new(), NULL, 0);
	assert_non_null(rig->owner);
	rig->cluster = rd_kafka_mock_cluster_new(rig->owner, 1);
	assert_non_null(rig->cluster);
	rig->topic = g_strdup(topic);
	if (create)
		topic_create(rig);
	rig->settings = g_new0(struct callback_settings, 1);
	rig->settings->kafka.server = g_strdup(rd_kafka_mock_cluster_bootstraps(rig->cluster));
	rig->settings->kafka.topic = g_strdup(topic);
	rig->settings->kafka.options = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return rig;
}

void kafka_rig_free(struct kafka_rig *rig)
{
	if (rig->consumer) {
		rd_kafka_consumer_close(rig->consumer);
		rd_kafka_destroy(rig->consumer);
	}
	rd_kafka_mock_cluster_destroy(rig->cluster);
	rd_kafka_destroy(rig->owner);
	g_hash_table_unref(rig->settings->kafka.options);
	g_free(rig->settings->kafka.server);
	g_free(rig->settings->kafka.topic);
	g_free(rig->settings);
	g_free(rig->topic);
	g_free(rig);
}

void kafka_rig_keep(void *kept)
{
	static GPtrArray *all;
	all = all ? all : g_ptr_array_new();
	g_ptr_array_add(all, kept);
}

void kafka_rig_option(struct kafka_rig *rig, const char *name, const char *value)
{
	g_hash_table_insert(rig->settings->kafka.options, g_strdup(name), g_strdup(value));
}

void kafka_rig_down(struct kafka_rig *rig, bool down)
{
	if (down)
		rd_kafka_mock_broker_set_down(rig->cluster, 1);
	else
		rd_kafka_mock_broker_set_up(rig->cluster, 1);
}

void kafka_rig_hang(struct kafka_rig *rig, bool hang)
{
	for (int32_t i = 0; i < KAFKA_RIG_PARTITIONS; i++)
		rd_kafka_mock_partition_set_leader(rig->cluster, rig->topic, i, hang ? -1 : 1);
}

#define PRODUCE 0 /* the number of the request in the protocol */

void kafka_rig_push(struct kafka_rig *rig, rd_kafka_resp_err_t error, size_t count)
{
	g_autofree rd_kafka_resp_err_t *errors = g_new(rd_kafka_resp_err_t, count);
	for (size_t i = 0; i < count; i++)
		errors[i] = error;
	rd_kafka_mock_push_request_errors_array(rig->cluster, PRODUCE, count, errors);
}

void kafka_rig_clear(struct kafka_rig *rig)
{
	rd_kafka_mock_clear_request_errors(rig->cluster, PRODUCE);
}

static void consumer_make(struct kafka_rig *rig)
{
	rd_kafka_conf_t *conf = conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(rig->cluster), NULL, 0);
	rd_kafka_conf_set(conf, "group.id", "rig", NULL, 0);
	rd_kafka_conf_set(conf, "enable.auto.commit", "false", NULL, 0);
	rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
	rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", NULL, 0);
	rd_kafka_conf_set(conf, "fetch.wait.max.ms", "10", NULL, 0);
	rig->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, NULL, 0);
	assert_non_null(rig->consumer);
	rd_kafka_poll_set_consumer(rig->consumer);
}

static void assign(struct kafka_rig *rig)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(KAFKA_RIG_PARTITIONS);
	if (!rig->consumer)
		consumer_make(rig);
	for (int32_t i = 0; i < KAFKA_RIG_PARTITIONS; i++)
		rd_kafka_topic_partition_list_add(list, rig->topic, i);
	/* Goes on where the last read ended: an end of a partition is told once only. */
	rd_kafka_position(rig->consumer, list);
	for (int i = 0; i < list->cnt; i++)
		if (list->elems[i].offset < 0)
			list->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
	assert_int_equal(rd_kafka_assign(rig->consumer, list), 0);
	rd_kafka_topic_partition_list_destroy(list);
}

static char *header(const rd_kafka_message_t *message, const char *name)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t length;
	if (rd_kafka_message_headers(message, &headers) ||
		rd_kafka_header_get_last(headers, name, &value, &length))
		return NULL;
	return g_strndup(value, length);
}

static void read_append(GArray *out, const rd_kafka_message_t *message)
{
	struct kafka_read read = {
		.key = g_strndup(message->key, message->key_len),
		.value = g_strndup(message->payload, message->len),
		.fire_id = header(message, "fire-id"),
		.action_name = header(message, "action-name"),
		.scheduled_at = header(message, "scheduled-at"),
		.partition = message->partition,
	};
	g_array_append_val(out, read);
}

void kafka_rig_read(struct kafka_rig *rig, GArray *out)
{
	assign(rig);
	for (int ended = 0; ended < KAFKA_RIG_PARTITIONS;) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(rig->consumer, 20000);
		if (!message)
			fail_msg("the consumer got nothing for a while");
		if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			ended++;
		else if (!message->err)
			read_append(out, message);
		rd_kafka_message_destroy(message);
	}
}

void kafka_rig_read_free(GArray *reads)
{
	for (guint i = 0; i < reads->len; i++) {
		struct kafka_read *read = &g_array_index(reads, struct kafka_read, i);
		g_free(read->key);
		g_free(read->value);
		g_free(read->fire_id);
		g_free(read->action_name);
		g_free(read->scheduled_at);
	}
	g_array_unref(reads);
}
