/* The fires of a plugin: their copies, their answers, and what the plugin calls. */
#include "callback/plugin.h"

#include "base/clock.h"
#include "callback/command.h"

#include <string.h>

/* --- copies --- */

static struct plugin_fire *fire_copy(struct callback *plugin, const struct fire *fire)
{
	const struct action *action = fire->action;
	char id[FIRE_ID_MAX];
	fire_id_format(action->id, fire->nominal, fire->manual, id);
	g_autofree char *expanded =
		plugin->placeholders ? command_expand(action_command(action), fire, COMMAND_PLAIN, NULL, 0)
				     : NULL;
	const char *command = expanded ? expanded : action_command(action);
	size_t command_length = expanded ? strlen(expanded) : action->command_length;
	size_t bytes = sizeof(struct plugin_fire) + action->name_length + command_length + strlen(id) + 3;
	struct plugin_fire *copy = g_malloc0(bytes);
	char *name_at = copy->text, *command_at = name_at + action->name_length + 1;
	char *id_at = command_at + command_length + 1;
	memcpy(name_at, action_name(action), action->name_length);
	memcpy(command_at, command, command_length);
	memcpy(id_at, id, strlen(id));
	copy->ticket = fire->ticket;
	copy->bytes = bytes;
	copy->face = (struct action_scheduler_fire){.size = sizeof copy->face,
		.ticket = ++plugin->next_ticket,
		.fire_id = id_at,
		.action_id = action->id,
		.name = name_at,
		.name_length = action->name_length,
		.command = command_at,
		.command_length = command_length,
		.scheduled_at = fire->nominal,
		.due_at = fire->due_at,
		.attempt = fire->attempt,
		.timeout = (uint32_t)MAX(action->timeout_s, 0)};
	return copy;
}

static bool is_full(const struct callback *plugin)
{
	return g_hash_table_size(plugin->fires) >= PLUGIN_FIRES_MAX || plugin->bytes >= PLUGIN_BYTES_MAX;
}

static void fire_add(struct callback *plugin, const struct fire *fire)
{
	struct plugin_fire *copy = fire_copy(plugin, fire);
	g_hash_table_insert(plugin->fires, &copy->face.ticket, copy);
	g_queue_push_tail(&plugin->waiting, copy);
	plugin->bytes += copy->bytes;
	plugin->unanswered++;
}

void plugin_fire_drop(struct callback *plugin, struct plugin_fire *fire)
{
	plugin_timer_clear(fire);
	plugin->bytes -= fire->bytes;
	g_hash_table_remove(plugin->fires, &fire->face.ticket);
}

size_t plugin_submit(struct callback *plugin, const struct fire *fires, size_t count)
{
	size_t accepted = 0;
	pthread_mutex_lock(&plugin->lock);
	while (accepted < count && !is_full(plugin))
		fire_add(plugin, &fires[accepted++]);
	plugin->refused = plugin->refused || accepted < count;
	plugin_tell(plugin);
	pthread_cond_signal(&plugin->worker_wake);
	pthread_mutex_unlock(&plugin->lock);
	return accepted;
}

/* --- timers --- */

static gint deadline_compare(gconstpointer a, gconstpointer b, gpointer data)
{
	const struct plugin_fire *x = a, *y = b;
	(void)data;
	return (x->deadline > y->deadline) - (x->deadline < y->deadline);
}

void plugin_timer_set(struct callback *plugin, struct plugin_fire *fire)
{
	if (!fire->face.timeout)
		return;
	fire->deadline = clock_monotonic() + fire->face.timeout * US_PER_SECOND;
	fire->timer = g_sequence_insert_sorted(plugin->timers, fire, deadline_compare, NULL);
}

void plugin_timer_clear(struct plugin_fire *fire)
{
	g_clear_pointer(&fire->timer, g_sequence_remove);
}

/* --- what the host is told --- */

static void trouble_tell(struct callback *plugin, const char *message)
{
	bool trouble = plugin->away || plugin->clogged;
	if (trouble == plugin->trouble || plugin->closed)
		return;
	plugin->trouble = trouble;
	plugin->host.trouble(plugin->host.context, trouble ? message : NULL);
}

void plugin_tell(struct callback *plugin)
{
	bool full = is_full(plugin);
	plugin->clogged = full && !plugin->unanswered;
	trouble_tell(
		plugin, "the plugin resolves nothing of what has timed out, so nothing more is handed to it");
	/* Not for every single place, where more will come free. */
	bool room = !full &&
		    (!plugin->unanswered || (g_hash_table_size(plugin->fires) <= PLUGIN_FIRES_MAX / 4 * 3 &&
						    plugin->bytes <= PLUGIN_BYTES_MAX / 4 * 3));
	if (plugin->refused && room && !plugin->closed) {
		plugin->refused = false;
		plugin->host.ready(plugin->host.context);
	}
}

