#include "engine/internal.h"

static void drop(struct decision *decision, const struct schedule *schedule, int64_t id, time_us after,
	time_us until, enum fire_status status, enum fire_reason reason)
{
	uint64_t count = fire_count(schedule, id, after, until);
	struct position first, last;
	if (count == 0 || !fire_next(schedule, id, position_end_of(after), &first) ||
		!fire_last(schedule, id, until, &last))
		return;
	decision->ranges[decision->range_count++] = (struct dropped){
		.status = status,
		.reason = reason,
		.first = MIN(first.nominal, last.nominal),
		.last = MAX(first.nominal, last.nominal),
		.count = count,
		.merged_into = TIME_US_MIN,
	};
}

/* Age is judged against decided_now; what is not older than the grace is never too old. */
static time_us oldest_kept(const struct backlog_record *record, int32_t actuality_s)
{
	if (actuality_s < 0)
		return TIME_US_MIN;
	return record->decided_now - MAX(actuality_s * US_PER_SECOND, ENGINE_GRACE);
}

static void decide_merged(struct decision *decision, const struct backlog_record *record,
	const struct slice_key *key, int64_t id, time_us after)
{
	time_us until = record->to.due_at;
	struct position last;
	if (!fire_last(key->schedule, id, until, &last) || last.due_at <= after)
		return;
	unsigned before = decision->range_count;
	drop(decision, key->schedule, id, after, last.due_at - 1, STATUS_MERGED, REASON_MERGED);
	if (decision->range_count > before)
		decision->ranges[before].merged_into = last.nominal;
	if (last.due_at < oldest_kept(record, key->actuality_s)) {
		drop(decision, key->schedule, id, last.due_at - 1, until, STATUS_MISSED, REASON_TOO_OLD);
	} else if (key->catch_up_limit == 0) {
		drop(decision, key->schedule, id, last.due_at - 1, until, STATUS_SKIPPED,
			REASON_CATCH_UP_LIMIT);
	} else {
		decision->floor = last.due_at - 1;
		decision->fires = true;
	}
}

static void decide_each(struct decision *decision, const struct backlog_record *record,
	const struct slice_key *key, int64_t id, time_us after)
{
	time_us until = record->to.due_at, kept = oldest_kept(record, key->actuality_s);
	if (kept > after + 1) {
		drop(decision, key->schedule, id, after, MIN(kept - 1, until), STATUS_MISSED, REASON_TOO_OLD);
		after = kept - 1;
	}
	uint64_t count = fire_count(key->schedule, id, after, until);
	if (key->catch_up_limit >= 0 && count > (uint64_t)key->catch_up_limit) {
		uint64_t over = count - (uint64_t)key->catch_up_limit;
		time_us cut = fire_nth_due(key->schedule, id, after, over);
		drop(decision, key->schedule, id, after, cut, STATUS_SKIPPED, REASON_CATCH_UP_LIMIT);
		count -= over;
		after = cut;
	}
	decision->floor = after;
	decision->fires = count > 0;
}

void decision_make(struct decision *decision, const struct backlog_record *record,
	const struct slice_key *key, int64_t id)
{
	time_us after = key->after;
	*decision = (struct decision){.floor = record->to.due_at};
	if (record->drop_before > after + 1) {
		time_us dropped_to = MIN(record->drop_before - 1, record->to.due_at);
		drop(decision, key->schedule, id, after, dropped_to, STATUS_SKIPPED,
			(enum fire_reason)record->drop_reason);
		after = dropped_to;
	}
	if (after >= record->to.due_at)
		return;
	if (key->merge_missed)
		decide_merged(decision, record, key, id, after);
	else
		decide_each(decision, record, key, id, after);
}
