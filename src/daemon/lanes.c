/* Lanes: one for each callback that a row or the configuration names. They are found by name on the threads
 * that build actions, and join the engine on the loop thread before any of these actions does. */
#include "base/log.h"
#include "daemon/internal.h"

#include <string.h>

/* Fires handed to a callback at a time: what a turn may take is looked at between two of them. */
#define BATCH_MAX 512

/* --- how callbacks talk back --- */

static void host_resolved(void *context, const struct fire_result *results, size_t count)
{
	struct lane *lane = context;
	struct message message = {.kind = MESSAGE_RESOLVED,
		.lane = lane->index,
		.data = g_memdup2(results, count * sizeof *results),
		.count = count};
	inbox_put(lane->daemon->inbox, &message);
}

static void host_ready(void *context)
{
	struct lane *lane = context;
	inbox_put(lane->daemon->inbox, &(struct message){.kind = MESSAGE_READY, .lane = lane->index});
}

static void host_tell(struct lane *lane, enum message_kind kind, const char *text)
{
	struct message message = {.kind = kind, .lane = lane->index, .text = g_strdup(text)};
	inbox_put(lane->daemon->inbox, &message);
}

static void host_trouble(void *context, const char *text)
{
	host_tell(context, MESSAGE_TROUBLE, text);
}

static void host_broken(void *context, const char *text)
{
	host_tell(context, MESSAGE_BROKEN, text);
}

static void host_say(void *context, const char *line)
{
	const struct lane *lane = context;
	log_info("callback %s: %s", lane->name, line);
}

/* --- the table --- */

bool lanes_prepare(const struct config *config, GError **error)
{
	for (size_t i = 0; callbacks[i]; i++) {
		if (!callbacks[i]->prepare || callbacks[i]->prepare(&config->callback, error))
			continue;
		g_prefix_error(error, "callback %s: ", callbacks[i]->name);
		return false;
	}
	return true;
}

void lanes_new(struct daemon *d)
{
	g_mutex_init(&d->lanes_lock);
	d->lane_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct engine_options options = {
		.catch_up_from = d->options->catch_up_from,
		.manual_only = d->options->manual != NULL,
	};
	d->engine = engine_new(&options);
}

void lanes_free(struct daemon *d)
{
	for (uint16_t i = 0; i < d->lanes_known; i++) {
		outage_clear(&d->lanes[i]->outage);
		g_free(d->lanes[i]->name);
		g_free(d->lanes[i]->what);
		g_free(d->lanes[i]->trouble);
		g_free(d->lanes[i]->counters.unavailable);
		g_free(d->lanes[i]->counters.refusal);
		g_free(d->lanes[i]->last_trouble);
		g_free(d->lanes[i]);
	}
	g_hash_table_unref(d->lane_names);
	g_mutex_clear(&d->lanes_lock);
}

/* The lane of a canonical name, which is taken over; a new one where there is none. */
static struct lane *lane_named(
	struct daemon *d, const struct callback_vtable *vtable, char *name, GError **error)
{
	struct lane *lane = g_hash_table_lookup(d->lane_names, name);
	if (!lane && d->lanes_known == LANES_MAX) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"there are %d callbacks already, which is as many as there may be", LANES_MAX);
	} else if (!lane) {
		lane = g_new0(struct lane, 1);
		lane->daemon = d;
		lane->index = d->lanes_known;
		lane->vtable = vtable;
		lane->name = g_strdup(name);
		lane->what = g_strdup_printf("callback %s", name);
		outage_init(&lane->outage, &(struct outage){.what = lane->what,
						   .effect = "its fires wait",
						   .delay_min = US_PER_SECOND,
						   .delay_max = US_PER_MINUTE});
		g_hash_table_insert(d->lane_names, g_strdup(name), lane);
		d->lanes[d->lanes_known++] = lane;
	}
	g_free(name);
	return lane;
}

static struct lane *lane_add(struct daemon *d, const char *callback, GError **error)
{
	char *name;
	const struct callback_vtable *vtable = callback_find(callback, &name, error);
	if (!vtable)
		return NULL;
	if (vtable->check && !vtable->check(&d->config->callback, callback_argument(vtable, name), error)) {
		g_free(name);
		return NULL;
	}
	struct lane *lane = lane_named(d, vtable, name, error);
	if (lane)
		g_hash_table_insert(d->lane_names, g_strdup(callback), lane);
	return lane;
}

bool lane_find(void *context, const char *callback, uint16_t *index, GError **error)
{
	struct daemon *d = context;
	g_mutex_lock(&d->lanes_lock);
	const struct lane *lane = g_hash_table_lookup(d->lane_names, callback);
	if (!lane)
		lane = lane_add(d, callback, error);
	g_mutex_unlock(&d->lanes_lock);
	if (lane)
		*index = lane->index;
	return lane != NULL;
}

