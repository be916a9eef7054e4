#include "callback/kafka_handle.h"

#include "callback/kafka_config.h"

static struct kafka_handle *handle_of(rd_kafka_t *producer, const char *topic, bool single)
{
	struct kafka_handle *handle = g_new0(struct kafka_handle, 1);
	handle->producer = producer;
	handle->queue = rd_kafka_queue_get_main(producer);
	rd_kafka_set_log_queue(producer, NULL);
	kafka_topics_init(&handle->topics, producer, topic);
	handle->single = single;
	return handle;
}

struct kafka_handle *kafka_handle_new(const struct kafka_settings *settings, bool single, GError **error)
{
	char why[512];
	rd_kafka_conf_t *conf = kafka_config_producer(settings, error);
	if (!conf)
		return NULL;
	if (single && !kafka_config_set(conf, "batch.num.messages", "1", error)) {
		rd_kafka_conf_destroy(conf);
		return NULL;
	}
	rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
	rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (producer)
		return handle_of(producer, settings->topic, single);
	rd_kafka_conf_destroy(conf);
	g_autofree char *text = g_utf8_make_valid(why, -1);
	g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "librdkafka: %s", text);
	return NULL;
}

void kafka_handle_free(struct kafka_handle *handle)
{
	if (!handle)
		return;
	kafka_topics_clear(&handle->topics);
	rd_kafka_queue_destroy(handle->queue);
	rd_kafka_destroy(handle->producer);
	g_free(handle);
}
