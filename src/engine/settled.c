/* Whether a fire is over for good, as far as internal_db knows. */
#include "engine/internal.h"

/* A record owes what lies behind its cursor; whether of this action is not asked, as it will come there
 * anyway. */
static bool is_owed(const struct lane *lane, struct position position)
{
	for (guint i = 0; i < lane->records->len; i++) {
		const struct backlog_record *data = &((const struct record *)lane->records->pdata[i])->data;
		if (position_compare(position, data->cursor) > 0 && position_compare(position, data->to) <= 0)
			return true;
	}
	return false;
}

bool engine_is_settled(
	const struct engine *engine, uint16_t index, struct position position, const char *manual)
{
	const struct lane *lane = engine->lanes[index];
	/* What the commit under way says is not durable, and the parts of the engine are ahead of it. */
	bool passed = *manual || (lane->watermark_known && position_compare(position, lane->watermark) <= 0);
	if (engine->commit_sequence || !passed)
		return false;
	/* The action may have another callback since, whose lane took over what it was owed. */
	for (uint16_t i = 0; i < engine->lane_count; i++)
		if (open_has(engine->lanes[i], position, manual) ||
			(!*manual && is_owed(engine->lanes[i], position)))
			return false;
	return true;
}
