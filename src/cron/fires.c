#include "cron/schedule_internal.h"

#include <glib.h>

/* Changes of clocks below this are special under the vixie policy. */
#define VIXIE_LIMIT_S (3 * 3600)

/* Two wall clocks of one zone never differ by more than this, and no search backwards or forwards over a
 * change can miss a match that is this far off. */
#define SAFE_S (3 * INT64_C(86400))

/* A stretch of one offset. Its matches are those of the wall clock in [low, to), and with gap_fire the
 * instant `from` itself, which is then not in [low, to). */
struct stretch {
	int64_t from, low, to;
	int32_t offset_s;
	bool gap_fire;
};

/* What the vixie policy makes of the change at the beginning of a stretch: fixed times that were skipped fire
 * right after it, repeated ones do not fire again. */
static void apply_change(const struct schedule *s, struct stretch *stretch)
{
	struct zone_span before;
	if (stretch->from == ZONE_FIRST_S)
		return;
	zone_span_at(s->zone, stretch->from - 1, &before);
	int32_t jump = stretch->offset_s - before.offset_s;
	if (jump < 0 && jump > -VIXIE_LIMIT_S) {
		stretch->low = MIN(stretch->from - jump, stretch->to);
	} else if (jump > 0 && jump < VIXIE_LIMIT_S) {
		int64_t match, skipped = stretch->from + before.offset_s;
		stretch->gap_fire = calendar_next(&s->calendar, skipped, &match) && match < skipped + jump;
		stretch->low += stretch->gap_fire;
	}
}

static inline void find_stretch(const struct schedule *s, int64_t at, struct stretch *out)
{
	struct zone_span span;
	zone_span_at(s->zone, at, &span);
	*out = (struct stretch){span.from_s, span.from_s, span.to_s, span.offset_s, false};
	if (s->fixed)
		apply_change(s, out);
}

bool fires_next(const struct schedule *s, int64_t from, int64_t *out)
{
	struct stretch stretch;
	int64_t local;
	while (from <= SCHEDULE_LAST_S) {
		find_stretch(s, from, &stretch);
		if (stretch.gap_fire && from == stretch.from) {
			*out = from;
			return true;
		}
		from = MAX(from, stretch.low);
		bool found = calendar_next(&s->calendar, from + stretch.offset_s, &local);
		if (found && local - stretch.offset_s < stretch.to) {
			*out = local - stretch.offset_s;
			return *out <= SCHEDULE_LAST_S;
		}
		if (stretch.to == ZONE_LAST_S)
			return false;
		/* The wall clock of the stretches up to a safe distance before the match cannot show one,
		 * once they are far enough from here that no clock set back leads behind `from` again. */
		int64_t far =
			stretch.to - from > SAFE_S ? (found ? local : SCHEDULE_LAST_S) - SAFE_S : stretch.to;
		from = MAX(stretch.to, far);
	}
	return false;
}

bool fires_prev(const struct schedule *s, int64_t until, int64_t *out)
{
	struct stretch stretch;
	int64_t local;
	while (until >= FIRES_FIRST_S) {
		find_stretch(s, until, &stretch);
		bool found = calendar_prev(&s->calendar, until + stretch.offset_s, &local);
		if (found && local - stretch.offset_s >= stretch.low) {
			*out = local - stretch.offset_s;
			return true;
		}
		if (stretch.gap_fire) {
			*out = stretch.from;
			return true;
		}
		if (stretch.from == ZONE_FIRST_S)
			return false;
		int64_t near = until - stretch.from > SAFE_S ? (found ? local : FIRES_FIRST_S) + SAFE_S
							     : stretch.from - 1;
		until = MIN(stretch.from - 1, near);
	}
	return false;
}

/* Leaves out the time before the first match of the calendar and after its last; false where nothing is left.
 */
static bool narrow(const struct schedule *s, int64_t *from, int64_t *until)
{
	const struct calendar *c = &s->calendar;
	if (c->first_s > c->last_s)
		return false;
	*from = MAX(*from, c->first_s - SAFE_S);
	*until = MIN(*until, c->last_s + SAFE_S);
	return *from <= *until;
}

/* Fires of the stretch in [from, until]. */
static uint64_t count_stretch(
	const struct schedule *s, const struct stretch *stretch, int64_t from, int64_t until)
{
	int64_t low = MAX(from, stretch->low);
	int64_t end = until < stretch->to ? until + 1 : stretch->to;
	uint64_t n = stretch->gap_fire && from <= stretch->from;
	if (low < end)
		n += calendar_count(&s->calendar, low + stretch->offset_s, end + stretch->offset_s);
	return n;
}

uint64_t fires_count(const struct schedule *s, int64_t from, int64_t until)
{
	struct stretch stretch;
	uint64_t n = 0;
	if (!narrow(s, &from, &until))
		return 0;
	while (from <= until) {
		find_stretch(s, from, &stretch);
		n += count_stretch(s, &stretch, from, until);
		from = stretch.to;
	}
	return n;
}

bool fires_nth(const struct schedule *s, int64_t from, int64_t until, uint64_t n, int64_t *out)
{
	struct stretch stretch;
	if (!narrow(s, &from, &until))
		return false;
	/* Counted in growing pieces, as the stretch may last to the end of the calendar. */
	for (int64_t piece = 32 * INT64_C(86400); from <= until; piece = MIN(piece * 2, CALENDAR_END_S)) {
		find_stretch(s, from, &stretch);
		int64_t end = MIN(MIN(until, stretch.to - 1), from + piece);
		uint64_t here = count_stretch(s, &stretch, from, end);
		if (n > here) {
			n -= here;
			from = end + 1;
			continue;
		}
		if (stretch.gap_fire && from <= stretch.from && n-- == 1) {
			*out = stretch.from;
			return true;
		}
		int64_t low = MAX(from, stretch.low) + stretch.offset_s;
		*out = calendar_nth(&s->calendar, low, n) - stretch.offset_s;
		return true;
	}
	return false;
}
