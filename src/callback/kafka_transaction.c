#include "callback/kafka_shard_internal.h"

#include "base/clock.h"
#include "callback/kafka_config.h"

/* Calls are short, for the end to be seen; that one goes on for long is told. */
#define CALL_MS    200
#define CALL_LONG  (5 * US_PER_SECOND)
#define POLL_MS    100
#define ERROR_MAX  512
/* kafka.options may say otherwise. */
#define TIMEOUT_MS 60000
/* A new owner needs a moment to write its name. */
#define OWNER_WAIT (3 * US_PER_SECOND)

/* --- what librdkafka tells --- */

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
	(void)producer;
	(void)opaque;
	struct kafka_item *item = message->_private;
	if (item && message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		item->error = message->err;
}

static void on_error(rd_kafka_t *producer, int code, const char *reason, void *opaque)
{
	(void)producer;
	(void)code;
	struct kafka_shard *shard = opaque;
	g_free(shard->last_error);
	shard->last_error = g_utf8_make_valid(reason, -1);
}

static void on_log(const rd_kafka_t *producer, int level, const char *facility, const char *text)
{
	(void)producer;
	(void)level;
	(void)facility;
	(void)text;
}

/* In words where librdkafka's do not name the topic. Free with g_free. */
static char *reason_text(const struct kafka_shard *shard, rd_kafka_resp_err_t code)
{
	if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
		return g_strdup_printf("there is no topic %s", shard->settings->kafka.topic);
	return g_strdup(rd_kafka_err2str(code));
}

/* What the broker said of a message says more than that the transaction failed. Free with g_free. */
static char *first_reason(const struct kafka_shard *shard)
{
	for (guint i = 0; i < shard->items->len; i++) {
		const struct kafka_item *item = &g_array_index(shard->items, struct kafka_item, i);
		if (item->error && item->error != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
			item->error != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
			return reason_text(shard, item->error);
	}
	return g_strdup(shard->last_error);
}

/* Not of a message that is refused for its own fault: the others do not wait. */
static void tell_trouble(struct kafka_shard *shard, const char *what, const char *why)
{
	if (kafka_any_refused(shard))
		return;
	g_autofree char *reason = first_reason(shard);
	g_autofree char *valid = g_utf8_make_valid(why, -1);
	bool more = reason && !g_str_equal(reason, valid);
	g_autofree char *text =
		g_strdup_printf("%s: %s%s%s", what, valid, more ? "; " : "", more ? reason : "");
	kafka_shard_trouble(shard, text);
}

/* --- calls that are tried until they have an outcome --- */

typedef rd_kafka_error_t *(*transaction_fn)(rd_kafka_t *producer, int timeout_ms);

/* Takes the error. */
static enum kafka_end end_of(struct kafka_shard *shard, rd_kafka_error_t *error, const char *what)
{
	if (!error)
		return KAFKA_COMMITTED;
	bool fenced = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__FENCED;
	bool fatal = rd_kafka_error_is_fatal(error);
	bool aborts = !fatal && rd_kafka_error_txn_requires_abort(error);
	/* A timeout of the broker's fences as well: that is told apart by the owner in the progress topic. */
	if (!fenced)
		tell_trouble(shard, what, rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
	return aborts ? KAFKA_ABORTED : KAFKA_RENEW;
}

static enum kafka_end call_until_known(struct kafka_shard *shard, transaction_fn call, const char *what)
{
	time_us long_at = clock_monotonic() + CALL_LONG;
	for (;;) {
		rd_kafka_error_t *error = call(shard->producer, CALL_MS);
		if (!error || !rd_kafka_error_is_retriable(error))
			return end_of(shard, error, what);
		if (clock_monotonic() >= long_at)
			tell_trouble(shard, what, rd_kafka_error_string(error));
		rd_kafka_error_destroy(error);
		if (kafka_shard_is_abandoned(shard))
			return KAFKA_GIVEN_UP;
	}
}

/* --- the producer --- */

static gint64 conf_number(const rd_kafka_conf_t *conf, const char *name)
{
	char text[32] = "";
	size_t size = sizeof text;
	rd_kafka_conf_get(conf, name, text, &size);
	return g_ascii_strtoll(text, NULL, 10);
}

static bool conf_cap(rd_kafka_conf_t *conf, const char *name, gint64 most, GError **error)
{
	gint64 number = conf_number(conf, name);
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, most);
	return (number > 0 && number <= most) || kafka_config_set(conf, name, text, error);
}

/* What is on its way has to be over before the broker gives the transaction up. */
static bool conf_set_timeouts(rd_kafka_conf_t *conf, const struct kafka_settings *settings, GError **error)
{
	static const char name[] = "transaction.timeout.ms";
	if (!g_hash_table_contains(settings->options, name) &&
		!kafka_config_set(conf, name, G_STRINGIFY(TIMEOUT_MS), error))
		return false;
	gint64 timeout = conf_number(conf, name), most = timeout - timeout / 10;
	return conf_cap(conf, "message.timeout.ms", most, error) &&
	       conf_cap(conf, "socket.timeout.ms", most, error) &&
	       conf_cap(conf, "request.timeout.ms", most, error);
}

static rd_kafka_conf_t *transactional_conf(struct kafka_shard *shard, GError **error)
{
	rd_kafka_conf_t *conf = kafka_config_producer(&shard->settings->kafka, error);
	if (!conf)
		return NULL;
	bool ok = kafka_config_set(conf, "transactional.id", shard->transactional_id, error) &&
		  conf_set_timeouts(conf, &shard->settings->kafka, error) &&
		  kafka_config_set(conf, "log.queue", "false", error);
	if (!ok) {
		rd_kafka_conf_destroy(conf);
		return NULL;
	}
	rd_kafka_conf_set_opaque(conf, shard);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	return conf;
}

static bool producer_new(struct kafka_shard *shard, GError **error)
{
	char why[ERROR_MAX];
	rd_kafka_conf_t *conf = transactional_conf(shard, error);
	if (!conf)
		return false;
	shard->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (!shard->producer) {
		rd_kafka_conf_destroy(conf);
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "kafka: %s", why);
		return false;
	}
	kafka_topics_init(&shard->topics, shard->producer, shard->settings->kafka.topic);
	shard->progress_topic =
		rd_kafka_topic_new(shard->producer, shard->settings->kafka.progress_topic, NULL);
	return true;
}

