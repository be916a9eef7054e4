/* Purpose: a thread with a producer: takes fires, hands them to librdkafka, answers them by the delivery
 * reports.
 *
 * A fire is answered
 *   delivered    when the broker has acknowledged its message;
 *   rejected     when it is this message that is refused (too large);
 *   unavailable  together with all others, when the broker or the topic cannot be written to. The producer is
 *                thrown away then with all it has, and a new one made with the next fire: so no later message
 *                of an action comes before one that has to be handed out again.
 * Where a batch is refused for what is in it, the producer is made anew, too, and everything unanswered is
 * sent again, each message alone, so that only the one that is at fault is rejected.
 *
 * Threads: new, submit and close on the loop thread; the host is called on the sender's. */
#pragma once

#include "callback/callback.h"

struct kafka_sender;

/* Errors: as kafka_handle_new. */
struct kafka_sender *kafka_sender_new(
	const struct callback_settings *settings, const struct callback_host *host, GError **error);
/* As submit of callback.h. */
size_t kafka_sender_submit(struct kafka_sender *sender, const struct fire *fires, size_t count);
/* As close of callback.h. */
bool kafka_sender_close(struct kafka_sender *sender, time_us deadline);
