#include "model/fire.h"

#include <stdio.h>
#include <string.h>

/* splitmix64 (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output. */
static uint64_t mix64(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

time_us fire_due_at(const struct schedule *schedule, int64_t action_id, time_us nominal)
{
	uint64_t jitter = (uint64_t)schedule_jitter(schedule);
	if (jitter == 0)
		return nominal;
	/* Drawn within the end rather than cut off there: fires near it stay apart. */
	uint64_t left = (uint64_t)schedule_end(schedule) - (uint64_t)nominal;
	uint64_t draw = mix64(mix64((uint64_t)action_id) ^ (uint64_t)nominal);
	return nominal + (time_us)(draw % (MIN(jitter, left) + 1));
}

/* A jittered fire due at or after t has its nominal time after this. */
static time_us before_jitter(const struct schedule *schedule, time_us t)
{
	dur_us jitter = schedule_jitter(schedule);
	return t < TIME_US_MIN + jitter + 1 ? TIME_US_MIN : t - jitter - 1;
}

bool fire_next(
	const struct schedule *schedule, int64_t action_id, struct position after, struct position *out)
{
	time_us nominal = before_jitter(schedule, after.due_at);
	struct position best = {TIME_US_MAX, action_id, TIME_US_MAX};
	bool found = false;
	/* No later nominal can be due before the best so far once it is past it. */
	while (schedule_next(schedule, nominal, &nominal) && (!found || nominal <= best.due_at)) {
		struct position p = {fire_due_at(schedule, action_id, nominal), action_id, nominal};
		if (position_compare(p, after) <= 0)
			continue;
		if (!found || position_compare(p, best) < 0)
			best = p;
		found = true;
		if (schedule_jitter(schedule) == 0)
			break;
	}
	if (found)
		*out = best;
	return found;
}

bool fire_last(const struct schedule *schedule, int64_t action_id, time_us until, struct position *out)
{
	struct position best = POSITION_MIN;
	bool found = false;
	time_us nominal = until == TIME_US_MAX ? until : until + 1;
	while (schedule_prev(schedule, nominal, &nominal)) {
		/* An earlier nominal is due by nominal + jitter at the latest. */
		if (found && nominal < best.due_at - schedule_jitter(schedule))
			break;
		struct position p = {fire_due_at(schedule, action_id, nominal), action_id, nominal};
		if (p.due_at > until)
			continue;
		if (!found || position_compare(p, best) > 0)
			best = p;
		found = true;
		if (schedule_jitter(schedule) == 0)
			break;
	}
	if (found)
		*out = best;
	return found;
}

/* Fires with a nominal time in (from, to] that are due in (after, until]. */
static uint64_t count_drawn(const struct schedule *schedule, int64_t action_id, time_us from, time_us to,
	time_us after, time_us until)
{
	uint64_t count = 0;
	for (time_us nominal = from; schedule_next(schedule, nominal, &nominal) && nominal <= to;) {
		time_us due = fire_due_at(schedule, action_id, nominal);
		count += due > after && due <= until;
	}
	return count;
}

uint64_t fire_count(const struct schedule *schedule, int64_t action_id, time_us after, time_us until)
{
	if (until <= after)
		return 0;
	dur_us jitter = schedule_jitter(schedule);
	if (jitter == 0)
		return schedule_count(schedule, after, until);
	/* A nominal time in (after, until - jitter] is due within for sure; the draw decides at the edges. */
	time_us low = before_jitter(schedule, after), high = before_jitter(schedule, until) + 1;
	if (high <= after)
		return count_drawn(schedule, action_id, low, until, after, until);
	return count_drawn(schedule, action_id, low, after, after, until) +
	       schedule_count(schedule, after, high) +
	       count_drawn(schedule, action_id, high, until, after, until);
}

time_us fire_nth_due(const struct schedule *schedule, int64_t action_id, time_us after, uint64_t n)
{
	time_us nominal;
	if (schedule_jitter(schedule) == 0)
		return schedule_nth(schedule, after, n, &nominal) ? nominal : TIME_US_MAX;
	/* The n-th nominal time from the earliest that counts is due no earlier than the answer minus the
	 * jitter, and n nominal times after `after` are due by the upper bound: bisect between. */
	time_us low = after, high;
	if (!schedule_nth(schedule, after, n, &high))
		high = schedule_end(schedule);
	else
		high += schedule_jitter(schedule);
	while (high - low > 1) {
		time_us middle = low + (high - low) / 2;
		if (fire_count(schedule, action_id, after, middle) >= n)
			high = middle;
		else
			low = middle;
	}
	return high;
}

char *fire_id_format(int64_t action_id, time_us nominal, const char *manual, char buf[static FIRE_ID_MAX])
{
	int n = snprintf(buf, FIRE_ID_MAX, "%" G_GINT64_FORMAT, action_id);
	if (manual && *manual) {
		snprintf(buf + n, FIRE_ID_MAX - (size_t)n, "!%.*s", FIRE_MANUAL_MAX - 1, manual);
	} else {
		buf[n] = '@';
		time_format_utc(nominal, buf + n + 1);
	}
	return buf;
}

bool fire_id_parse(
	const char *text, int64_t *action_id, time_us *nominal, char manual[static FIRE_MANUAL_MAX])
{
	char *end;
	/* The number is canonical: what fire_id_format writes, and nothing else. */
	gint64 id = g_ascii_strtoll(text, &end, 10);
	g_autofree char *digits = g_strdup_printf("%" G_GINT64_FORMAT, id);
	if (strlen(digits) != (size_t)(end - text) || strncmp(digits, text, (size_t)(end - text)) != 0)
		return false;
	if (*end == '!') {
		if (!g_uuid_string_is_valid(end + 1))
			return false;
		*action_id = id;
		*nominal = TIME_US_MIN;
		memcpy(manual, end + 1, FIRE_MANUAL_MAX);
		return true;
	}
	time_us t;
	bool has_offset;
	if (*end != '@' || !time_parse(end + 1, &t, &has_offset) || !has_offset)
		return false;
	*action_id = id;
	*nominal = t;
	manual[0] = '\0';
	return true;
}

static const char *const status_names[] = {
	[STATUS_DELIVERED] = "delivered",
	[STATUS_FAILED] = "failed",
	[STATUS_MERGED] = "merged",
	[STATUS_MISSED] = "missed",
	[STATUS_SKIPPED] = "skipped",
};

const char *fire_status_name(enum fire_status status)
{
	return (size_t)status < G_N_ELEMENTS(status_names) ? status_names[status] : "unknown";
}

bool fire_status_parse(const char *name, enum fire_status *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(status_names); i++) {
		if (strcmp(name, status_names[i]) == 0) {
			*out = (enum fire_status)i;
			return true;
		}
	}
	return false;
}

