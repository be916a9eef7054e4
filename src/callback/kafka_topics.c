#include "callback/kafka_topics.h"

static void named_free(gpointer topic)
{
	rd_kafka_topic_destroy(topic);
}

void kafka_topics_init(struct kafka_topics *topics, rd_kafka_t *producer, const char *plain)
{
	*topics = (struct kafka_topics){
		.producer = producer,
		.plain = rd_kafka_topic_new(producer, plain, NULL),
		.named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, named_free),
	};
}

void kafka_topics_clear(struct kafka_topics *topics)
{
	g_hash_table_unref(topics->named);
	rd_kafka_topic_destroy(topics->plain);
}

rd_kafka_topic_t *kafka_topics_of(struct kafka_topics *topics, const struct action *action)
{
	const char *name = action_topic(action);
	if (!name)
		return topics->plain;
	rd_kafka_topic_t *topic = g_hash_table_lookup(topics->named, name);
	if (!topic) {
		topic = rd_kafka_topic_new(topics->producer, name, NULL);
		g_hash_table_insert(topics->named, g_strdup(name), topic);
	}
	return topic;
}
