/* The callback `kafka` in the contract suite, on a mock cluster of librdkafka. A receiver that hangs is a
 * topic whose partitions have no leader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "callback/backends.h"
#include "contract.h"
#include "kafka_rig.h"

/* More requests than a case can make. */
#define REFUSALS 100000

struct contract_receiver {
	struct kafka_rig *rig;
	GArray *reads;
};

static struct contract_receiver *receiver_new(void)
{
	struct contract_receiver *receiver = g_new0(struct contract_receiver, 1);
	receiver->rig = kafka_rig_new("contract", true);
	receiver->rig->settings->kafka.value = KAFKA_VALUE_RAW;
	/* So short that an outage ends in answers, not only in trouble. */
	kafka_rig_option(receiver->rig, "message.timeout.ms", "2500");
	kafka_rig_option(receiver->rig, "reconnect.backoff.max.ms", "200");
	receiver->reads = g_array_new(false, false, sizeof(struct kafka_read));
	return receiver;
}

static void receiver_free(struct contract_receiver *receiver)
{
	kafka_rig_free(receiver->rig);
	kafka_rig_read_free(receiver->reads);
	g_free(receiver);
}

static struct callback *kafka_open(
	struct contract_receiver *receiver, const struct callback_host *host, GError **error)
{
	const struct callback_open open = {
		.name = "kafka", .settings = receiver->rig->settings, .host = *host};
	return callback_kafka.open(&open, error);
}

static void mode(struct contract_receiver *receiver, enum contract_mode mode)
{
	kafka_rig_clear(receiver->rig);
	kafka_rig_down(receiver->rig, mode == CONTRACT_AWAY);
	kafka_rig_hang(receiver->rig, mode == CONTRACT_HANG);
	if (mode == CONTRACT_REFUSE)
		kafka_rig_push(receiver->rig, RD_KAFKA_RESP_ERR_INVALID_RECORD, REFUSALS);
}

static void seen(struct contract_receiver *receiver, GArray *out)
{
	kafka_rig_read(receiver->rig, receiver->reads);
	for (guint i = 0; i < receiver->reads->len; i++) {
		const struct kafka_read *read = &g_array_index(receiver->reads, struct kafka_read, i);
		struct contract_seen seen = {g_strdup(read->value), g_strdup(read->fire_id)};
		g_array_append_val(out, seen);
	}
}

const struct contract_backend contract_backend = {
	.name = "kafka",
	.vtable = &callback_kafka,
	.modes = CONTRACT_MODE(CONTRACT_ACCEPT) | CONTRACT_MODE(CONTRACT_REFUSE) |
		 CONTRACT_MODE(CONTRACT_AWAY) | CONTRACT_MODE(CONTRACT_HANG),
	.batch = 1000,
	.flood = 30000,
	.receiver_new = receiver_new,
	.receiver_free = receiver_free,
	.open = kafka_open,
	.mode = mode,
	.seen = seen,
};
