/* The thread of a shard: from what was submitted to answers. */
#include "callback/kafka_shard_internal.h"

#include "base/clock.h"
#include "base/thread_wait.h"

/* Of one transaction: so many fires, and bytes of commands. It has to be over long before
 * transaction.timeout.ms, and all shards have one at a time in memory. */
#define BATCH_MAX 4096
#define BYTES_MAX (8 * 1024 * 1024)
#define GATHER    (5 * US_PER_MS)
#define RETRY_MIN (200 * US_PER_MS)
#define RETRY_MAX (10 * US_PER_SECOND)

/* --- talking to the host, on the thread --- */

bool kafka_shard_is_abandoned(struct kafka_shard *shard)
{
	pthread_mutex_lock(&shard->lock);
	bool abandoned = shard->abandoned;
	pthread_mutex_unlock(&shard->lock);
	return abandoned;
}

void kafka_shard_trouble(struct kafka_shard *shard, const char *message)
{
	if (shard->trouble == (message != NULL))
		return;
	shard->trouble = message != NULL;
	pthread_mutex_lock(&shard->lock);
	if (!shard->abandoned)
		shard->host.trouble(shard->host.context, message);
	pthread_mutex_unlock(&shard->lock);
}

static void shard_broken(struct kafka_shard *shard)
{
	g_autofree char *text = g_strdup_printf("another scheduler has taken over the transactional id %s: "
						"where both are to run, give each a "
						"kafka.transactional_id of its own",
		shard->transactional_id);
	pthread_mutex_lock(&shard->lock);
	if (!shard->abandoned)
		shard->host.broken(shard->host.context, text);
	pthread_mutex_unlock(&shard->lock);
}

/* Answers the first `count` items that have an answer, and takes them out. */
static void items_answer(
	struct kafka_shard *shard, guint count, enum fire_answer (*answer_of)(const struct kafka_item *item))
{
	g_autofree struct fire_result *results = g_new0(struct fire_result, count + 1);
	time_us now = clock_now();
	for (guint i = 0; i < count; i++) {
		const struct kafka_item *item = &g_array_index(shard->items, struct kafka_item, i);
		results[i] = (struct fire_result){.ticket = item->fire.ticket,
			.answer = answer_of(item),
			.started_at = MIN(item->started_at, now),
			.finished_at = now,
			.detail = item->error ? g_strdup(rd_kafka_err2str(item->error)) : NULL};
	}
	g_array_remove_range(shard->items, 0, count);
	pthread_mutex_lock(&shard->lock);
	shard->held -= count;
	bool told = !shard->abandoned;
	if (told && count)
		shard->host.resolved(shard->host.context, results, count);
	if (told && shard->refused && shard->held < shard->held_max) {
		shard->refused = false;
		shard->host.ready(shard->host.context);
	}
	pthread_mutex_unlock(&shard->lock);
	for (guint i = 0; !told && i < count; i++)
		g_free(results[i].detail);
}

static enum fire_answer delivered(const struct kafka_item *item)
{
	(void)item;
	return FIRE_DELIVERED;
}

static enum fire_answer rejected(const struct kafka_item *item)
{
	(void)item;
	return FIRE_REJECTED;
}

/* --- the thread --- */

/* A transaction is dear and the next one waits for it: what comes due together is to be in one. */
static void gather(struct kafka_shard *shard)
{
	time_us until = clock_monotonic() + GATHER;
	while (!shard->stopping && !shard->abandoned && shard->incoming->len > 0 &&
		shard->items->len + shard->incoming->len < BATCH_MAX &&
		thread_wait_until(&shard->changed, &shard->lock, until))
		continue;
}

/* Takes what was submitted; waits for it where there is nothing to do. False where the thread has to end. */
static bool items_take(struct kafka_shard *shard)
{
	pthread_mutex_lock(&shard->lock);
	while (!shard->items->len && !shard->incoming->len && !shard->wanted && !shard->stopping &&
		!shard->abandoned)
		pthread_cond_wait(&shard->changed, &shard->lock);
	gather(shard);
	time_us now = clock_now();
	for (guint i = 0; i < shard->incoming->len; i++) {
		struct kafka_item item = {
			.fire = g_array_index(shard->incoming, struct fire, i), .started_at = now};
		g_array_append_val(shard->items, item);
	}
	g_array_set_size(shard->incoming, 0);
	bool going = !shard->abandoned && (shard->items->len || !shard->stopping);
	pthread_mutex_unlock(&shard->lock);
	return going;
}

static void pause_thread(struct kafka_shard *shard, dur_us delay)
{
	time_us until = clock_monotonic() + delay;
	pthread_mutex_lock(&shard->lock);
	while (!shard->abandoned && !(shard->stopping && shard->held == 0) &&
		thread_wait_until(&shard->changed, &shard->lock, until))
		continue;
	pthread_mutex_unlock(&shard->lock);
}

/* The first of the items that a transaction before a crash or a loss of the producer has delivered already.
 */
static guint known_count(struct kafka_shard *shard)
{
	guint count = 0;
	pthread_mutex_lock(&shard->lock);
	while (count < shard->items->len) {
		struct ledger_fire fire =
			ledger_fire_of(&g_array_index(shard->items, struct kafka_item, count).fire);
		if (!ledger_has(shard->ledger, &fire))
			break;
		count++;
	}
	pthread_mutex_unlock(&shard->lock);
	return count;
}

