/* The callback `plugin` in the contract suite, with the plugins of contract_plugin_module.c: SYMBOL says
 * which one of them, MODULE where the library is. */
#include "contract_plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>

#include "callback/backends.h"
#include "module_place.h"

static char *library; /* where the module may be loaded from */

static void prepare(void)
{
	library = module_place(MODULE);
}

static struct contract_receiver *receiver_new(void)
{
	struct contract_receiver *receiver = g_new0(struct contract_receiver, 1);
	receiver->settings = contract_settings_new();
	receiver->argument = g_strconcat(library, ":" SYMBOL, NULL);
	pthread_mutex_init(&receiver->lock, NULL);
	pthread_cond_init(&receiver->changed, NULL);
	receiver->seen = g_array_new(false, false, sizeof(struct contract_seen));
	g_hash_table_insert(receiver->settings->plugin.options, g_strdup(SYMBOL ".receiver"),
		g_strdup_printf("%zu", (size_t)receiver));
	return receiver;
}

/* An abandoned plugin may still look at its receiver, so that one stays. */
static void receiver_free(struct contract_receiver *receiver)
{
	static GSList *receivers;
	receivers = g_slist_prepend(receivers, receiver);
	pthread_mutex_lock(&receiver->lock);
	receiver->mode = CONTRACT_ACCEPT;
	pthread_cond_broadcast(&receiver->changed);
	pthread_mutex_unlock(&receiver->lock);
	contract_settings_free(receiver->settings);
	g_clear_pointer(&receiver->argument, g_free);
}

static struct callback *plugin_open(
	struct contract_receiver *receiver, const struct callback_host *host, GError **error)
{
	const struct callback_open open = {.name = "plugin:" SYMBOL,
		.argument = receiver->argument,
		.settings = receiver->settings,
		.host = *host};
	if (!callback_plugin.check(receiver->settings, receiver->argument, error))
		return NULL;
	return callback_plugin.open(&open, error);
}

static void mode(struct contract_receiver *receiver, enum contract_mode mode)
{
	pthread_mutex_lock(&receiver->lock);
	receiver->mode = mode;
	pthread_cond_broadcast(&receiver->changed);
	pthread_mutex_unlock(&receiver->lock);
}

static void seen(struct contract_receiver *receiver, GArray *out)
{
	pthread_mutex_lock(&receiver->lock);
	for (size_t i = 0; i < receiver->seen->len; i++) {
		const struct contract_seen *s = &g_array_index(receiver->seen, struct contract_seen, i);
		struct contract_seen copy = {g_strdup(s->token), g_strdup(s->fire_id)};
		g_array_append_val(out, copy);
	}
	pthread_mutex_unlock(&receiver->lock);
}

const struct contract_backend contract_backend = {
	.name = "plugin (" SYMBOL ")",
	.vtable = &callback_plugin,
	.modes = CONTRACT_MODE(CONTRACT_ACCEPT) | CONTRACT_MODE(CONTRACT_REFUSE) |
		 CONTRACT_MODE(CONTRACT_AWAY) | CONTRACT_MODE(CONTRACT_HANG),
	.timeouts = true,
	.batch = 1000,
	.flood = 25000,
	.prepare = prepare,
	.receiver_new = receiver_new,
	.receiver_free = receiver_free,
	.open = plugin_open,
	.mode = mode,
	.seen = seen,
};
