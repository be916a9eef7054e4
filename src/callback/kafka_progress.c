#include "callback/kafka_progress.h"

#include <string.h>

#include "base/clock.h"
#include "callback/kafka_config.h"

#define WAIT_MS   10000
#define POLL_MS   200
#define READ_WAIT (60 * US_PER_SECOND)
#define ERROR_MAX 512

static bool fail(GError **error, int code, const char *what, const char *topic, const char *why)
{
	g_autofree char *valid = g_utf8_make_valid(why, -1);
	g_set_error(error, AS_ERROR, code, "the topic %s of kafka.exactly_once %s: %s", topic, what, valid);
	return false;
}

/* --- making it --- */

static rd_kafka_NewTopic_t *topic_new(const char *name)
{
	char why[ERROR_MAX];
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, KAFKA_SHARDS, -1, why, sizeof why);
	/* Only whole segments are compacted, and what is not is read at each start: they are kept small. */
	static const char *const config[][2] = {{"cleanup.policy", "compact"}, {"segment.bytes", "16777216"},
		{"segment.ms", "3600000"}, {"delete.retention.ms", "3600000"},
		{"min.cleanable.dirty.ratio", "0.1"}};
	for (size_t i = 0; topic && i < G_N_ELEMENTS(config); i++)
		rd_kafka_NewTopic_set_config(topic, config[i][0], config[i][1]);
	return topic;
}

/* The broker's answer for the one topic. */
static bool created(rd_kafka_event_t *event, const char *topic, GError **error)
{
	size_t count = 0;
	const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
	const rd_kafka_topic_result_t **topics =
		result ? rd_kafka_CreateTopics_result_topics(result, &count) : NULL;
	rd_kafka_resp_err_t code =
		count ? rd_kafka_topic_result_error(topics[0]) : rd_kafka_event_error(event);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
		return true;
	bool denied = code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
		      code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
	return fail(error, denied ? AS_ERROR_INVALID : AS_ERROR_UNAVAILABLE, "cannot be made", topic,
		rd_kafka_err2str(code));
}

static bool topic_make(rd_kafka_t *producer, const char *name, GError **error)
{
	rd_kafka_NewTopic_t *topic = topic_new(name);
	if (!topic)
		return fail(error, AS_ERROR_INVALID, "cannot be made", name, "the name is not allowed");
	rd_kafka_queue_t *queue = rd_kafka_queue_new(producer);
	rd_kafka_AdminOptions_t *options =
		rd_kafka_AdminOptions_new(producer, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	char why[ERROR_MAX];
	rd_kafka_AdminOptions_set_operation_timeout(options, WAIT_MS, why, sizeof why);
	rd_kafka_CreateTopics(producer, &topic, 1, options, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 2 * WAIT_MS);
	bool ok = event ? created(event, name, error)
			: fail(error, AS_ERROR_UNAVAILABLE, "cannot be made", name, "no answer");
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	rd_kafka_NewTopic_destroy(topic);
	return ok;
}

/* How many partitions a topic has; 0: it is not there, -1: the broker does not say. */
static int partition_count(rd_kafka_t *producer, const char *name, GError **error)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, name, NULL);
	rd_kafka_resp_err_t code = rd_kafka_metadata(producer, 0, topic, &metadata, WAIT_MS);
	rd_kafka_topic_destroy(topic);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
		fail(error, AS_ERROR_UNAVAILABLE, "cannot be looked at", name, rd_kafka_err2str(code));
		return -1;
	}
	int count = metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR
			    ? metadata->topics[0].partition_cnt
			    : 0;
	rd_kafka_metadata_destroy(metadata);
	return count;
}

bool kafka_progress_create(rd_kafka_t *producer, const char *topic, GError **error)
{
	int count = partition_count(producer, topic, error);
	if (count == 0 && topic_make(producer, topic, error))
		count = KAFKA_SHARDS;
	else if (count == 0)
		return false;
	if (count < 0)
		return false;
	if (count >= KAFKA_SHARDS)
		return true;
	g_autofree char *why = g_strdup_printf("it needs %d", KAFKA_SHARDS);
	return fail(error, AS_ERROR_INVALID, "has too few partitions", topic, why);
}

/* --- reading it --- */

static rd_kafka_t *reader_new(const struct kafka_settings *settings, GError **error)
{
	static const char *const properties[][2] = {{"group.id", "action-scheduler"},
		{"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"},
		{"isolation.level", "read_committed"}, {"enable.partition.eof", "true"},
		{"auto.offset.reset", "earliest"}, {"log.queue", "false"}};
	char why[ERROR_MAX];
	rd_kafka_conf_t *conf = kafka_config_observer(settings, error);
	if (!conf)
		return NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(properties); i++) {
		if (kafka_config_set(conf, properties[i][0], properties[i][1], error))
			continue;
		rd_kafka_conf_destroy(conf);
		return NULL;
	}
	rd_kafka_conf_set_log_cb(conf, NULL);
	rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
	if (!reader) {
		rd_kafka_conf_destroy(conf);
		fail(error, AS_ERROR_UNAVAILABLE, "cannot be read", settings->progress_topic, why);
	}
	return reader;
}