/* How many from the first on may go into one transaction: up to one that is delivered already. */
static guint unknown_count(struct kafka_shard *shard, guint most)
{
	guint count = 0;
	size_t bytes = 0;
	pthread_mutex_lock(&shard->lock);
	for (; count < MIN(shard->items->len, most); count++) {
		const struct fire *fire = &g_array_index(shard->items, struct kafka_item, count).fire;
		struct ledger_fire known = ledger_fire_of(fire);
		bytes += fire->action->command_length;
		if ((count > 0 && bytes > BYTES_MAX) || ledger_has(shard->ledger, &known))
			break;
	}
	pthread_mutex_unlock(&shard->lock);
	return count;
}

/* The topic that the row has chosen is not there, or is not for us. */
static bool is_row_topic(const struct kafka_item *item)
{
	return action_topic(item->fire.action) &&
	       (item->error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
		       item->error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
		       item->error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
}

/* Whether it is the message that is at fault. */
static bool is_refusal(const struct kafka_item *item)
{
	rd_kafka_resp_err_t error = item->error;
	return is_row_topic(item) || error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
	       error == RD_KAFKA_RESP_ERR_INVALID_RECORD || error == RD_KAFKA_RESP_ERR_INVALID_MSG ||
	       error == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE;
}

bool kafka_any_refused(const struct kafka_shard *shard)
{
	for (guint i = 0; i < shard->items->len; i++)
		if (is_refusal(&g_array_index(shard->items, struct kafka_item, i)))
			return true;
	return false;
}

/* They are tried anew. */
static void errors_clear(struct kafka_shard *shard)
{
	for (guint i = 0; i < shard->items->len; i++)
		g_array_index(shard->items, struct kafka_item, i).error = RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* One transaction, or the answers that need none. `most` is how many may be together: after a refusal each
 * goes alone, so that only the one at fault is rejected. Returns the end of it. */
static enum kafka_end step(struct kafka_shard *shard, guint *most)
{
	guint known = known_count(shard);
	if (known) {
		items_answer(shard, known, delivered);
		kafka_shard_trouble(shard, NULL);
		return KAFKA_COMMITTED;
	}
	guint count = unknown_count(shard, *most);
	enum kafka_end end = kafka_transact(shard, count);
	if (end == KAFKA_COMMITTED) {
		*most = MIN(2 * *most, BATCH_MAX);
		items_answer(shard, count, delivered);
	} else if (end == KAFKA_ABORTED && kafka_any_refused(shard)) {
		if (count == 1)
			items_answer(shard, 1, rejected);
		errors_clear(shard);
		*most = 1;
		end = KAFKA_COMMITTED; /* it goes on at once */
	}
	if (end == KAFKA_COMMITTED) {
		kafka_shard_trouble(shard, NULL);
		g_clear_pointer(&shard->last_error, g_free);
	}
	return end;
}

/* At the end the ledger is tidied up as far as internal_db got to know. */
static void tidy(struct kafka_shard *shard)
{
	if (shard->producer && shard->tombstones->len && !kafka_shard_is_abandoned(shard))
		kafka_transact(shard, 0);
}

static void starting_set(struct kafka_shard *shard, bool starting, bool wanted)
{
	pthread_mutex_lock(&shard->lock);
	shard->starting = starting;
	shard->wanted = wanted;
	pthread_mutex_unlock(&shard->lock);
}

/* Whether there is a producer. */
static enum kafka_end producer_ready(struct kafka_shard *shard)
{
	if (shard->producer)
		return KAFKA_COMMITTED;
	starting_set(shard, true, shard->wanted);
	enum kafka_end end = kafka_producer_start(shard);
	starting_set(shard, false, shard->wanted && end != KAFKA_COMMITTED);
	if (end == KAFKA_COMMITTED && !shard->items->len)
		kafka_shard_trouble(shard, NULL);
	return end;
}

static void transactions_run(struct kafka_shard *shard)
{
	guint most = BATCH_MAX;
	dur_us delay = RETRY_MIN;
	while (items_take(shard)) {
		enum kafka_end end = producer_ready(shard);
		if (end == KAFKA_COMMITTED && shard->items->len)
			end = step(shard, &most);
		if (end == KAFKA_TAKEN_OVER) {
			shard_broken(shard);
			return;
		}
		if (end == KAFKA_RENEW)
			kafka_producer_drop(shard);
		if (end == KAFKA_COMMITTED) {
			delay = RETRY_MIN;
			continue;
		}
		pause_thread(shard, delay);
		delay = MIN(2 * delay, RETRY_MAX);
	}
	tidy(shard);
}

void *kafka_shard_run(void *data)
{
	struct kafka_shard *shard = data;
	transactions_run(shard);
	kafka_producer_drop(shard);
	pthread_mutex_lock(&shard->lock);
	shard->ended = true;
	pthread_cond_broadcast(&shard->finished);
	bool detached = shard->detached;
	pthread_mutex_unlock(&shard->lock);
	if (detached)
		kafka_shard_free(shard);
	return NULL;
}
