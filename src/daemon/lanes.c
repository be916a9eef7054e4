#include "base/log.h"
#include "daemon/internal.h"

/* Fires handed to a callback at a time: what a turn may take is looked at between two of them. */
#define BATCH_MAX 512

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
	log_info("callback %s: %s", callbacks[lane->index]->name, line);
}

/* Every callback of the build has its lane, at its place in the table. */
void lanes_new(struct daemon *d)
{
	while (callbacks[d->lane_count])
		d->lane_count++;
	d->lanes = g_new0(struct lane, d->lane_count);
	g_autofree struct engine_lane_options *names = g_new0(struct engine_lane_options, d->lane_count);
	for (uint16_t i = 0; i < d->lane_count; i++) {
		d->lanes[i] = (struct lane){.daemon = d, .index = i};
		names[i] = (struct engine_lane_options){callbacks[i]->name, callbacks[i]->lasting};
	}
	struct engine_options options = {
		.lanes = names, .lane_count = d->lane_count, .catch_up_from = d->options->catch_up_from};
	d->engine = engine_new(&options);
}

bool lane_find(void *context, const char *callback, uint16_t *lane, GError **error)
{
	(void)context;
	const struct callback_vtable *found = callback_find(callback, NULL, error);
	if (!found)
		return false;
	uint16_t i = 0;
	while (callbacks[i] != found)
		i++;
	*lane = i;
	return true;
}

bool lane_open(struct daemon *d, uint16_t index, GError **error)
{
	struct lane *lane = &d->lanes[index];
	struct callback_open open = {
		.name = callbacks[index]->name,
		.settings = &d->config->callback,
		.host = {host_resolved, host_ready, host_trouble, host_broken, host_say, lane},
	};
	if (!lane->callback)
		lane->callback = callbacks[index]->open(&open, error);
	return lane->callback != NULL;
}

bool lane_hand_out(struct daemon *d, uint16_t index)
{
	struct fire fires[BATCH_MAX];
	size_t count = engine_take(d->engine, index, fires, BATCH_MAX);
	if (!count)
		return false;
	g_autoptr(GError) error = NULL;
	size_t accepted = 0;
	if (lane_open(d, index, &error))
		accepted = callbacks[index]->submit(d->lanes[index].callback, fires, count);
	engine_accepted(d->engine, index, accepted);
	if (error) {
		g_autofree char *text =
			g_strdup_printf("callback %s: %s", callbacks[index]->name, error->message);
		phase_fail(d, text);
	}
	return accepted > 0;
}

void lanes_close(struct daemon *d, time_us deadline)
{
	for (uint16_t i = 0; i < d->lane_count; i++)
		if (d->lanes[i].callback)
			callbacks[i]->close(d->lanes[i].callback, deadline);
}
