#include "cli/status_part.h"

#include "cli/time_arg.h"

const json_t *part_get(const void *row, const char *key)
{
	return json_object_get(((const struct part *)row)->object, key);
}

const char *part_text(const void *row, const char *key)
{
	return json_string_value(part_get(row, key));
}

bool part_time(const void *row, const char *key, time_us *out)
{
	bool has_offset;
	const char *text = part_text(row, key);
	return text && time_parse(text, out, &has_offset);
}

char *part_time_text(const void *row, const char *key)
{
	const struct part *part = row;
	char wall[TIME_TEXT_MAX], span[SPAN_TEXT_MAX];
	time_us t;
	if (!part_time(row, key, &t))
		return NULL;
	return g_strdup_printf("%s, %s",
		zone_format(cli_shown_zone(part->cli), floor_div(t, US_PER_SECOND) * US_PER_SECOND, wall),
		span_format_from(t, part->cli->now, span));
}

char *part_from_now_text(const void *row, const char *key)
{
	char span[SPAN_TEXT_MAX];
	time_us t;
	return part_time(row, key, &t)
		       ? g_strdup(span_format_from(t, ((const struct part *)row)->cli->now, span))
		       : NULL;
}

char *part_wall_text(const void *row, const char *key)
{
	char wall[TIME_TEXT_MAX];
	time_us t;
	if (!part_time(row, key, &t))
		return NULL;
	return g_strdup(zone_format(cli_shown_zone(((const struct part *)row)->cli),
		floor_div(t, US_PER_SECOND) * US_PER_SECOND, wall));
}

bool part_is_true(const void *row, const char *key)
{
	return json_is_true(part_get(row, key));
}

char *part_number_text(const void *row, const char *key)
{
	const json_t *value = part_get(row, key);
	return json_is_integer(value) ? g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value))
				      : NULL;
}
