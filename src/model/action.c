#include "model/action.h"

#include "base/error.h"

#include <string.h>

#define TOPIC_MAX 249

bool topic_is_valid(const char *name)
{
	size_t length = strlen(name);
	static const char allowed[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-";
	return length > 0 && length <= TOPIC_MAX && strspn(name, allowed) == length && strcmp(name, ".") &&
	       strcmp(name, "..");
}

struct action *action_ref(struct action *action)
{
	action->refs++;
	return action;
}

void action_unref(struct action *action)
{
	if (!action || --action->refs)
		return;
	schedule_unref(action->schedule);
	g_free(action);
}

static bool fail(GError **error, const char *column, const char *reason)
{
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s: %s", column, reason);
	return false;
}

/* ASCII without a NUL, as most texts are: quick to tell. */
static bool is_plain(struct text text)
{
	unsigned char high = 0, nul = 0;
	for (size_t i = 0; i < text.length; i++) {
		high |= (unsigned char)text.data[i];
		nul |= text.data[i] == '\0';
	}
	return high < 0x80 && !nul;
}

static bool check_text(const char *column, struct text text, GError **error)
{
	if (!text.data)
		return fail(error, column, "NULL is not allowed");
	if (text.length > ACTION_TEXT_MAX)
		return fail(error, column, "longer than 16 MiB");
	if (is_plain(text))
		return true;
	if (memchr(text.data, '\0', text.length))
		return fail(error, column, "holds a NUL byte");
	if (!g_utf8_validate_len(text.data, text.length, NULL))
		return fail(error, column, "is not valid UTF-8");
	return true;
}

/* Says of a text that was refused that it is no text at all, if that is so. Always false. Texts that are read
 * by something that refuses what is not UTF-8 are looked at only then: rows come by the million. */
static bool refuse(const char *column, struct text text, GError **error, GError *why)
{
	if (check_text(column, text, error))
		g_propagate_prefixed_error(error, why, "%s: ", column);
	else
		g_error_free(why);
	return false;
}

static bool fail_bad_int(GError **error, const char *column, struct text bad, const char *wanted)
{
	g_autofree char *valid = g_utf8_make_valid(bad.data, (gssize)MIN(bad.length, 60));
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "%s: “%s%s” is not %s", column, valid,
		bad.length > 60 ? "…" : "", wanted);
	return false;
}

/* A column whose NULL is `otherwise`, which is the configuration's and only needs to fit. */
static bool take_int(const char *column, struct maybe_int value, int64_t otherwise, int64_t min, int64_t max,
	int64_t *out, GError **error)
{
	if (value.bad.data)
		return fail_bad_int(error, column, value.bad, "an integer");
	if (value.set && (value.value < min || value.value > max)) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"%s: %" G_GINT64_FORMAT " is not in %" G_GINT64_FORMAT "..%" G_GINT64_FORMAT, column,
			value.value, min, max);
		return false;
	}
	*out = value.set ? value.value : MIN(otherwise, max);
	return true;
}

static bool take_bool(const char *column, struct maybe_int value, bool otherwise, bool *out, GError **error)
{
	if (value.bad.data)
		return fail_bad_int(error, column, value.bad, "a boolean");
	if (value.set && (value.value < 0 || value.value > 1)) {
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"%s: %" G_GINT64_FORMAT " is not a boolean (0 or 1)", column, value.value);
		return false;
	}
	*out = value.set ? value.value == 1 : otherwise;
	return true;
}

/* The columns that are numbers. */
static bool take_policies(const struct action_row *row, const struct action_defaults *defaults,
	struct action *out, GError **error)
{
	int64_t actuality, limit, timeout, instances, attempts;
	if (!take_bool(
		    "merge_missed", row->merge_missed, defaults->merge_missed, &out->merge_missed, error) ||
		!take_int("actuality_time", row->actuality_time, defaults->actuality_s, INT64_MIN, INT64_MAX,
			&actuality, error) ||
		!take_int("catch_up_limit", row->catch_up_limit, defaults->catch_up_limit, 0, INT32_MAX,
			&limit, error) ||
		!take_int("timeout", row->timeout, defaults->timeout_s, 0, INT32_MAX, &timeout, error) ||
		!take_int("max_instances", row->max_instances, defaults->max_instances, 1, UINT16_MAX,
			&instances, error) ||
		!take_int("max_attempts", row->max_attempts, defaults->max_attempts, 1, UINT16_MAX, &attempts,
			error))
		return false;
	out->actuality_s = actuality < 0 || actuality > INT32_MAX ? -1 : (int32_t)actuality;
	out->catch_up_limit = limit < 0 ? -1 : (int32_t)limit;
	out->timeout_s = (int32_t)timeout;
	out->max_instances = (uint16_t)instances;
	out->max_attempts = (uint16_t)attempts;
	return true;
}

