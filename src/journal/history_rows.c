#include "journal/history_rows.h"

#include <string.h>

#include "journal/history_codec.h"
#include "base/varint.h"

struct writer {
	enum history_level level;
	const struct history_sink *sink;
	GByteArray *body;
	int64_t bytes;
};

static bool give_row(struct writer *writer, const struct history_row *row, GError **error)
{
	writer->bytes += HISTORY_ROW_BASE + (row->body ? (int64_t)row->body->len : 0) +
			 (row->manual ? (int64_t)strlen(row->manual) : 0) +
			 (row->detail ? (int64_t)strlen(row->detail) : 0) +
			 (row->failed_fire ? (int64_t)strlen(row->failed_fire) : 0);
	return writer->sink->put(writer->sink->context, row, error);
}

/* A failure has a row of its own, so that it can be found, and replaced once it was run again. */
static bool is_plain(const struct outcome *outcome)
{
	return !outcome->manual && !outcome->detail && !outcome->again && outcome->status != STATUS_FAILED;
}

static bool is_alike(const struct outcome *a, const struct outcome *b)
{
	return is_plain(a) && is_plain(b) && a->status == b->status && a->reason == b->reason &&
	       a->attempts == b->attempts;
}

/* Writes `count` outcomes that are alike as one row. */
static bool write_fires(struct writer *writer, const struct outcome *outcomes, guint count, GError **error)
{
	struct history_fire fires[HISTORY_ROW_MAX];
	char fire_id[FIRE_ID_MAX];
	struct history_row row = {
		.kind = KIND_FIRES,
		.status = outcomes->status,
		.reason = outcomes->reason,
		.attempts = outcomes->attempts,
		.fires = count,
		.min_id = INT64_MAX,
		.max_id = INT64_MIN,
		.body = writer->body,
		.manual = outcomes->manual,
		.detail = outcomes->detail,
	};
	time_us earliest = TIME_US_MAX;
	row.finished = TIME_US_MIN;
	for (guint i = 0; i < count; i++) {
		const struct outcome *from = &outcomes[i];
		fires[i] = (struct history_fire){
			from->action_id, from->nominal, from->started_at, from->finished_at};
		row.min_id = MIN(row.min_id, from->action_id);
		row.max_id = MAX(row.max_id, from->action_id);
		row.finished = MAX(row.finished, from->finished_at);
		earliest = MIN(earliest, from->finished_at);
	}
	row.span = wrap_sub(row.finished, earliest);
	if (outcomes->status == STATUS_FAILED)
		row.failed_fire =
			fire_id_format(outcomes->action_id, outcomes->nominal, outcomes->manual, fire_id);
	g_byte_array_set_size(writer->body, 0);
	history_fires_encode(fires, count, writer->body);
	return give_row(writer, &row, error);
}

static bool replace_failed(struct writer *writer, const struct outcome *outcome, GError **error)
{
	char id[FIRE_ID_MAX];
	fire_id_format(outcome->action_id, outcome->nominal, outcome->manual, id);
	return writer->sink->replace(writer->sink->context, id, error);
}

static bool is_kept(const struct writer *writer, const struct outcome *outcome)
{
	return writer->level == HISTORY_ALL ||
	       (writer->level == HISTORY_EXCEPTIONS && outcome->status != STATUS_DELIVERED);
}

static bool write_outcomes(struct writer *writer, const GArray *outcomes, GError **error)
{
	const struct outcome *list = (const struct outcome *)(void *)outcomes->data;
	for (guint i = 0; i < outcomes->len;) {
		guint end = i + 1;
		while (end < outcomes->len && end - i < HISTORY_ROW_MAX && is_alike(&list[i], &list[end]))
			end++;
		if (list[i].again && !replace_failed(writer, &list[i], error))
			return false;
		if (is_kept(writer, &list[i]) && !write_fires(writer, list + i, end - i, error))
			return false;
		i = end;
	}
	return true;
}

static bool write_range_part(struct writer *writer, const struct outcome_range *range, const int64_t *ids,
	guint count, GError **error)
{
	struct history_range common = {range->first, range->last, range->count, range->merged_into};
	struct history_row row = {
		.kind = KIND_RANGE,
		.status = range->status,
		.reason = range->reason,
		.fires = range->count > (uint64_t)INT64_MAX / count ? INT64_MAX : range->count * count,
		.finished = range->at,
		.min_id = ids[0],
		.max_id = ids[count - 1],
		.body = writer->body,
	};
	g_byte_array_set_size(writer->body, 0);
	history_range_encode(&common, ids, count, writer->body);
	return give_row(writer, &row, error);
}

static bool write_ranges(struct writer *writer, const GArray *ranges, GError **error)
{
	for (guint i = 0; i < ranges->len; i++) {
		const struct outcome_range *range = &g_array_index(ranges, struct outcome_range, i);
		if (range->status == STATUS_DELIVERED && writer->level != HISTORY_ALL)
			continue;
		for (guint at = 0; at < range->id_count; at += HISTORY_ROW_MAX) {
			guint count = MIN(range->id_count - at, HISTORY_ROW_MAX);
			if (!write_range_part(writer, range, range->ids + at, count, error))
				return false;
		}
	}
	return true;
}

static bool write_notes(struct writer *writer, const GArray *notes, GError **error)
{
	for (guint i = 0; i < notes->len; i++) {
		const struct history_note *note = &g_array_index(notes, struct history_note, i);
		struct history_row row = {.kind = KIND_NOTE, .finished = note->at, .detail = note->text};
		if (!give_row(writer, &row, error))
			return false;
	}
	return true;
}

bool history_rows_make(const struct commit *commit, enum history_level level, const struct history_sink *sink,
	int64_t *bytes, GError **error)
{
	g_autoptr(GByteArray) body = g_byte_array_new();
	struct writer writer = {level, sink, body, 0};
	bool off = level == HISTORY_OFF;
	if ((!off && !write_ranges(&writer, commit->ranges, error)) ||
		!write_outcomes(&writer, commit->outcomes, error) ||
		(!off && !write_notes(&writer, commit->notes, error)))
		return false;
	*bytes += writer.bytes;
	return true;
}

time_us history_oldest_kept(time_us now, dur_us max_age)
{
	return max_age <= 0 || now < TIME_US_MIN + max_age ? TIME_US_MIN : now - max_age;
}
