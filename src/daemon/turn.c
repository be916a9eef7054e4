/* A turn: first the clock, then what others said, then what is due, then what is to be written down;
 * background work where nothing else is to do. A turn ends after some 2 ms, for signals and timers to be
 * seen. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/internal.h"

#define TURN_MAX  (2 * US_PER_MS)
/* Changes of the table applied at a time. */
#define APPLY_MAX 1024

static void resolved_apply(struct daemon *d, struct message *message)
{
	size_t count = failures_take_answers(d->failures, message->data, message->count);
	counters_answered(&d->counters, d->lanes[message->lane], message->data, count);
	engine_resolved(d->engine, message->lane, message->data, count);
	/* The details are the engine's now. */
	g_free(message->data);
}

static void trouble_note(struct lane *lane, const char *text)
{
	if (text && !lane->trouble)
		lane->trouble_at = clock_now();
	g_free(lane->trouble);
	lane->trouble = g_strdup(text);
	if (!text)
		return;
	g_free(lane->last_trouble);
	lane->last_trouble = g_strdup(text);
}

static void trouble_log(const struct daemon *d, const struct message *message)
{
	const char *name = d->lanes[message->lane]->name;
	trouble_note(d->lanes[message->lane], message->text);
	if (message->text)
		log_error("callback %s: %s; its fires wait", name, message->text);
	else
		log_info("callback %s: works again", name);
}

static void message_apply(struct daemon *d, struct message *message)
{
	switch (message->kind) {
	case MESSAGE_RESOLVED:
		resolved_apply(d, message);
		message->data = NULL;
		message->count = 0;
		break;
	case MESSAGE_READY:
		engine_ready(d->engine, message->lane);
		failures_hand_out(d->failures);
		break;
	case MESSAGE_TROUBLE: trouble_log(d, message); break;
	case MESSAGE_BROKEN:
		d->broken = true;
		phase_fail(d, message->text);
		break;
	case MESSAGE_JOURNAL_LOADED: phase_loaded(d, g_steal_pointer(&message->data)); break;
	case MESSAGE_FAILED:
		phase_fail(d, message->text);
		manual_run_failed(d->manual, (enum as_error)message->number);
		d->phase = PHASE_ENDED;
		break;
	case MESSAGE_COMMITTED:
		d->committing = false;
		engine_committed(d->engine, message->number);
		failures_committed(d->failures, message->number);
		lanes_settle(d);
		commands_committed(d->commands, message->number);
		manual_run_committed(d->manual);
		break;
	case MESSAGE_LOOKED_UP: commands_looked_up(d->commands, g_steal_pointer(&message->data)); break;
	case MESSAGE_CHANGES:
	case MESSAGE_TABLE_READ: g_assert_not_reached();
	}
	message_free(message);
}

static bool messages_apply(struct daemon *d)
{
	struct message *message;
	bool any = false;
	while (d->phase != PHASE_ENDED && (message = inbox_take(d->inbox))) {
		message_apply(d, message);
		any = true;
	}
	return any;
}

/* Applies a piece of the bulk. */
static bool bulk_apply(struct daemon *d)
{
	struct message *message = inbox_bulk(d->inbox);
	if (!message)
		return false;
	if (message->kind == MESSAGE_TABLE_READ) {
		phase_table_read(d, message->data);
		inbox_bulk_done(d->inbox);
		return true;
	}
	struct action_change *changes = message->data;
	size_t count = MIN(message->count - message->done, APPLY_MAX);
	lanes_join(d);
	for (size_t i = 0; i < count; i++)
		if (changes[message->done + i].kind == CHANGE_REMOVE &&
			changes[message->done + i].reason == REASON_BAD_ROW)
			failures_row(d->failures, &changes[message->done + i]);
	engine_apply(d->engine, changes + message->done, count);
	message->done += count;
	if (message->done == message->count)
		inbox_bulk_done(d->inbox);
	return true;
}

static bool fires_hand_out(struct daemon *d)
{
	bool any = false;
	for (uint16_t i = 0; i < d->lane_count; i++)
		any = lane_hand_out(d, i) || any;
	return any;
}

static bool commit_hand_on(struct daemon *d)
{
	/* The first commit makes internal_db known, after which nothing is imported any more. */
	struct commit *commit = d->committing || d->importing ? NULL : engine_take_commit(d->engine);
	if (!commit)
		return false;
	d->committing = true;
	counters_committing(d, commit);
	commands_committing(d->commands, commit);
	failures_note(d->failures, commit);
	manual_run_note(d->manual, commit);
	journal_thread_commit(d->journal_thread, commit);
	return true;
}

bool turn_run(struct daemon *d)
{
	time_us end = clock_monotonic() + TURN_MAX;
	if (d->phase >= PHASE_READING)
		engine_clock(d->engine, clock_now(), clock_boottime());
	bool busy = true;
	while (busy && d->phase != PHASE_ENDED) {
		busy = messages_apply(d);
		if (d->phase == PHASE_RUNNING)
			busy = fires_hand_out(d) || busy;
		if (d->phase != PHASE_OPENING)
			busy = commit_hand_on(d) || busy;
		busy = bulk_apply(d) || busy;
		if (!busy && d->phase == PHASE_RUNNING)
			busy = engine_work(d->engine);
		if (clock_monotonic() >= end)
			break;
	}
	report_notes(d);
	return busy;
}
