/* The callback `none` in the contract suite: nobody receives. */
#include "callback/backends.h"
#include "contract.h"

struct contract_receiver {
	struct callback_settings *settings;
};

static struct contract_receiver *receiver_new(void)
{
	struct contract_receiver *receiver = g_new0(struct contract_receiver, 1);
	receiver->settings = contract_settings_new();
	return receiver;
}

static void receiver_free(struct contract_receiver *receiver)
{
	contract_settings_free(receiver->settings);
	g_free(receiver);
}

static struct callback *none_open(
	struct contract_receiver *receiver, const struct callback_host *host, GError **error)
{
	const struct callback_open open = {.name = "none", .settings = receiver->settings, .host = *host};
	return callback_none.open(&open, error);
}

static void mode(struct contract_receiver *receiver, enum contract_mode mode)
{
	(void)receiver, (void)mode;
}

const struct contract_backend contract_backend = {
	.name = "none",
	.vtable = &callback_none,
	.modes = CONTRACT_MODE(CONTRACT_ACCEPT),
	.batch = 1000,
	.receiver_new = receiver_new,
	.receiver_free = receiver_free,
	.open = none_open,
	.mode = mode,
};
