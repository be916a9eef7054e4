/* Purpose: where fires go. A vtable; a callback takes batches, may accept a part, and answers later.
 * submit and stop are called on the loop thread and never block; answers may come from any thread.
 * Promises of every callback: fires are handed on in the order they were submitted for each action; each
 * accepted fire is answered exactly once; what the fires point to stays alive until the answer. */
#pragma once

#include "base/error.h"
#include "model/fire.h"

struct callback;

/* How the callback talks back; any thread. */
struct callback_host {
	/* Answers; the details are taken over. */
	void (*resolved)(void *context, const struct fire_result *results, size_t count);
	/* There is room again after a submit that accepted less than all. */
	void (*ready)(void *context);
	/* The receiver is out of reach for now, and the callback tries again by itself; NULL: it works again.
	 */
	void (*trouble)(void *context, const char *message);
	/* The callback cannot go on (stdout is closed): the program ends with this error, the fires stay
	 * owed. */
	void (*broken)(void *context, const char *message);
	void *context;
};

struct callback_vtable {
	const char *name;        /* `print` */
	const char *const *also; /* other accepted names, NULL-terminated; may be NULL */
	bool lasting; /* a fire is a run that lasts: max_instances counts, missed ones go one by one */
	const char *help;
	struct callback *(*open)(const struct callback_host *host, GError **error);
	/* Accepts the first n of them, returns n. */
	size_t (*submit)(struct callback *callback, const struct fire *fires, size_t count);
	/* Frees it; what was accepted and not answered is finished first, up to the deadline
	 * (CLOCK_MONOTONIC), then abandoned without an answer. May block; called when the loop has ended. */
	void (*close)(struct callback *callback, time_us deadline);
};

/* The table of callbacks, NULL-terminated. */
extern const struct callback_vtable *const callbacks[];

/* Finds one by its name or another accepted name. Errors: AS_ERROR_INVALID, listing what there is. */
const struct callback_vtable *callback_find(const char *name, GError **error);