void lanes_restore(struct daemon *d, const struct progress *progress)
{
	g_mutex_lock(&d->lanes_lock);
	for (guint i = 0; i < progress->lanes->len; i++) {
		const char *name = g_array_index(progress->lanes, struct lane_progress, i).name;
		char *canonical;
		const struct callback_vtable *vtable = callback_find(name, &canonical, NULL);
		if (vtable)
			lane_named(d, vtable, canonical, NULL);
	}
	g_mutex_unlock(&d->lanes_lock);
	lanes_join(d);
}

static void lane_join(struct daemon *d, const struct lane *lane)
{
	const struct callback_settings *settings = &d->config->callback;
	struct engine_lane_options options = {.name = lane->name, .lasting = lane->vtable->lasting};
	if (lane->vtable->limits) {
		struct callback_limits limits = lane->vtable->limits(settings);
		options.open_max = (uint32_t)limits.max_open;
		options.per_hour = limits.per_hour;
	}
	if (lane->vtable->begin_max)
		options.begin_max = lane->vtable->begin_max(settings);
	engine_add_lane(d->engine, &options);
}

void lanes_join(struct daemon *d)
{
	g_mutex_lock(&d->lanes_lock);
	while (d->lane_count < d->lanes_known)
		lane_join(d, d->lanes[d->lane_count++]);
	g_mutex_unlock(&d->lanes_lock);
}

/* --- handing out --- */

static void lane_start(const struct lane *lane)
{
	if (lane->daemon->started && lane->callback && lane->vtable->start)
		lane->vtable->start(lane->callback);
}

void lanes_start(struct daemon *d)
{
	d->started = true;
	for (uint16_t i = 0; i < d->lane_count; i++)
		lane_start(d->lanes[i]);
}

bool lane_open(struct daemon *d, struct lane *lane, GError **error)
{
	struct callback_open open = {
		.name = lane->name,
		.argument = callback_argument(lane->vtable, lane->name),
		.settings = &d->config->callback,
		.host = {host_resolved, host_ready, host_trouble, host_broken, host_say, lane},
	};
	if (lane->callback)
		return true;
	lane->callback = lane->vtable->open(&open, error);
	lane_start(lane);
	return lane->callback != NULL;
}

static gboolean lane_open_again(gpointer data)
{
	struct lane *lane = data;
	lane->retry_source = 0;
	engine_ready(lane->daemon->engine, lane->index);
	return G_SOURCE_REMOVE;
}

bool lane_is_open(struct daemon *d, struct lane *lane)
{
	g_autoptr(GError) error = NULL;
	if (lane->retry_source)
		return false;
	if (lane_open(d, lane, &error)) {
		outage_over(&lane->outage);
		return true;
	}
	dur_us delay = outage_failed(&lane->outage, error);
	lane->retry_source = g_timeout_add((guint)(delay / US_PER_MS), lane_open_again, lane);
	return false;
}

bool lane_hand_out(struct daemon *d, uint16_t index)
{
	struct lane *lane = d->lanes[index];
	struct fire fires[BATCH_MAX];
	size_t count = engine_take(d->engine, index, fires, BATCH_MAX);
	if (!count)
		return false;
	size_t accepted = lane_is_open(d, lane) ? lane->vtable->submit(lane->callback, fires, count) : 0;
	counters_handed_out(&d->counters, fires, accepted);
	engine_accepted(d->engine, index, accepted);
	return accepted > 0;
}

struct settling {
	const struct engine *engine;
	uint16_t lane;
};

static bool is_settled(void *context, struct position position, const char *manual)
{
	const struct settling *settling = context;
	return engine_is_settled(settling->engine, settling->lane, position, manual);
}

void lanes_settle(struct daemon *d)
{
	for (uint16_t i = 0; i < d->lane_count; i++) {
		struct settling settling = {d->engine, i};
		const struct lane *lane = d->lanes[i];
		if (lane->callback && lane->vtable->settle)
			lane->vtable->settle(lane->callback, is_settled, &settling);
	}
}

bool lanes_close(struct daemon *d, time_us deadline)
{
	bool ended = true;
	for (uint16_t i = 0; i < d->lanes_known; i++) {
		if (d->lanes[i]->retry_source)
			g_source_remove(d->lanes[i]->retry_source);
		if (d->lanes[i]->callback)
			ended = d->lanes[i]->vtable->close(d->lanes[i]->callback, deadline) && ended;
	}
	return ended;
}
