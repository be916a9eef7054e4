#include "callback/kafka_once.h"

#include <pthread.h>

#include "base/clock.h"
#include "callback/kafka_progress.h"
#include "callback/kafka_shard.h"

/* Threads that are told to end at once need a moment. */
#define LAST_MOMENT (500 * US_PER_MS)

/* Outlives close where a shard is left to its thread: then it is never freed, as the process ends. */
struct kafka_once {
	struct callback_host host;
	struct kafka_shard *shards[KAFKA_SHARDS];
	pthread_mutex_t lock;
	unsigned troubled; /* shards that wait for the broker */
};

static void on_resolved(void *context, const struct fire_result *results, size_t count)
{
	const struct kafka_once *once = context;
	once->host.resolved(once->host.context, results, count);
}

static void on_ready(void *context)
{
	const struct kafka_once *once = context;
	once->host.ready(once->host.context);
}

/* The first shard that waits is told of, and that none does any more. */
static void on_trouble(void *context, const char *message)
{
	struct kafka_once *once = context;
	pthread_mutex_lock(&once->lock);
	bool tell = message ? once->troubled++ == 0 : --once->troubled == 0;
	if (tell)
		once->host.trouble(once->host.context, message);
	pthread_mutex_unlock(&once->lock);
}

static void on_broken(void *context, const char *message)
{
	const struct kafka_once *once = context;
	once->host.broken(once->host.context, message);
}

struct kafka_once *kafka_once_new(const struct callback_settings *settings, const struct callback_host *host)
{
	struct kafka_once *once = g_new0(struct kafka_once, 1);
	struct callback_host mine = {on_resolved, on_ready, on_trouble, on_broken, NULL, once};
	once->host = *host;
	pthread_mutex_init(&once->lock, NULL);
	for (unsigned i = 0; i < KAFKA_SHARDS; i++)
		once->shards[i] = kafka_shard_new(settings, i, &mine);
	return once;
}

void kafka_once_start(struct kafka_once *once)
{
	for (unsigned i = 0; i < KAFKA_SHARDS; i++)
		kafka_shard_start(once->shards[i]);
}

static unsigned shard_of(int64_t action_id)
{
	return (unsigned)(((uint64_t)action_id * UINT64_C(0x9e3779b97f4a7c15)) >> 61);
}
G_STATIC_ASSERT(KAFKA_SHARDS == 1 << (64 - 61));

size_t kafka_once_submit(struct kafka_once *once, const struct fire *fires, size_t count)
{
	size_t accepted = 0;
	while (accepted < count &&
		kafka_shard_submit(once->shards[shard_of(fires[accepted].action->id)], &fires[accepted]))
		accepted++;
	for (unsigned i = 0; i < KAFKA_SHARDS; i++)
		kafka_shard_flush(once->shards[i]);
	return accepted;
}

void kafka_once_settle(struct kafka_once *once, callback_settled_fn is_settled, void *context)
{
	for (unsigned i = 0; i < KAFKA_SHARDS; i++)
		kafka_shard_settle(once->shards[i], is_settled, context);
}

bool kafka_once_close(struct kafka_once *once, time_us deadline)
{
	bool ended = true;
	for (unsigned i = 0; i < KAFKA_SHARDS; i++)
		kafka_shard_stop(once->shards[i]);
	for (unsigned i = 0; i < KAFKA_SHARDS; i++)
		kafka_shard_wait(once->shards[i], deadline);
	time_us last = clock_monotonic() + LAST_MOMENT;
	for (unsigned i = 0; i < KAFKA_SHARDS; i++)
		ended = kafka_shard_join(once->shards[i], last) && ended;
	if (ended) {
		pthread_mutex_destroy(&once->lock);
		g_free(once);
	}
	return ended;
}
