#include "callback/kafka_sender_internal.h"

#include "base/clock.h"
#include "base/thread_wait.h"

/* Fires in hand, or kafka.max_open where that is more. */
#define HELD_MAX     16384
/* A producer that is thrown away needs a moment for its threads. */
#define LAST_MOMENT  (500 * US_PER_MS)
#define WAIT_BUSY_MS 500
#define WAIT_IDLE_MS 60000

/* Wakes the thread wherever it waits; the caller holds the lock. */
static void sender_wake(struct kafka_sender *sender)
{
	if (sender->waking)
		rd_kafka_queue_yield(sender->waking);
	pthread_cond_signal(&sender->changed);
}

static void sender_free(struct kafka_sender *sender)
{
	kafka_fires_clear(&sender->fires);
	kafka_message_clear(&sender->message);
	g_array_unref(sender->results);
	g_array_unref(sender->incoming);
	g_free(sender->failure_text);
	g_free(sender->last_error);
	pthread_mutex_destroy(&sender->lock);
	pthread_cond_destroy(&sender->changed);
	pthread_cond_destroy(&sender->finished);
	g_free(sender);
}

/* --- the thread --- */

void kafka_answer(
	struct kafka_sender *sender, struct kafka_entry *entry, enum fire_answer answer, const char *detail)
{
	time_us now = clock_now();
	struct fire_result result = {.ticket = entry->fire.ticket,
		.answer = answer,
		.started_at = entry->started_at == TIME_US_MIN ? now : MIN(entry->started_at, now),
		.finished_at = now,
		.detail = g_strdup(detail)};
	g_array_append_val(sender->results, result);
	kafka_fires_remove(&sender->fires, entry);
}

/* After an answer there is room; and once what was given back is told, submits are welcome again. */
static void ready_tell(struct kafka_sender *sender)
{
	if (!sender->refused || sender->gate == KAFKA_SHUT || sender->held >= sender->held_max)
		return;
	sender->refused = false;
	sender->gate = KAFKA_OPEN;
	sender->host.ready(sender->host.context);
}

void kafka_results_tell(struct kafka_sender *sender)
{
	const struct fire_result *results = (const struct fire_result *)(void *)sender->results->data;
	if (!sender->results->len && !sender->giving_back)
		return;
	pthread_mutex_lock(&sender->lock);
	bool told = !sender->abandoned;
	sender->held -= sender->results->len;
	if (told && sender->results->len)
		sender->host.resolved(sender->host.context, results, sender->results->len);
	if (sender->giving_back)
		sender->gate = KAFKA_OPENED;
	sender->giving_back = false;
	if (told)
		ready_tell(sender);
	pthread_mutex_unlock(&sender->lock);
	for (guint i = 0; !told && i < sender->results->len; i++)
		g_free(results[i].detail);
	g_array_set_size(sender->results, 0);
}

void kafka_trouble(struct kafka_sender *sender, const char *message)
{
	if (sender->trouble == (message != NULL))
		return;
	sender->trouble = message != NULL;
	pthread_mutex_lock(&sender->lock);
	if (!sender->abandoned)
		sender->host.trouble(sender->host.context, message);
	pthread_mutex_unlock(&sender->lock);
}

void kafka_say(struct kafka_sender *sender, const char *line)
{
	pthread_mutex_lock(&sender->lock);
	if (!sender->abandoned && sender->host.say)
		sender->host.say(sender->host.context, line);
	pthread_mutex_unlock(&sender->lock);
}

bool kafka_take(struct kafka_sender *sender, bool wait)
{
	pthread_mutex_lock(&sender->lock);
	while (wait && !sender->incoming->len && !sender->stopping)
		pthread_cond_wait(&sender->changed, &sender->lock);
	for (guint i = 0; i < sender->incoming->len; i++)
		kafka_fires_add(&sender->fires, &g_array_index(sender->incoming, struct fire, i));
	g_array_set_size(sender->incoming, 0);
	bool ending = sender->abandoned || (sender->stopping && !sender->fires.count);
	pthread_mutex_unlock(&sender->lock);
	return !ending;
}

