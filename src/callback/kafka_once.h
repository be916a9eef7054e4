/* Purpose: kafka.exactly_once: fires spread over shards by their action, so each action keeps its order. Loop
 * thread; the host is called from the shards' threads. */
#pragma once

#include "callback/callback.h"

/* Fires on their way, unless kafka.max_open says otherwise: nothing is repeated, so there may be enough for
 * large transactions in all shards. */
#define KAFKA_ONCE_OPEN 131072

struct kafka_once;

struct kafka_once *kafka_once_new(const struct callback_settings *settings, const struct callback_host *host);
/* As start, submit, settle and close of callback.h. */
void kafka_once_start(struct kafka_once *once);
size_t kafka_once_submit(struct kafka_once *once, const struct fire *fires, size_t count);
void kafka_once_settle(struct kafka_once *once, callback_settled_fn is_settled, void *context);
bool kafka_once_close(struct kafka_once *once, time_us deadline);