const char *fire_reason_text(enum fire_reason reason)
{
	static const char *const texts[] = {
		[REASON_NONE] = "",
		[REASON_MERGED] = "merged into a later missed fire",
		[REASON_TOO_OLD] = "older than actuality_time",
		[REASON_CATCH_UP_LIMIT] = "beyond catch_up_limit",
		[REASON_CATCH_UP_OPTION] = "dropped by run --catch-up",
		[REASON_REMOVED] = "the action was removed",
		[REASON_DISABLED] = "the action was disabled",
		[REASON_BAD_ROW] = "the row became bad",
		[REASON_MAX_INSTANCES] = "max_instances of the action were running",
		[REASON_REFUSED] = "max_attempts used up",
		[REASON_CLOCK] = "fired while the clock was ahead",
		[REASON_INTERRUPTED] = "the scheduler ended while it may have been running",
		[REASON_HELD] = "due while everything was held, dropped by resume --all --skip",
		[REASON_PROGRESS_SET] = "due before the time of progress set",
	};
	return (size_t)reason < G_N_ELEMENTS(texts) ? texts[reason] : "unknown";
}

const char *fire_detail_brief(const char *detail)
{
	if (!g_str_has_prefix(detail, "Traceback (most recent call last):"))
		return detail;
	size_t end = strlen(detail);
	while (end > 0 && g_ascii_isspace(detail[end - 1]))
		end--;
	while (end > 0 && detail[end - 1] != '\n')
		end--;
	return detail + end;
}