void kafka_gate_set(struct kafka_sender *sender, enum kafka_gate gate)
{
	pthread_mutex_lock(&sender->lock);
	sender->gate = gate;
	pthread_mutex_unlock(&sender->lock);
}

void kafka_waking_set(struct kafka_sender *sender, rd_kafka_queue_t *queue)
{
	pthread_mutex_lock(&sender->lock);
	sender->waking = queue;
	pthread_mutex_unlock(&sender->lock);
}

static gpointer sender_thread(gpointer data)
{
	struct kafka_sender *sender = data;
	while (kafka_take(sender, !sender->handle && !sender->fires.count)) {
		kafka_produce(sender);
		kafka_results_tell(sender);
		if (sender->handle && !sender->failure)
			kafka_serve(sender, sender->fires.count ? WAIT_BUSY_MS : WAIT_IDLE_MS);
		kafka_watch(sender);
		kafka_renew(sender);
		kafka_results_tell(sender);
	}
	kafka_waking_set(sender, NULL);
	kafka_handle_free(sender->handle);
	pthread_mutex_lock(&sender->lock);
	sender->ended = true;
	pthread_cond_signal(&sender->finished);
	bool detached = sender->detached;
	pthread_mutex_unlock(&sender->lock);
	if (detached)
		sender_free(sender);
	return NULL;
}

/* --- the loop thread --- */

struct kafka_sender *kafka_sender_new(
	const struct callback_settings *settings, const struct callback_host *host, GError **error)
{
	struct kafka_handle *handle = kafka_handle_new(&settings->kafka, false, error);
	if (!handle)
		return NULL;
	struct kafka_sender *sender = g_new0(struct kafka_sender, 1);
	sender->settings = settings;
	sender->host = *host;
	sender->held_max = (size_t)MAX(HELD_MAX, settings->kafka.limits.max_open);
	sender->handle = handle;
	sender->waking = handle->queue;
	sender->lines_since = clock_monotonic();
	sender->wordy = g_hash_table_contains(settings->kafka.options, "debug");
	kafka_message_init(&sender->message, settings);
	sender->results = g_array_new(false, false, sizeof(struct fire_result));
	sender->incoming = g_array_new(false, false, sizeof(struct fire));
	pthread_mutex_init(&sender->lock, NULL);
	pthread_cond_init(&sender->changed, NULL);
	pthread_cond_init(&sender->finished, NULL);
	sender->thread = g_thread_new("kafka", sender_thread, sender);
	return sender;
}

size_t kafka_sender_submit(struct kafka_sender *sender, const struct fire *fires, size_t count)
{
	size_t accepted = 0;
	pthread_mutex_lock(&sender->lock);
	if (sender->gate == KAFKA_OPEN)
		accepted = MIN(count, sender->held_max - sender->held);
	if (accepted) {
		g_array_append_vals(sender->incoming, fires, (guint)accepted);
		sender->held += accepted;
		/* Where something lies there already, it was woken. */
		if (sender->incoming->len == accepted)
			sender_wake(sender);
	}
	sender->refused = sender->refused || accepted < count;
	if (sender->gate == KAFKA_OPENED)
		ready_tell(sender);
	pthread_mutex_unlock(&sender->lock);
	return accepted;
}

bool kafka_sender_close(struct kafka_sender *sender, time_us deadline)
{
	pthread_mutex_lock(&sender->lock);
	sender->stopping = true;
	sender_wake(sender);
	while (!sender->ended && thread_wait_until(&sender->finished, &sender->lock, deadline))
		continue;
	sender->abandoned = !sender->ended;
	time_us last = clock_monotonic() + LAST_MOMENT;
	if (sender->abandoned)
		sender_wake(sender);
	while (!sender->ended && thread_wait_until(&sender->finished, &sender->lock, last))
		continue;
	bool ended = sender->ended;
	sender->detached = !ended;
	GThread *thread = sender->thread;
	pthread_mutex_unlock(&sender->lock);
	if (ended) {
		g_thread_join(thread);
		sender_free(sender);
	} else {
		g_thread_unref(thread);
	}
	return ended;
}
