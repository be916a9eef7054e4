/* The callback `plugin:/path/lib.so:symbol`: a shared library does the work. */
#include "callback/plugin.h"

#include "base/clock.h"
#include "base/thread_wait.h"
#include "callback/backends.h"
#include "callback/plugin_file.h"

#include <string.h>

/* What stop has, however late it is. */
#define STOP_TIME US_PER_SECOND

/* --- options --- */

static void option_clear(gpointer data)
{
	struct action_scheduler_option *option = data;
	g_free((char *)(uintptr_t)option->name);
	g_free((char *)(uintptr_t)option->value);
}

static gint option_compare(gconstpointer a, gconstpointer b)
{
	const struct action_scheduler_option *x = a, *y = b;
	return strcmp(x->name, y->name);
}

/* Those of the symbol: `send_sms.gateway` is `gateway` of send_sms. */
static GArray *options_of(const struct plugin_settings *settings, const char *symbol)
{
	GArray *options = g_array_new(false, false, sizeof(struct action_scheduler_option));
	g_array_set_clear_func(options, option_clear);
	size_t length = strlen(symbol);
	GHashTableIter iter;
	gpointer key, value;
	g_hash_table_iter_init(&iter, settings->options);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		const char *name = key;
		if (strncmp(name, symbol, length) != 0 || name[length] != '.')
			continue;
		struct action_scheduler_option option = {g_strdup(name + length + 1), g_strdup(value)};
		g_array_append_val(options, option);
	}
	g_array_sort(options, option_compare);
	return options;
}

/* --- opening --- */

static struct callback *plugin_new(const struct callback_open *open, const char *symbol)
{
	struct callback *plugin = g_new0(struct callback, 1);
	plugin_face_init(&plugin->face);
	plugin->host = open->host;
	plugin->placeholders = open->settings->placeholders;
	plugin->options = options_of(&open->settings->plugin, symbol);
	pthread_mutex_init(&plugin->lock, NULL);
	pthread_cond_init(&plugin->worker_wake, NULL);
	pthread_cond_init(&plugin->timer_wake, NULL);
	pthread_cond_init(&plugin->finished, NULL);
	plugin_fires_init(plugin);
	return plugin;
}

static void plugin_free(struct callback *plugin)
{
	plugin_fires_clear(plugin);
	pthread_cond_destroy(&plugin->finished);
	pthread_cond_destroy(&plugin->timer_wake);
	pthread_cond_destroy(&plugin->worker_wake);
	pthread_mutex_destroy(&plugin->lock);
	g_array_unref(plugin->options);
	g_free(plugin);
}

/* Instances that sit in a call which nobody can end. */
static GSList *abandoned;
static GMutex abandoned_lock;

static void plugin_abandon(struct callback *plugin)
{
	pthread_mutex_lock(&plugin->lock);
	plugin->closed = true;
	pthread_mutex_unlock(&plugin->lock);
	g_mutex_lock(&abandoned_lock);
	abandoned = g_slist_prepend(abandoned, plugin);
	g_mutex_unlock(&abandoned_lock);
}

static bool plugin_init(struct callback *plugin, const char *path, const char *symbol, GError **error)
{
	char message[1024] = "";
	int outcome = plugin->plugin.init(&plugin->face,
		(const struct action_scheduler_option *)(void *)plugin->options->data, plugin->options->len,
		&plugin->instance, message, sizeof message);
	if (outcome == ACTION_SCHEDULER_OK)
		return true;
	message[sizeof message - 1] = '\0';
	g_autofree char *reason = g_utf8_make_valid(*message ? message : "it does not say why", -1);
	bool again = outcome == ACTION_SCHEDULER_AGAIN;
	g_set_error(error, AS_ERROR, again ? AS_ERROR_UNAVAILABLE : AS_ERROR_INVALID,
		"%s: %s cannot be started%s: %s", path, symbol, again ? " now" : "", reason);
	return false;
}

static struct callback *plugin_open(const struct callback_open *open, GError **error)
{
	g_autofree char *path = NULL, *symbol = NULL, *real = NULL;
	struct action_scheduler_plugin table;
	/* Looked at again: the row may have been checked long ago. Loaded by the path: nobody else can change
	 * where it leads, and a library that is loaded from /proc/self/fd would not find its neighbours. */
	if (!plugin_file_split(open->argument, &path, &symbol, error) ||
		!plugin_file_check(path, &real, error) || !plugin_load(real, symbol, &table, error))
		return NULL;
	struct callback *plugin = plugin_new(open, symbol);
	plugin->plugin = table;
	if (!plugin_init(plugin, real, symbol, error)) {
		plugin_free(plugin);
		return NULL;
	}
	plugin_threads_start(plugin);
	return plugin;
}

static bool plugin_check(const struct callback_settings *settings, const char *argument, GError **error)
{
	g_autofree char *path = NULL, *symbol = NULL, *real = NULL;
	(void)settings;
	return plugin_file_split(argument, &path, &symbol, error) && plugin_file_check(path, &real, error);
}

static struct callback_limits plugin_limits(const struct callback_settings *settings)
{
	return settings->plugin.limits;
}

/* --- closing --- */

static bool plugin_close(struct callback *plugin, time_us deadline)
{
	pthread_mutex_lock(&plugin->lock);
	while (plugin->unanswered && thread_wait_until(&plugin->finished, &plugin->lock, deadline))
		continue;
	plugin->ending = true;
	pthread_cond_broadcast(&plugin->worker_wake);
	pthread_cond_broadcast(&plugin->timer_wake);
	deadline = MAX(deadline, clock_monotonic() + STOP_TIME);
	while (!plugin->ended && thread_wait_until(&plugin->finished, &plugin->lock, deadline))
		continue;
	bool ended = plugin->ended;
	GThread *worker = plugin->worker;
	pthread_mutex_unlock(&plugin->lock);
	if (ended) {
		g_thread_join(worker);
		plugin_free(plugin);
	} else {
		plugin_abandon(plugin);
		g_thread_unref(worker);
	}
	return ended;
}

const struct callback_vtable callback_plugin = {
	.name = "plugin",
	.family = true,
	.lasting = true,
	.help = "plugin:/path/lib.so:symbol: calls a shared library",
	.limits = plugin_limits,
	.check = plugin_check,
	.open = plugin_open,
	.submit = plugin_submit,
	.close = plugin_close,
};