/* Takes in a message; keys of other schedulers are passed over. */
static bool message_take(const rd_kafka_message_t *message, const char *prefix, GHashTable *records,
	struct kafka_progress *out)
{
	g_autofree char *key = g_strndup(message->key, message->key_len);
	if (!g_str_has_prefix(key, prefix))
		return true;
	const char *name = key + strlen(prefix);
	if (strcmp(name, "owner") == 0) {
		g_free(out->owner);
		out->owner = message->payload ? g_strndup(message->payload, message->len) : NULL;
		return true;
	}
	guint64 number;
	if (!g_ascii_string_to_unsigned(name, 10, 1, G_MAXINT64, &number, NULL))
		return true;
	g_autoptr(GArray) fires = g_array_new(FALSE, FALSE, sizeof(struct ledger_fire));
	gpointer slot = GSIZE_TO_POINTER(number);
	/* The number goes on after those that are deleted, too. */
	ledger_reserve(out->ledger, number);
	if (!message->payload) {
		g_hash_table_remove(records, slot);
		return true;
	}
	if (!ledger_unpack(message->payload, message->len, fires))
		return false;
	g_hash_table_insert(records, slot, g_steal_pointer(&fires));
	return true;
}

static void records_add(GHashTable *records, struct ledger *ledger)
{
	GHashTableIter iter;
	gpointer number, fires;
	g_hash_table_iter_init(&iter, records);
	while (g_hash_table_iter_next(&iter, &number, &fires))
		ledger_add(ledger, GPOINTER_TO_SIZE(number),
			(const struct ledger_fire *)(void *)((GArray *)fires)->data, ((GArray *)fires)->len);
}

/* Reads up to the end of what is committed. */
static bool partition_read(rd_kafka_t *reader, const struct kafka_settings *settings, const char *prefix,
	GHashTable *records, struct kafka_progress *out, GError **error)
{
	const char *topic = settings->progress_topic;
	time_us deadline = clock_monotonic() + READ_WAIT;
	while (clock_monotonic() < deadline) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, POLL_MS);
		if (!message)
			continue;
		rd_kafka_resp_err_t code = message->err;
		/* However much there is to read, it goes on. */
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
			deadline = clock_monotonic() + READ_WAIT;
		bool good = code != RD_KAFKA_RESP_ERR_NO_ERROR || message_take(message, prefix, records, out);
		rd_kafka_message_destroy(message);
		if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			return true;
		if (!good)
			return fail(error, AS_ERROR_CORRUPT, "cannot be read", topic,
				"a record in it is none of this program, or of a newer one");
		if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN &&
			code != RD_KAFKA_RESP_ERR__TRANSPORT)
			return fail(
				error, AS_ERROR_UNAVAILABLE, "cannot be read", topic, rd_kafka_err2str(code));
	}
	return fail(error, AS_ERROR_UNAVAILABLE, "cannot be read", topic, "the broker does not answer");
}

bool kafka_progress_read(const struct kafka_settings *settings, unsigned shard, const char *transactional_id,
	struct kafka_progress *out, GError **error)
{
	rd_kafka_t *reader = reader_new(settings, error);
	if (!reader)
		return false;
	struct kafka_progress progress = {.ledger = ledger_new()};
	g_autofree char *prefix = g_strconcat(transactional_id, "/", NULL);
	g_autoptr(GHashTable) records =
		g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
	rd_kafka_topic_partition_list_t *where = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(where, settings->progress_topic, (int32_t)shard)->offset =
		RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_poll_set_consumer(reader);
	rd_kafka_assign(reader, where);
	bool ok = partition_read(reader, settings, prefix, records, &progress, error);
	rd_kafka_topic_partition_list_destroy(where);
	rd_kafka_consumer_close(reader);
	rd_kafka_destroy(reader);
	if (!ok) {
		ledger_free(progress.ledger);
		g_free(progress.owner);
		return false;
	}
	records_add(records, progress.ledger);
	*out = progress;
	return true;
}

/* --- writing it --- */

static rd_kafka_resp_err_t put(rd_kafka_t *producer, rd_kafka_topic_t *topic, unsigned shard, const char *key,
	const void *value, size_t length)
{
	/* clang-format off */
	return rd_kafka_producev(producer,
		RD_KAFKA_V_RKT(topic),
		RD_KAFKA_V_PARTITION((int32_t)shard),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		RD_KAFKA_V_KEY(key, strlen(key)),
		RD_KAFKA_V_VALUE((void *)(uintptr_t)value, length),
		RD_KAFKA_V_END);
	/* clang-format on */
}

static char *record_key(const char *transactional_id, uint64_t number)
{
	return g_strdup_printf("%s/%" G_GUINT64_FORMAT, transactional_id, number);
}

rd_kafka_resp_err_t kafka_progress_put_record(rd_kafka_t *producer, rd_kafka_topic_t *topic, unsigned shard,
	const char *transactional_id, uint64_t number, const struct ledger_fire *fires, size_t count)
{
	g_autofree char *key = record_key(transactional_id, number);
	g_autoptr(GByteArray) value = g_byte_array_new();
	ledger_pack(fires, count, value);
	return put(producer, topic, shard, key, value->data, value->len);
}

rd_kafka_resp_err_t kafka_progress_put_tombstone(rd_kafka_t *producer, rd_kafka_topic_t *topic,
	unsigned shard, const char *transactional_id, uint64_t number)
{
	g_autofree char *key = record_key(transactional_id, number);
	return put(producer, topic, shard, key, NULL, 0);
}

rd_kafka_resp_err_t kafka_progress_put_owner(rd_kafka_t *producer, rd_kafka_topic_t *topic, unsigned shard,
	const char *transactional_id, const char *owner)
{
	g_autofree char *key = g_strconcat(transactional_id, "/owner", NULL);
	return put(producer, topic, shard, key, owner, strlen(owner));
}