void kafka_producer_drop(struct kafka_shard *shard)
{
	if (!shard->producer)
		return;
	rd_kafka_purge(shard->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	kafka_topics_clear(&shard->topics);
	rd_kafka_topic_destroy(shard->progress_topic);
	rd_kafka_destroy(shard->producer);
	shard->producer = NULL;
}

/* Another name than ours is there after ours was: somebody took over. */
static bool is_taken_over(const struct kafka_shard *shard, const struct kafka_progress *progress)
{
	return shard->owned && g_strcmp0(progress->owner, shard->instance) != 0;
}

static enum kafka_end progress_take(struct kafka_shard *shard, GError **error)
{
	struct kafka_progress progress;
	if (!kafka_progress_create(shard->producer, shard->settings->kafka.progress_topic, error) ||
		!kafka_progress_read(
			&shard->settings->kafka, shard->index, shard->transactional_id, &progress, error))
		return KAFKA_RENEW;
	if (is_taken_over(shard, &progress)) {
		ledger_free(progress.ledger);
		g_free(progress.owner);
		return KAFKA_TAKEN_OVER;
	}
	g_free(progress.owner);
	pthread_mutex_lock(&shard->lock);
	ledger_free(shard->ledger);
	shard->ledger = progress.ledger;
	g_array_set_size(shard->tombstones, 0);
	pthread_mutex_unlock(&shard->lock);
	return KAFKA_COMMITTED;
}

/* Before the old producer is fenced: whether it was us who were. */
static enum kafka_end owner_check(struct kafka_shard *shard, GError **error)
{
	if (!shard->owned)
		return KAFKA_COMMITTED;
	for (time_us until = clock_monotonic() + OWNER_WAIT; clock_monotonic() < until;)
		g_usleep(POLL_MS * 1000);
	struct kafka_progress progress;
	if (!kafka_progress_read(
		    &shard->settings->kafka, shard->index, shard->transactional_id, &progress, error))
		return KAFKA_RENEW;
	enum kafka_end end = is_taken_over(shard, &progress) ? KAFKA_TAKEN_OVER : KAFKA_COMMITTED;
	ledger_free(progress.ledger);
	g_free(progress.owner);
	return end;
}

static enum kafka_end owner_write(struct kafka_shard *shard)
{
	rd_kafka_error_t *error = rd_kafka_begin_transaction(shard->producer);
	if (error)
		return end_of(shard, error, "begin of a transaction");
	rd_kafka_resp_err_t code = kafka_progress_put_owner(shard->producer, shard->progress_topic,
		shard->index, shard->transactional_id, shard->instance);
	if (code)
		tell_trouble(shard, "taking over", rd_kafka_err2str(code));
	enum kafka_end end =
		code ? KAFKA_RENEW : call_until_known(shard, rd_kafka_commit_transaction, "taking over");
	shard->owned = shard->owned || end == KAFKA_COMMITTED;
	return end == KAFKA_ABORTED ? KAFKA_RENEW : end;
}

enum kafka_end kafka_producer_start(struct kafka_shard *shard)
{
	g_autoptr(GError) error = NULL;
	enum kafka_end end = owner_check(shard, &error);
	if (end == KAFKA_COMMITTED && !producer_new(shard, &error))
		end = KAFKA_RENEW;
	if (end == KAFKA_COMMITTED)
		end = call_until_known(shard, rd_kafka_init_transactions, "start of transactions");
	if (end == KAFKA_COMMITTED)
		end = progress_take(shard, &error);
	if (end == KAFKA_COMMITTED)
		end = owner_write(shard);
	if (error)
		tell_trouble(shard, "kafka.exactly_once", error->message);
	if (end != KAFKA_COMMITTED)
		kafka_producer_drop(shard);
	return end;
}

/* --- a transaction --- */

/* Waits where the producer has no room; a message for which it has none even while it is empty is too large.
 */
static rd_kafka_resp_err_t produce_item(struct kafka_shard *shard, struct kafka_item *item)
{
	rd_kafka_topic_t *topic = kafka_topics_of(&shard->topics, item->fire.action);
	for (bool empty = false;; empty = rd_kafka_outq_len(shard->producer) == 0) {
		rd_kafka_resp_err_t code =
			kafka_message_produce(&shard->message, shard->producer, topic, &item->fire, item);
		if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || kafka_shard_is_abandoned(shard))
			return code;
		if (empty)
			return RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
		rd_kafka_poll(shard->producer, POLL_MS);
	}
}