/* The text of a plugin, as it may go on: UTF-8, and not too long. NULL where there is none. */
static char *text_take(const char *text)
{
	return text && *text ? g_utf8_make_valid(text, (gssize)strnlen(text, PLUGIN_DETAIL_MAX)) : NULL;
}

static char *detail_of(const struct action_scheduler_result *result)
{
	char *detail = text_take(result->detail);
	if (detail || result->answer == ACTION_SCHEDULER_DELIVERED)
		return detail;
	return g_strdup(result->answer == ACTION_SCHEDULER_UNAVAILABLE
				? "the plugin says that nobody is there, and no more"
				: "the plugin refuses it and does not say why");
}

static time_us clamp(time_us t, time_us low, time_us high)
{
	return t < low ? low : t > high ? high : t;
}

void plugin_answer(
	struct callback *plugin, struct plugin_fire *fire, const struct action_scheduler_result *result)
{
	time_us now = MAX(clock_now(), fire->started_at);
	struct fire_result answer = {.ticket = fire->ticket,
		.answer = result->answer == ACTION_SCHEDULER_DELIVERED     ? FIRE_DELIVERED
			  : result->answer == ACTION_SCHEDULER_UNAVAILABLE ? FIRE_UNAVAILABLE
									   : FIRE_REJECTED,
		.started_at = clamp(result->started_at, fire->started_at, now),
		.retry_at = result->retry_at};
	answer.finished_at = result->finished_at ? clamp(result->finished_at, answer.started_at, now) : now;
	fire->answered = true;
	if (--plugin->unanswered == 0)
		pthread_cond_broadcast(&plugin->finished);
	if (plugin->closed)
		return;
	answer.detail = detail_of(result);
	plugin->host.resolved(plugin->host.context, &answer, 1);
}

/* --- what the plugin calls --- */

static struct callback *plugin_of(const struct action_scheduler_host *face)
{
	return (struct callback *)(void *)(uintptr_t)face;
}

static void unknown_say(struct callback *plugin, uint64_t ticket)
{
	if (plugin->said_unknown || plugin->closed)
		return;
	plugin->said_unknown = true;
	g_autofree char *line = g_strdup_printf("the plugin resolves ticket %" G_GUINT64_FORMAT
						", which it does not have (any more); this is "
						"ignored, and not said again",
		ticket);
	plugin->host.say(plugin->host.context, line);
}

static void face_resolve(
	const struct action_scheduler_host *face, const struct action_scheduler_result *result)
{
	struct callback *plugin = plugin_of(face);
	pthread_mutex_lock(&plugin->lock);
	struct plugin_fire *fire = g_hash_table_lookup(plugin->fires, &result->ticket);
	if (!fire || fire->state == PLUGIN_WAITING || fire->resolved) {
		unknown_say(plugin, result->ticket);
	} else {
		fire->resolved = true;
		plugin_timer_clear(fire);
		if (!fire->answered)
			plugin_answer(plugin, fire, result);
		if (fire->state == PLUGIN_ACCEPTED)
			plugin_fire_drop(plugin, fire);
		plugin_tell(plugin);
	}
	pthread_mutex_unlock(&plugin->lock);
}

static void face_ready(const struct action_scheduler_host *face)
{
	struct callback *plugin = plugin_of(face);
	pthread_mutex_lock(&plugin->lock);
	plugin->room = true;
	pthread_cond_signal(&plugin->worker_wake);
	pthread_mutex_unlock(&plugin->lock);
}

static void face_log(const struct action_scheduler_host *face, const char *line)
{
	struct callback *plugin = plugin_of(face);
	g_autofree char *text = text_take(line);
	pthread_mutex_lock(&plugin->lock);
	if (text && !plugin->closed)
		plugin->host.say(plugin->host.context, text);
	pthread_mutex_unlock(&plugin->lock);
}

static void face_trouble(const struct action_scheduler_host *face, const char *message)
{
	struct callback *plugin = plugin_of(face);
	g_autofree char *text = text_take(message);
	pthread_mutex_lock(&plugin->lock);
	plugin->away = message != NULL;
	trouble_tell(plugin, text ? text : "the plugin is in trouble, and does not say why");
	pthread_mutex_unlock(&plugin->lock);
}

void plugin_face_init(struct action_scheduler_host *face)
{
	*face = (struct action_scheduler_host){.abi = ACTION_SCHEDULER_PLUGIN_ABI,
		.size = sizeof *face,
		.resolve = face_resolve,
		.ready = face_ready,
		.log = face_log,
		.trouble = face_trouble};
}

/* --- the whole --- */

void plugin_fires_init(struct callback *plugin)
{
	plugin->fires = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	plugin->timers = g_sequence_new(NULL);
	g_queue_init(&plugin->waiting);
	plugin->room = true;
}

void plugin_fires_clear(struct callback *plugin)
{
	g_queue_clear(&plugin->waiting);
	g_sequence_free(plugin->timers);
	g_hash_table_unref(plugin->fires);
}
