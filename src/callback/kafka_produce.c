/* Fires to the producer, and from one producer to the next. */
#include "callback/kafka_sender_internal.h"

#include "base/clock.h"

/* A producer that is thrown away reports what it had within this time, or never. */
#define DRAIN_MAX (5 * US_PER_SECOND)

void kafka_fail(struct kafka_sender *sender, enum kafka_failure failure, const char *text)
{
	if (failure <= sender->failure)
		return;
	sender->failure = failure;
	g_free(sender->failure_text);
	sender->failure_text = g_strdup(text);
}

static bool producer_make(struct kafka_sender *sender)
{
	g_autoptr(GError) error = NULL;
	if (sender->handle)
		return true;
	sender->handle = kafka_handle_new(&sender->settings->kafka, sender->fires.again > 0, &error);
	if (!sender->handle) {
		kafka_fail(sender, KAFKA_AWAY, error->message);
		return false;
	}
	kafka_waking_set(sender, sender->handle->queue);
	return true;
}

static void producer_drop(struct kafka_sender *sender)
{
	kafka_waking_set(sender, NULL);
	kafka_handle_free(sender->handle);
	sender->handle = NULL;
}

/* Whether the next one may go to this producer. */
static bool may_send(const struct kafka_sender *sender)
{
	const struct kafka_entry *next = sender->fires.next;
	return next && !sender->failure && (!sender->handle->single || next->again);
}

/* False where the producer takes no more for now. */
static bool send_next(struct kafka_sender *sender, time_us now)
{
	struct kafka_entry *entry = sender->fires.next;
	struct kafka_topics *topics = &sender->handle->topics;
	rd_kafka_resp_err_t error = kafka_message_produce(&sender->message, sender->handle->producer,
		kafka_topics_of(topics, entry->fire.action), &entry->fire, entry);
	/* A queue that is full while nothing is in it has no room for this message ever. */
	bool never = error == RD_KAFKA_RESP_ERR__QUEUE_FULL && !sender->fires.sent;
	if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && !never)
		return false;
	entry->started_at = now;
	if (never)
		kafka_answer(sender, entry, FIRE_REJECTED,
			"the message is larger than queue.buffering.max.kbytes");
	else if (error)
		kafka_refused(sender, entry, error, true);
	else
		kafka_fires_sent(&sender->fires, entry);
	return true;
}

void kafka_produce(struct kafka_sender *sender)
{
	if (!sender->fires.next || !producer_make(sender))
		return;
	if (!sender->fires.sent)
		sender->progress_at = clock_monotonic();
	time_us now = clock_now();
	while (may_send(sender) && send_next(sender, now))
		continue;
}

/* What the producer has comes back: delivered after all, or not. */
static void producer_empty(struct kafka_sender *sender)
{
	time_us until = clock_monotonic() + DRAIN_MAX;
	if (!sender->handle)
		return;
	rd_kafka_purge(sender->handle->producer,
		RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
	while (sender->fires.sent && clock_monotonic() < until)
		kafka_serve(sender, 100);
	producer_drop(sender);
}

static void give_back(struct kafka_sender *sender)
{
	kafka_take(sender, false);
	kafka_trouble(sender, sender->failure_text);
	kafka_fires_rewind(&sender->fires, false);
	while (sender->fires.first)
		kafka_answer(sender, sender->fires.first, FIRE_UNAVAILABLE, sender->failure_text);
	sender->giving_back = true;
}

static void recover(struct kafka_sender *sender)
{
	if (sender->failure == KAFKA_AWAY)
		kafka_gate_set(sender, KAFKA_SHUT);
	producer_empty(sender);
	/* The failure may have become the worse one meanwhile. */
	if (sender->failure == KAFKA_AWAY) {
		kafka_gate_set(sender, KAFKA_SHUT);
		give_back(sender);
	} else {
		kafka_say(sender, sender->failure_text);
		kafka_fires_rewind(&sender->fires, true);
	}
	sender->failure = KAFKA_FINE;
	g_clear_pointer(&sender->failure_text, g_free);
	g_clear_pointer(&sender->last_error, g_free);
}

void kafka_renew(struct kafka_sender *sender)
{
	if (sender->failure)
		recover(sender);
	else if (sender->handle && sender->handle->single && !sender->fires.again)
		producer_drop(sender);
}
