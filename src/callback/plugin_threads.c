/* The threads of a plugin: the worker hands fires over and stops the plugin at last, the timer ends what
 * takes too long. */
#include "callback/plugin.h"

#include "base/clock.h"
#include "base/thread_wait.h"

/* --- the worker --- */

/* What is handed over at a time. */
struct batch {
	struct plugin_fire *fires[PLUGIN_BATCH_MAX];
	const struct action_scheduler_fire *faces[PLUGIN_BATCH_MAX];
	size_t count;
};

static void batch_take(struct callback *plugin, struct batch *batch)
{
	time_us now = clock_now();
	batch->count = 0;
	while (batch->count < PLUGIN_BATCH_MAX && plugin->waiting.length) {
		struct plugin_fire *fire = g_queue_pop_head(&plugin->waiting);
		fire->state = PLUGIN_OFFERED;
		fire->started_at = now;
		plugin_timer_set(plugin, fire);
		batch->faces[batch->count] = &fire->face;
		batch->fires[batch->count++] = fire;
	}
	pthread_cond_signal(&plugin->timer_wake);
}

/* What was not accepted waits again in its place, but for what was answered meanwhile. */
static void batch_settle(struct callback *plugin, struct batch *batch, size_t accepted)
{
	for (size_t i = batch->count; i-- > 0;) {
		struct plugin_fire *fire = batch->fires[i];
		fire->state = i < accepted ? PLUGIN_ACCEPTED : PLUGIN_WAITING;
		if (fire->resolved || (fire->answered && i >= accepted)) {
			plugin_fire_drop(plugin, fire);
		} else if (i >= accepted) {
			plugin_timer_clear(fire);
			g_queue_push_head(&plugin->waiting, fire);
		}
	}
}

static void batch_offer(struct callback *plugin)
{
	struct batch batch;
	batch_take(plugin, &batch);
	plugin->room = false;
	pthread_mutex_unlock(&plugin->lock);
	size_t accepted = plugin->plugin.submit(plugin->instance, batch.faces, batch.count);
	pthread_mutex_lock(&plugin->lock);
	batch_settle(plugin, &batch, MIN(accepted, batch.count));
	if (accepted >= batch.count)
		plugin->room = true;
	plugin_tell(plugin);
}

/* A plugin of which nobody waits for the end any more is left alone. */
static void plugin_stop(struct callback *plugin)
{
	bool closed = plugin->closed;
	pthread_mutex_unlock(&plugin->lock);
	g_thread_join(plugin->timer);
	if (!closed)
		plugin->plugin.stop(plugin->instance);
	pthread_mutex_lock(&plugin->lock);
}

static gpointer worker_run(gpointer data)
{
	struct callback *plugin = data;
	pthread_mutex_lock(&plugin->lock);
	while (!plugin->ending) {
		if (plugin->room && plugin->waiting.length)
			batch_offer(plugin);
		else
			pthread_cond_wait(&plugin->worker_wake, &plugin->lock);
	}
	plugin_stop(plugin);
	plugin->ended = true;
	pthread_cond_broadcast(&plugin->finished);
	pthread_mutex_unlock(&plugin->lock);
	return NULL;
}

/* --- the timer --- */

static void fire_time_out(struct callback *plugin, struct plugin_fire *fire)
{
	uint64_t ticket = fire->face.ticket;
	g_autofree char *detail = g_strdup_printf("timed out after %u s", fire->face.timeout);
	plugin_timer_clear(fire);
	plugin_answer(plugin, fire,
		&(struct action_scheduler_result){.answer = ACTION_SCHEDULER_REJECTED, .detail = detail});
	plugin_tell(plugin);
	if (!plugin->plugin.cancel)
		return;
	pthread_mutex_unlock(&plugin->lock);
	plugin->plugin.cancel(plugin->instance, ticket);
	pthread_mutex_lock(&plugin->lock);
}

static gpointer timer_run(gpointer data)
{
	struct callback *plugin = data;
	pthread_mutex_lock(&plugin->lock);
	while (!plugin->ending) {
		GSequenceIter *first = g_sequence_get_begin_iter(plugin->timers);
		struct plugin_fire *fire = g_sequence_iter_is_end(first) ? NULL : g_sequence_get(first);
		if (!fire)
			pthread_cond_wait(&plugin->timer_wake, &plugin->lock);
		else if (fire->deadline > clock_monotonic())
			thread_wait_until(&plugin->timer_wake, &plugin->lock, fire->deadline);
		else
			fire_time_out(plugin, fire);
	}
	pthread_mutex_unlock(&plugin->lock);
	return NULL;
}

void plugin_threads_start(struct callback *plugin)
{
	plugin->timer = g_thread_new("plugin timer", timer_run, plugin);
	plugin->worker = g_thread_new("plugin", worker_run, plugin);
}
