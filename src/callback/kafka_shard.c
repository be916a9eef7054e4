#include "callback/kafka_shard_internal.h"

#include "base/clock.h"
#include "base/thread_wait.h"

/* Fires in hand of one shard, or kafka.max_open where that is more: all fires of an engine may be of one
 * action. */
#define HELD_MAX 16384

void kafka_shard_free(struct kafka_shard *shard)
{
	kafka_message_clear(&shard->message);
	ledger_free(shard->ledger);
	g_array_unref(shard->items);
	g_array_unref(shard->incoming);
	g_array_unref(shard->tombstones);
	g_free(shard->transactional_id);
	g_free(shard->instance);
	g_free(shard->last_error);
	pthread_mutex_destroy(&shard->lock);
	pthread_cond_destroy(&shard->changed);
	pthread_cond_destroy(&shard->finished);
	g_free(shard);
}

struct kafka_shard *kafka_shard_new(
	const struct callback_settings *settings, unsigned index, const struct callback_host *host)
{
	struct kafka_shard *shard = g_new0(struct kafka_shard, 1);
	shard->settings = settings;
	shard->host = *host;
	shard->index = index;
	shard->transactional_id =
		settings->kafka.transactional_id
			? g_strdup_printf("%s-%u", settings->kafka.transactional_id, index)
			: g_strdup_printf("action-scheduler.%s-%u", settings->kafka.topic, index);
	shard->instance = g_uuid_string_random();
	kafka_message_init(&shard->message, settings);
	shard->items = g_array_new(FALSE, FALSE, sizeof(struct kafka_item));
	shard->incoming = g_array_new(FALSE, FALSE, sizeof(struct fire));
	shard->tombstones = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	pthread_mutex_init(&shard->lock, NULL);
	pthread_cond_init(&shard->changed, NULL);
	pthread_cond_init(&shard->finished, NULL);
	shard->held_max = (size_t)MAX(HELD_MAX, settings->kafka.limits.max_open);
	shard->thread = g_thread_new("kafka-shard", kafka_shard_run, shard);
	return shard;
}

void kafka_shard_start(struct kafka_shard *shard)
{
	pthread_mutex_lock(&shard->lock);
	shard->wanted = true;
	pthread_cond_signal(&shard->changed);
	pthread_mutex_unlock(&shard->lock);
}

bool kafka_shard_submit(struct kafka_shard *shard, const struct fire *fire)
{
	pthread_mutex_lock(&shard->lock);
	bool room = shard->held < shard->held_max && !shard->ended;
	if (room) {
		g_array_append_val(shard->incoming, *fire);
		shard->held++;
	}
	shard->refused = shard->refused || !room;
	pthread_mutex_unlock(&shard->lock);
	return room;
}

void kafka_shard_flush(struct kafka_shard *shard)
{
	pthread_mutex_lock(&shard->lock);
	if (shard->incoming->len)
		pthread_cond_signal(&shard->changed);
	pthread_mutex_unlock(&shard->lock);
}

struct settling {
	callback_settled_fn is_settled;
	void *context;
};

static bool fire_is_settled(void *context, const struct ledger_fire *fire)
{
	const struct settling *settling = context;
	struct position position = {fire->due_at, fire->action_id, fire->nominal};
	return settling->is_settled(settling->context, position, fire->manual);
}

void kafka_shard_settle(struct kafka_shard *shard, callback_settled_fn is_settled, void *context)
{
	struct settling settling = {is_settled, context};
	pthread_mutex_lock(&shard->lock);
	if (shard->ledger)
		ledger_settle(shard->ledger, fire_is_settled, &settling, shard->tombstones);
	pthread_mutex_unlock(&shard->lock);
}

/* The start of a producer is not waited for where there are no fires for it. */
void kafka_shard_stop(struct kafka_shard *shard)
{
	pthread_mutex_lock(&shard->lock);
	shard->stopping = true;
	shard->abandoned = shard->starting && shard->held == 0;
	pthread_cond_signal(&shard->changed);
	pthread_mutex_unlock(&shard->lock);
}

void kafka_shard_wait(struct kafka_shard *shard, time_us deadline)
{
	pthread_mutex_lock(&shard->lock);
	while (!shard->ended && !shard->abandoned &&
		thread_wait_until(&shard->finished, &shard->lock, deadline))
		continue;
	shard->abandoned = !shard->ended;
	pthread_cond_signal(&shard->changed);
	pthread_mutex_unlock(&shard->lock);
}

bool kafka_shard_join(struct kafka_shard *shard, time_us deadline)
{
	pthread_mutex_lock(&shard->lock);
	while (!shard->ended && thread_wait_until(&shard->finished, &shard->lock, deadline))
		continue;
	bool ended = shard->ended;
	shard->detached = !ended;
	GThread *thread = shard->thread;
	pthread_mutex_unlock(&shard->lock);
	if (ended) {
		g_thread_join(thread);
		kafka_shard_free(shard);
	} else {
		g_thread_unref(thread);
	}
	return ended;
}
