#include "cron/zone_data.h"

#include <string.h>

#include "base/error.h"

/* Changes further from 1970 than this (17,000 years) are left out. */
#define FAR_S (INT64_C(1) << 39)

struct header {
	uint32_t utc_indicators, standard_indicators, leap_seconds, changes, types, characters;
};

struct block {
	struct header count;
	const uint8_t *at; /* behind the header */
	size_t time_size;  /* 4 or 8 bytes */
	size_t size;       /* without the header */
};

struct input {
	const uint8_t *data;
	size_t size;
	size_t used;
};

#define HEADER_SIZE 44

static bool fail(GError **error, const char *reason)
{
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "not usable TZif data: %s", reason);
	return false;
}

static uint32_t read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_time(const uint8_t *p, size_t size)
{
	if (size == 4)
		return (int32_t)read_u32(p);
	return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

static bool read_block(struct input *in, size_t time_size, struct block *out, GError **error)
{
	if (in->size - in->used < HEADER_SIZE || memcmp(in->data + in->used, "TZif", 4) != 0)
		return fail(error, "no header");
	const uint8_t *p = in->data + in->used + 20;
	struct header h = {read_u32(p), read_u32(p + 4), read_u32(p + 8), read_u32(p + 12), read_u32(p + 16),
		read_u32(p + 20)};
	in->used += HEADER_SIZE;
	/* 64-bit sums of 32-bit counts: no overflow. */
	uint64_t size = (uint64_t)h.changes * (time_size + 1) + (uint64_t)h.types * 6 + h.characters +
			(uint64_t)h.leap_seconds * (time_size + 4) + h.standard_indicators + h.utc_indicators;
	if (size > in->size - in->used)
		return fail(error, "it ends too early");
	*out = (struct block){h, in->data + in->used, time_size, (size_t)size};
	in->used += (size_t)size;
	return true;
}

static bool check_counts(const struct header *h, GError **error)
{
	if (h->leap_seconds)
		return fail(error, "it counts leap seconds");
	if (h->types < 1 || h->types > 256)
		return fail(error, "no types, or too many");
	if (h->characters < 1)
		return fail(error, "no abbreviations");
	if ((h->standard_indicators && h->standard_indicators != h->types) ||
		(h->utc_indicators && h->utc_indicators != h->types))
		return fail(error, "its indicators do not fit its types");
	return true;
}

static bool read_type(const struct block *b, uint32_t i, struct zone_type *out, GError **error)
{
	const uint8_t *p = b->at + b->count.changes * (b->time_size + 1) + i * 6;
	const char *names =
		(const char *)(b->at + b->count.changes * (b->time_size + 1) + b->count.types * 6);
	int32_t offset = (int32_t)read_u32(p);
	if (offset < ZONE_OFFSET_MIN_S || offset > ZONE_OFFSET_MAX_S)
		return fail(error, "an offset of more than a day");
	if (p[4] > 1 || p[5] >= b->count.characters)
		return fail(error, "a bad type");
	out->offset_s = offset;
	out->dst = p[4];
	size_t most = MIN(sizeof(out->abbreviation) - 1, b->count.characters - p[5]);
	memset(out->abbreviation, 0, sizeof(out->abbreviation));
	memcpy(out->abbreviation, names + p[5], strnlen(names + p[5], most));
	return true;
}

static bool same_type(const struct zone_type *a, const struct zone_type *b)
{
	return a->offset_s == b->offset_s && a->dst == b->dst &&
	       strcmp(a->abbreviation, b->abbreviation) == 0;
}

/* Appends a span, unless nothing changes. */
static void add_span(GArray *spans, const struct zone_type *types, int64_t from, uint16_t type)
{
	struct zone_data_span *last = &g_array_index(spans, struct zone_data_span, spans->len - 1);
	struct zone_data_span span = {from, types[type].offset_s, type};
	if (!same_type(&types[last->type], &types[type]))
		g_array_append_val(spans, span);
}

static bool read_changes(
	const struct block *b, const struct zone_type *types, GArray *spans, int64_t *last, GError **error)
{
	const uint8_t *indices = b->at + b->count.changes * b->time_size;
	struct zone_data_span first = {INT64_MIN, types[0].offset_s, 0};
	g_array_append_val(spans, first);
	for (uint32_t i = 0; i < b->count.changes; i++) {
		int64_t from = read_time(b->at + i * b->time_size, b->time_size);
		if (indices[i] >= b->count.types)
			return fail(error, "a change to a type that is not there");
		if (i && from <= *last)
			return fail(error, "its changes are not in order");
		*last = from;
		if (from >= FAR_S)
			continue;
		if (from > -FAR_S) {
			add_span(spans, types, from, indices[i]);
			continue;
		}
		struct zone_data_span *head = &g_array_index(spans, struct zone_data_span, 0);
		*head = (struct zone_data_span){INT64_MIN, types[indices[i]].offset_s, indices[i]};
	}
	return true;
}

struct rule_change {
	int64_t at;
	int order; /* later in the rule wins where two fall on one instant */
	uint16_t type;
};

static int compare_changes(const void *a, const void *b)
{
	const struct rule_change *x = a, *y = b;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->order - y->order;
}

/* The changes of the rule from the year before `after` on, for a cycle and some years. */
static GArray *rule_changes(const struct zone_rule *rule, int64_t after, uint16_t standard, uint16_t summer)
{
	int32_t year = 1;
	int8_t month, day;
	if (after > INT64_C(-62135596800)) /* year 1 */
		civil_from_days(floor_div(after, 86400), &year, &month, &day);
	GArray *changes = g_array_new(FALSE, FALSE, sizeof(struct rule_change));
	for (int i = -1; i < 404; i++) {
		struct rule_change start = {zone_rule_start(rule, year + i), 2 * i, summer};
		struct rule_change end = {zone_rule_end(rule, year + i), 2 * i + 1, standard};
		g_array_append_val(changes, start);
		g_array_append_val(changes, end);
	}
	g_array_sort(changes, compare_changes);
	return changes;
}

/* Writes the rule out behind the last change; returns the start of the cycle. */
static int64_t add_rule(const struct zone_rule *rule, int64_t last, GArray *spans,
	const struct zone_type *types, uint16_t standard)
{
	if (!rule->has_daylight) /* the last explicit type goes on */
		return INT64_MAX;
	g_autoptr(GArray) changes = rule_changes(rule, last, standard, (uint16_t)(standard + 1));
	guint explicit_count = spans->len;
	int64_t start = INT64_MAX;
	for (guint i = 0; i < changes->len; i++) {
		struct rule_change *change = &g_array_index(changes, struct rule_change, i);
		bool overruled = i + 1 < changes->len && change[1].at == change->at;
		if (change->at <= last || overruled ||
			(start != INT64_MAX && change->at - start > ZONE_CYCLE_S))
			continue;
		add_span(spans, types, change->at, change->type);
		if (start == INT64_MAX && spans->len > explicit_count)
			start = change->at;
	}
	int64_t end = g_array_index(spans, struct zone_data_span, spans->len - 1).from;
	return start != INT64_MAX && end - start == ZONE_CYCLE_S ? start : INT64_MAX;
}

/* Finds the footer between its two newlines; an absent or empty one gives a length of 0. */
static bool find_footer(const struct input *in, const char **text, size_t *length, GError **error)
{
	const char *at = (const char *)in->data + in->used;
	size_t left = in->size - in->used;
	const char *end = left ? memchr(at + 1, '\n', left - 1) : NULL;
	*length = 0;
	if (!left)
		return true;
	if (*at != '\n' || !end)
		return fail(error, "its footer is cut");
	*text = at + 1;
	*length = (size_t)(end - at - 1);
	return true;
}

static bool read_spans(struct input *in, const struct block *b, bool footer, GArray *spans,
	struct zone_type *types, int64_t *cycle_start, GError **error)
{
	const char *text = NULL;
	size_t length = 0;
	int64_t last = INT64_MIN;
	struct zone_rule rule;
	if (!check_counts(&b->count, error))
		return false;
	for (uint32_t i = 0; i < b->count.types; i++)
		if (!read_type(b, i, &types[i], error))
			return false;
	if (!read_changes(b, types, spans, &last, error) ||
		(footer && !find_footer(in, &text, &length, error)))
		return false;
	*cycle_start = INT64_MAX;
	if (!length || last >= FAR_S)
		return true;
	if (!zone_rule_parse(text, length, &rule, error))
		return false;
	uint16_t standard = (uint16_t)b->count.types;
	types[standard] = rule.standard;
	types[standard + 1] = rule.daylight;
	*cycle_start = add_rule(&rule, MAX(last, -FAR_S), spans, types, standard);
	return true;
}

bool zone_data_read(const uint8_t *data, size_t size, GArray **spans, struct zone_type **types,
	int64_t *cycle_start, GError **error)
{
	struct input in = {data, size, 0};
	struct block block;
	if (!read_block(&in, 4, &block, error))
		return false;
	uint8_t version = data[4];
	if (version >= '2' && !read_block(&in, 8, &block, error))
		return false;
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(struct zone_data_span));
	g_autofree struct zone_type *kinds = g_new0(struct zone_type, 258);
	if (!read_spans(&in, &block, version >= '2', found, kinds, cycle_start, error))
		return false;
	*spans = g_steal_pointer(&found);
	*types = g_steal_pointer(&kinds);
	return true;
}
