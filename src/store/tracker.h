/* Purpose: tells what changed in the table between two reads, at 16 bytes an action: the digests of the
 * packed definitions, ascending by id. Rows whose digest is unchanged cost a hash and nothing else; changed
 * ones are validated here, on the store's thread, and handed on as ready actions. One thread at a time. */
#pragma once

#include "model/change.h"
#include "model/progress.h"
#include "store/store.h"

struct tracker;

/* The defaults are copied; lanes and cache are borrowed and must outlive the tracker. */
struct tracker *tracker_new(
	const struct action_defaults *defaults, const struct lane_names *lanes, struct schedule_cache *cache);
void tracker_free(struct tracker *tracker);

/* Makes a definition known (read back from internal_db, ascending by id) before the first read, so that
 * unchanged rows are no changes. Returns its action (a reference; NULL where it does not build any more, with
 * *error set). */
struct action *tracker_seed(struct tracker *tracker, const struct definition *definition, GError **error);

/* Other defaults from the next read on (they are copied); it reports every row as changed. */
void tracker_set_defaults(struct tracker *tracker, const struct action_defaults *defaults);

/* The changes in batches, each ascending by id; what is gone comes after all the rest. The callee takes the
 * contents over, also where it returns false to stop. */
typedef bool (*tracker_fn)(void *context, struct action_change *changes, size_t count);

/* Reads the table and reports what changed since the last read. On error nothing was forgotten: what had been
 * reported before the error is remembered as seen, removals are reported only after a whole read. Being
 * stopped is no error: the next read goes on, and store_changed says true until then. */
bool tracker_read(
	struct tracker *tracker, struct store *store, tracker_fn each, void *context, GError **error);

/* The same for the rows of these ids alone (ascending, each once), which store_changed_ids gave. On error
 * some may have been reported; the table then counts as changed. */
bool tracker_read_ids(struct tracker *tracker, struct store *store, const int64_t *ids, size_t count,
	tracker_fn each, void *context, GError **error);

/* Number of rows known, and of bad and of disabled ones among them. */
size_t tracker_rows(const struct tracker *tracker);
size_t tracker_bad_rows(const struct tracker *tracker);
size_t tracker_disabled_rows(const struct tracker *tracker);