static rd_kafka_resp_err_t produce_items(struct kafka_shard *shard, guint count)
{
	for (guint i = 0; i < count; i++) {
		struct kafka_item *item = &g_array_index(shard->items, struct kafka_item, i);
		rd_kafka_resp_err_t code = produce_item(shard, item);
		item->error = code;
		if (code)
			return code;
	}
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t produce_progress(
	struct kafka_shard *shard, const struct ledger_fire *fires, guint count, const GArray *tombstones)
{
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (count)
		code = kafka_progress_put_record(shard->producer, shard->progress_topic, shard->index,
			shard->transactional_id, ledger_next(shard->ledger), fires, count);
	for (guint i = 0; !code && i < tombstones->len; i++)
		code = kafka_progress_put_tombstone(shard->producer, shard->progress_topic, shard->index,
			shard->transactional_id, g_array_index(tombstones, uint64_t, i));
	return code;
}

static enum kafka_end abort_now(struct kafka_shard *shard)
{
	enum kafka_end end = call_until_known(shard, rd_kafka_abort_transaction, "end of a transaction");
	return end == KAFKA_COMMITTED ? KAFKA_ABORTED : end == KAFKA_ABORTED ? KAFKA_RENEW : end;
}

static GArray *tombstones_take(struct kafka_shard *shard)
{
	pthread_mutex_lock(&shard->lock);
	GArray *taken = shard->tombstones;
	shard->tombstones = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	pthread_mutex_unlock(&shard->lock);
	return taken;
}

/* What was committed is in the ledger; of what was not, the tombstones are to be written with the next one.
 */
static void ledger_update(struct kafka_shard *shard, const struct ledger_fire *fires, guint count,
	const GArray *tombstones, bool committed)
{
	pthread_mutex_lock(&shard->lock);
	if (committed && count)
		ledger_add(shard->ledger, ledger_next(shard->ledger), fires, count);
	if (!committed && tombstones->len)
		g_array_append_vals(shard->tombstones, tombstones->data, tombstones->len);
	pthread_mutex_unlock(&shard->lock);
}

enum kafka_end kafka_transact(struct kafka_shard *shard, guint count)
{
	rd_kafka_error_t *error = rd_kafka_begin_transaction(shard->producer);
	if (error)
		return end_of(shard, error, "begin of a transaction");
	g_autoptr(GArray) tombstones = tombstones_take(shard);
	g_autofree struct ledger_fire *fires = g_new(struct ledger_fire, count + 1);
	for (guint i = 0; i < count; i++)
		fires[i] = ledger_fire_of(&g_array_index(shard->items, struct kafka_item, i).fire);
	rd_kafka_resp_err_t code = produce_items(shard, count);
	if (!code)
		code = produce_progress(shard, fires, count, tombstones);
	enum kafka_end end = KAFKA_ABORTED;
	if (!code)
		end = call_until_known(shard, rd_kafka_commit_transaction, "commit of a transaction");
	if (end == KAFKA_ABORTED)
		end = abort_now(shard);
	/* A message that the broker has refused ends the transaction under those that follow it; only now,
	 * with all reports there, is it known that it was so. */
	if (code) {
		g_autofree char *why = reason_text(shard, code);
		tell_trouble(shard, "a message", why);
	}
	ledger_update(shard, fires, count, tombstones, end == KAFKA_COMMITTED);
	return end;
}
