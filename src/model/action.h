/* Purpose: an action: a row of the table `action`, validated, with the defaults of the configuration applied.
 * Pure; a struct action is owned by one thread at a time (its reference count is not atomic), the packed form
 * is plain bytes.
 *
 * A row goes one way only: row → packed definition → action. The packed definition holds everything that
 * decides what the row means (zone, dialect and dst policy resolved, policies as they stand in the row), so
 * its digest tells whether anything changed, and internal_db keeps it to fire while actions_db is out of
 * reach. */
#pragma once

#include <glib.h>

#include "base/time_us.h"
#include "cron/schedule.h"
#include "cron/schedule_cache.h"

/* A text column; data is NULL for SQL NULL. Not NUL-terminated, may hold anything. */
struct text {
	const char *data;
	size_t length;
};

/* An integer or boolean column that may be NULL. */
struct maybe_int {
	bool set;
	int64_t value;
	struct text
		bad; /* what stands there where that is no integer (then set is false); data NULL otherwise */
};

/* The longest text of a row, in bytes; a longer one makes the row bad. */
#define ACTION_TEXT_MAX (16u << 20)

/* A row as a database gave it. Columns that the table does not have are NULL. Texts are borrowed. */
struct action_row {
	int64_t id;
	struct text name, command, cron;
	struct maybe_int merge_missed, actuality_time;
	struct maybe_int enabled, max_instances, timeout, max_attempts, catch_up_limit;
	struct text timezone, callback, dst, topic;
};

/* What NULL in a column means: `action.defaults.*` and its neighbours. Strings are borrowed. */
struct action_defaults {
	const char *timezone; /* name of a zone */
	const char *callback; /* name of a callback */
	enum unix_dialect dialect;
	enum dst_policy dst;
	bool merge_missed;
	int64_t actuality_s;    /* negative: never too old */
	int64_t catch_up_limit; /* negative: none */
	int64_t timeout_s;      /* 0: none */
	int64_t max_instances;
	int64_t max_attempts;
};

struct action {
	int64_t id;
	struct schedule *schedule; /* a reference */
	time_us since; /* fires due at or before it are not this definition's; set by the engine */
	uint32_t refs;
	uint32_t incarnation;   /* the same through edits, another after a removal; set by the engine */
	int32_t actuality_s;    /* negative: never too old */
	int32_t catch_up_limit; /* negative: none */
	int32_t timeout_s;      /* 0: none */
	uint16_t max_instances;
	uint16_t max_attempts;
	uint16_t lane; /* index of its callback, see action_build */
	bool merge_missed;
	bool stale; /* replaced or removed; set by the engine */
	bool has_topic;
	uint32_t name_length;
	uint32_t command_length;
	char text[]; /* name, NUL, command, NUL; topic, NUL where it has one */
};

static inline const char *action_name(const struct action *action)
{
	return action->text;
}
static inline const char *action_command(const struct action *action)
{
	return action->text + action->name_length + 1;
}

/* NULL: that of the configuration. */
static inline const char *action_topic(const struct action *action)
{
	return action->has_topic ? action_command(action) + action->command_length + 1 : NULL;
}

/* Whether Kafka allows a topic of this name: at most 249 letters, digits, dots, underscores and hyphens. */
bool topic_is_valid(const char *name);

struct action *action_ref(struct action *action);
void action_unref(struct action *action); /* NULL is fine */

/* Appends the packed definition of a row to `out` (never fails: bad values are packed as they are,
 * texts above ACTION_TEXT_MAX cut right after it). */
void action_pack(const struct action_row *row, const struct action_defaults *defaults, GByteArray *out);
/* The 64-bit digest (XXH3) of a packed definition. */
uint64_t action_digest(const uint8_t *packed, size_t length);
/* Unpacks what action_pack wrote; texts point into `packed`. False where it is no packed definition.
 * `timezone`, `callback` and `dst` of the row come back resolved. */
bool action_unpack(const uint8_t *packed, size_t length, struct action_row *row, enum unix_dialect *dialect);

enum action_state {
	ACTION_ACTIVE,
	ACTION_DISABLED, /* the column `enabled` is false */
	ACTION_BAD,      /* error says why */
};

/* Finds the lane of a callback by its canonical or accepted name; false where there is no such callback. */
struct lane_names {
	bool (*find)(void *context, const char *callback, uint16_t *lane, GError **error);
	void *context;
};

/* Builds the action of a packed definition, with the defaults applied to what is NULL. *out is set for
 * ACTION_ACTIVE only; the caller owns a reference. Errors name the column and the reason. */
enum action_state action_build(const uint8_t *packed, size_t length, const struct action_defaults *defaults,
	const struct lane_names *lanes, struct schedule_cache *cache, struct action **out, GError **error);
