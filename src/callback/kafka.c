/* The callback `kafka`: a message for each fire. */
#include "callback/backends.h"
#include "callback/kafka_config.h"
#include "callback/kafka_once.h"
#include "callback/kafka_probe.h"
#include "callback/kafka_sender.h"

/* One of the two. */
struct callback {
	struct kafka_sender *sender;
	struct kafka_once *once;
};

static struct callback_limits kafka_limits(const struct callback_settings *settings)
{
	struct callback_limits limits = settings->kafka.limits;
	if (limits.max_open == 0 && settings->kafka.exactly_once)
		limits.max_open = KAFKA_ONCE_OPEN;
	return limits;
}

static bool kafka_check(const struct callback_settings *settings, const char *argument, GError **error)
{
	(void)argument;
	return kafka_config_check(&settings->kafka, error);
}

static struct callback *kafka_open(const struct callback_open *open, GError **error)
{
	if (!kafka_config_check(&open->settings->kafka, error))
		return NULL;
	bool exactly_once = open->settings->kafka.exactly_once;
	struct kafka_sender *sender =
		exactly_once ? NULL : kafka_sender_new(open->settings, &open->host, error);
	if (!exactly_once && !sender)
		return NULL;
	struct callback *kafka = g_new0(struct callback, 1);
	kafka->sender = sender;
	if (exactly_once)
		kafka->once = kafka_once_new(open->settings, &open->host);
	return kafka;
}

static void kafka_start(struct callback *kafka)
{
	if (kafka->once)
		kafka_once_start(kafka->once);
}

static size_t kafka_submit(struct callback *kafka, const struct fire *fires, size_t count)
{
	if (kafka->once)
		return kafka_once_submit(kafka->once, fires, count);
	return kafka_sender_submit(kafka->sender, fires, count);
}

static void kafka_settle(struct callback *kafka, callback_settled_fn is_settled, void *context)
{
	if (kafka->once)
		kafka_once_settle(kafka->once, is_settled, context);
}

static bool kafka_close(struct callback *kafka, time_us deadline)
{
	bool ended = kafka->once ? kafka_once_close(kafka->once, deadline)
				 : kafka_sender_close(kafka->sender, deadline);
	if (ended)
		g_free(kafka);
	return ended;
}

static const char *const kafka_also[] = {"action_scheduler.callbacks:kafka_send", NULL};

const struct callback_vtable callback_kafka = {
	.name = "kafka",
	.also = kafka_also,
	.help = "sends a message to Apache Kafka",
	.limits = kafka_limits,
	.check = kafka_check,
	.probe = kafka_probe,
	.open = kafka_open,
	.start = kafka_start,
	.submit = kafka_submit,
	.settle = kafka_settle,
	.close = kafka_close,
};
