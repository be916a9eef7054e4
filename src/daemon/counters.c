#include "daemon/counters.h"

#include "base/clock.h"
#include "daemon/internal.h"

/* Of what is told of a receiver that is not there, or refuses. */
#define REASON_MAX 500

void counters_begin(struct counters *counters)
{
	counters->started_at = clock_now();
	counters->started_boot = clock_boottime();
}

void counters_handed_out(struct counters *counters, const struct fire *fires, size_t count)
{
	time_us now = clock_now(), boottime = clock_boottime();
	for (size_t i = 0; i < count; i++) {
		if (!fires[i].live)
			continue;
		histogram_add(&counters->late, now - fires[i].due_at);
		recent_values_add(&counters->late_recent, boottime, now - fires[i].due_at);
	}
}

/* The first of them tells since when. */
static void unavailable_note(struct lane_counters *counters, const struct fire_result *result)
{
	if (counters->unavailable)
		return;
	counters->unavailable =
		g_strndup(result->detail ? result->detail : "the receiver is not there", REASON_MAX);
	counters->unavailable_at = clock_now();
}

static void refusal_note(struct lane_counters *counters, const struct fire_result *result)
{
	const char *detail = result->detail && *result->detail ? result->detail : "no reason was given";
	g_free(counters->refusal);
	counters->refusal = g_strndup(fire_detail_brief(detail), REASON_MAX);
	counters->refusal_at = clock_now();
}

void counters_answered(
	struct counters *counters, struct lane *lane, const struct fire_result *results, size_t count)
{
	uint64_t delivered = 0, refused = 0;
	const struct fire_result *latest = NULL;
	time_us now = clock_boottime();
	for (size_t i = 0; i < count; i++) {
		delivered += results[i].answer == FIRE_DELIVERED;
		refused += results[i].answer == FIRE_REJECTED;
		if (results[i].answer == FIRE_REJECTED)
			latest = &results[i];
	}
	if (latest)
		refusal_note(&lane->counters, latest);
	if (delivered + refused > 0)
		g_clear_pointer(&lane->counters.unavailable, g_free);
	for (size_t i = 0; i < count; i++)
		if (results[i].answer == FIRE_UNAVAILABLE)
			unavailable_note(&lane->counters, &results[i]);
	if (delivered + refused == 0)
		return;
	lane->counters.delivered += delivered;
	lane->counters.refused += refused;
	recent_amount_add(&lane->counters.answers_recent, now, delivered + refused);
	counters->answers += delivered + refused;
	recent_amount_add(&counters->answers_recent, now, delivered + refused);
}

static void backlog_note(struct daemon *d, struct lane *lane, time_us now)
{
	struct engine_lane_status status;
	struct lane_counters *counters = &lane->counters;
	engine_lane_status(d->engine, lane->index, &status);
	if (status.backlog_walked != counters->walked)
		recent_amount_add(
			&counters->walked_recent, now, (uint64_t)(status.backlog_walked - counters->walked));
	counters->walked = status.backlog_walked;
	if (status.backlog_records == 0)
		counters->walking_since = 0;
	else if (counters->walking_since == 0)
		counters->walking_since = now;
}

void counters_committing(struct daemon *d, const struct commit *commit)
{
	struct counters *counters = &d->counters;
	time_us now = clock_boottime();
	counters->commit_began = clock_monotonic();
	for (guint i = 0; i < commit->outcomes->len; i++)
		counters->ended[g_array_index(commit->outcomes, struct outcome, i).status]++;
	for (guint i = 0; i < commit->ranges->len; i++) {
		const struct outcome_range *range = &g_array_index(commit->ranges, struct outcome_range, i);
		counters->ended[range->status] += range->count * range->id_count;
	}
	for (uint16_t i = 0; i < d->lane_count; i++)
		backlog_note(d, d->lanes[i], now);
}

double counters_pace(const struct recent_amount *recent, time_us now_boot, time_us since_boot)
{
	dur_us over = CLAMP(now_boot - since_boot, US_PER_SECOND, RECENT_SECONDS * US_PER_SECOND);
	return (double)recent_amount_sum(recent, now_boot) * (double)US_PER_SECOND / (double)over;
}
