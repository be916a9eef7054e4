/* Purpose: the state of a scheduler at a moment, as plain data, and as the JSON that users see (docs/json.md,
 * docs/schema/status.json). Filled by the running scheduler, or from the databases where none runs; what is
 * not known then is TIME_US_MIN, STATUS_UNKNOWN or NULL, and null in JSON. Whoever holds it owns what hangs
 * on it: status_clear. Any thread. */
#pragma once

#include "model/fire.h"

#include <glib.h>
#include <jansson.h>

/* Of a count. */
#define STATUS_UNKNOWN   (-1)
/* Fires that are listed. */
#define STATUS_NEXT_MAX  10
#define STATUS_OPEN_MAX  10
/* Callbacks that are listed; there may be more. */
#define STATUS_LANES_MAX 100

enum health {
	HEALTH_UNKNOWN,
	HEALTH_UNUSED, /* a callback that was not needed yet; a database that is not configured */
	HEALTH_OK,
	HEALTH_FAILING,
};

struct status_health {
	enum health health;
	char *error;   /* what is wrong now; NULL: nothing */
	time_us since; /* since when */
};

struct status_database {
	char *place; /* `sqlite /srv/database.db`; NULL: not configured */
	struct status_health health;
};

/* How long after its time a live fire was handed out. */
struct status_lateness {
	uint64_t count;
	dur_us p50, p99, max;
};

struct status_backlog {
	int64_t records;
	time_us from, to; /* of the oldest record: how far it is made up for, and its end */
	dur_us left;      /* of all: the time that is still to be made up for */
	time_us done_at;  /* at the pace of the last minute; TIME_US_MIN: cannot be told */
};

struct status_callback {
	char *name;
	struct status_health health;
	char *last_error; /* the last trouble there was, be it over; NULL: none */
	time_us last_error_at;
	char *last_refusal; /* what was said with the latest answer that refused a fire; NULL: none has */
	time_us last_refusal_at;
	time_us watermark;
	time_us late_since; /* when the first live fire that is not handed out was due; TIME_US_MIN: none
			       waits */
	int64_t clock_epoch, handed_out, open;
	struct status_backlog backlog;
	int64_t delivered, refused; /* answers since the start */
	double rate;                /* answers a second over the last minute; negative: not known */
};

struct status_fire {
	int64_t action_id;
	char *action_name; /* NULL: the action is gone */
	char *callback;
	time_us nominal, due_at;
	char manual[FIRE_MANUAL_MAX];
	/* Of an open one. */
	int64_t attempts;
	time_us next_attempt_at;
	bool handed_out;
};

struct status {
	bool running;
	time_us at; /* when this was so */
	/* The process; of one that runs. */
	char *version;
	int64_t pid;
	time_us started_at;
	dur_us uptime;
	int64_t memory; /* bytes resident */
	dur_us cpu;
	/* Who has internal_db, or had it last. */
	char *owner;
	bool owner_holds;

	bool held;
	time_us held_since;
	char *held_reason; /* NULL: none was given */

	struct status_database actions_db, internal_db;
	GArray *callbacks; /* struct status_callback */
	int64_t callback_count;

	int64_t active, paused, finished, bad;
	GArray *next_fires; /* struct status_fire, in order */
	GArray *open_fires; /* the same, by when they were due */
	int64_t open_count;

	struct status_lateness late_minute, late_total;
	double rate_minute, rate_total;    /* answers a second; negative: not known */
	int64_t ended[STATUS_SKIPPED + 1]; /* by enum fire_status, since the start */
};

/* Empty: nothing is known. */
void status_init(struct status *status);
void status_clear(struct status *status);
/* Whether it runs, and all that it names works. */
bool status_is_healthy(const struct status *status);
/* The caller owns it. */
json_t *status_json(const struct status *status);
