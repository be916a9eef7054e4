#include "callback/kafka_probe.h"

#include "callback/kafka_config.h"

#define TIMEOUT_MS 5000

/* What librdkafka said last of its brokers. Free with g_free. */
static char *last_error(rd_kafka_t *client)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_get_main(client);
	rd_kafka_event_t *event;
	char *text = NULL;
	while ((event = rd_kafka_queue_poll(queue, 0))) {
		if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR &&
			rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
			g_free(text);
			text = g_utf8_make_valid(rd_kafka_event_error_string(event), -1);
		}
		rd_kafka_event_destroy(event);
	}
	rd_kafka_queue_destroy(queue);
	return text;
}

static bool topic_is_there(
	const struct kafka_settings *settings, const struct rd_kafka_metadata_topic *topic, GError **error)
{
	if (topic->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
		g_set_error(error, AS_ERROR, AS_ERROR_MISSING,
			"there is no topic %s at %s; create it, or correct kafka.topic", settings->topic,
			settings->server);
	else if (topic->err && topic->err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
		g_set_error(error, AS_ERROR, AS_ERROR_FAILED, "topic %s at %s: %s", settings->topic,
			settings->server, rd_kafka_err2str(topic->err));
	else
		return true;
	return false;
}

static bool ask(
	const struct kafka_settings *settings, rd_kafka_t *client, rd_kafka_topic_t *topic, GError **error)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code = rd_kafka_metadata(client, 0, topic, &metadata, TIMEOUT_MS);
	if (code) {
		g_autofree char *text = last_error(client);
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "%s does not answer: %s", settings->server,
			text ? text : rd_kafka_err2str(code));
		return false;
	}
	bool good = metadata->topic_cnt == 1 && topic_is_there(settings, &metadata->topics[0], error);
	rd_kafka_metadata_destroy(metadata);
	return good;
}

bool kafka_probe(const struct callback_settings *settings, const char *argument, GError **error)
{
	(void)argument;
	char why[512];
	if (!kafka_config_check(&settings->kafka, error))
		return false;
	rd_kafka_conf_t *conf = kafka_config_observer(&settings->kafka, error);
	if (!conf)
		return false;
	rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
	if (!client) {
		rd_kafka_conf_destroy(conf);
		g_autofree char *text = g_utf8_make_valid(why, -1);
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "librdkafka: %s", text);
		return false;
	}
	rd_kafka_set_log_queue(client, NULL);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(client, settings->kafka.topic, NULL);
	bool good = ask(&settings->kafka, client, topic, error);
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(client);
	return good;
}
