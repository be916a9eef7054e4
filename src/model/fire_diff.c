#include "model/fire_diff.h"

/* The fires of one side, one after the other. */
struct walk {
	const struct schedule *schedule;
	int64_t id;
	time_us to;
	struct position at;
	bool more;
};

static void walk_on(struct walk *walk)
{
	walk->more = fire_next(walk->schedule, walk->id, walk->at, &walk->at) && walk->at.due_at < walk->to;
}

/* How many fires a schedule has that is alone, and when the first is due. */
static uint64_t count_alone(
	const struct schedule *schedule, int64_t id, time_us from, time_us to, time_us *first)
{
	struct position at;
	if (!fire_next(schedule, id, position_end_of(from - 1), &at) || at.due_at >= to)
		return 0;
	*first = at.due_at;
	return fire_count(schedule, id, from - 1, to - 1);
}

static void count_both(struct walk *before, struct walk *after, struct fire_diff *diff)
{
	walk_on(before);
	walk_on(after);
	while (before->more || after->more) {
		int order = !after->more ? -1 : !before->more ? 1 : position_compare(before->at, after->at);
		if (order == 0) {
			diff->kept++;
		} else if (order < 0) {
			diff->gone++;
			diff->first_gone = MIN(diff->first_gone, before->at.due_at);
		} else {
			diff->added++;
			diff->first_added = MIN(diff->first_added, after->at.due_at);
		}
		if (order <= 0)
			walk_on(before);
		if (order >= 0)
			walk_on(after);
	}
}

void fire_diff_make(const struct schedule *before, const struct schedule *after, int64_t action_id,
	time_us from, time_us to, struct fire_diff *out)
{
	*out = (struct fire_diff){.first_gone = TIME_US_MAX, .first_added = TIME_US_MAX};
	if (before == after) {
		out->kept = before ? fire_count(before, action_id, from - 1, to - 1) : 0;
	} else if (!after) {
		out->gone = count_alone(before, action_id, from, to, &out->first_gone);
	} else if (!before) {
		out->added = count_alone(after, action_id, from, to, &out->first_added);
	} else {
		struct position begin = position_end_of(from - 1);
		struct walk a = {before, action_id, to, begin, true}, b = {after, action_id, to, begin, true};
		count_both(&a, &b, out);
	}
}