static bool take_dst(struct text dst, enum dst_policy *out, GError **error)
{
	bool vixie = dst.length == strlen("vixie") && memcmp(dst.data, "vixie", dst.length) == 0;
	bool wall = dst.length == strlen("wall_clock") && memcmp(dst.data, "wall_clock", dst.length) == 0;
	*out = vixie ? DST_VIXIE : DST_WALL_CLOCK;
	if (vixie || wall)
		return true;
	return check_text("dst", dst, error) && fail(error, "dst", "is neither “wall_clock” nor “vixie”");
}

/* Whether it is the zone that is wrong, or the document. */
static bool zone_is_known(const char *name, struct schedule_cache *cache)
{
	static const char always[] = "{\"format\": \"unix\", \"params\": {\"value\": \"* * * * *\"}}";
	struct schedule *schedule = schedule_cache_get(
		cache, always, strlen(always), name, UNIX_DIALECT_STANDARD, DST_WALL_CLOCK, NULL);
	schedule_unref(schedule);
	return schedule != NULL;
}

static bool take_schedule(const struct action_row *row, enum unix_dialect dialect,
	struct schedule_cache *cache, struct action *out, GError **error)
{
	GError *why = NULL;
	enum dst_policy dst;
	if (!row->cron.data || row->cron.length > ACTION_TEXT_MAX)
		return check_text("cron", row->cron, error);
	if (!take_dst(row->dst, &dst, error))
		return false;
	if (strlen(row->timezone.data) != row->timezone.length || row->timezone.length > ACTION_TEXT_MAX)
		return check_text("timezone", row->timezone, error);
	out->schedule = schedule_cache_get(
		cache, row->cron.data, row->cron.length, row->timezone.data, dialect, dst, &why);
	if (out->schedule)
		return true;
	if (zone_is_known(row->timezone.data, cache))
		return refuse("cron", row->cron, error, why);
	return refuse("timezone", row->timezone, error, why);
}

static bool take_lane(
	const struct action_row *row, const struct lane_names *lanes, struct action *out, GError **error)
{
	if (!check_text("callback", row->callback, error))
		return false;
	bool found = lanes->find(lanes->context, row->callback.data, &out->lane, error);
	if (!found)
		g_prefix_error(error, "callback: ");
	return found;
}

static bool check_topic(struct text topic, GError **error)
{
	if (!topic.data)
		return true;
	if (!check_text("topic", topic, error))
		return false;
	g_autofree char *name = g_strndup(topic.data, topic.length);
	return topic_is_valid(name) ||
	       fail(error, "topic",
		       "Kafka has no topics of this name (letters, digits, dots, underscores and hyphens)");
}

static struct action *action_new(const struct action_row *row, const struct action *filled)
{
	size_t topic_size = row->topic.data ? row->topic.length + 1 : 0;
	struct action *action =
		g_malloc(sizeof(*action) + row->name.length + row->command.length + 2 + topic_size);
	*action = *filled;
	action->id = row->id;
	action->refs = 1;
	action->name_length = (uint32_t)row->name.length;
	action->command_length = (uint32_t)row->command.length;
	char *command = action->text + row->name.length + 1;
	memcpy(action->text, row->name.data, row->name.length);
	action->text[row->name.length] = '\0';
	memcpy(command, row->command.data, row->command.length);
	command[row->command.length] = '\0';
	action->has_topic = row->topic.data != NULL;
	if (action->has_topic) {
		char *topic = command + row->command.length + 1;
		memcpy(topic, row->topic.data, row->topic.length);
		topic[row->topic.length] = '\0';
	}
	return action;
}

enum action_state action_build(const uint8_t *packed, size_t length, const struct action_defaults *defaults,
	const struct lane_names *lanes, struct schedule_cache *cache, struct action **out, GError **error)
{
	struct action_row row;
	enum unix_dialect dialect;
	if (!action_unpack(packed, length, &row, &dialect)) {
		g_set_error_literal(error, AS_ERROR, AS_ERROR_CORRUPT, "this is not a packed definition");
		return ACTION_BAD;
	}
	bool enabled;
	if (!take_bool("enabled", row.enabled, true, &enabled, error))
		return ACTION_BAD;
	if (!enabled)
		return ACTION_DISABLED;
	struct action filled = {0};
	if (!check_text("name", row.name, error) || !check_text("command", row.command, error) ||
		!check_topic(row.topic, error) || !take_policies(&row, defaults, &filled, error) ||
		!take_lane(&row, lanes, &filled, error) ||
		!take_schedule(&row, dialect, cache, &filled, error))
		return ACTION_BAD;
	*out = action_new(&row, &filled);
	return ACTION_ACTIVE;
}
