/* Purpose: where fires go. A vtable; a callback takes batches, may accept a part, and answers later.
 * submit and close are called on the loop thread; submit never blocks; answers may come from any thread.
 * Promises of every callback: fires are handed on in the order they were submitted for each action; each
 * accepted fire is answered exactly once (but after close); what the fires point to stays alive until the
 * answer.
 *
 * A callback is known by its name: `print`. A family has an argument behind its name, `python:jobs:send`, and
 * one instance, with a lane of its own, for each. The name as it stands in the row may be another accepted
 * one; the canonical one names the lane. */
#pragma once

#include "base/error.h"
#include "model/callback_settings.h"
#include "model/fire.h"

struct callback;

/* Whether internal_db durably knows that a fire, which was delivered, is over (manual: its UUID, else empty).
 */
typedef bool (*callback_settled_fn)(void *context, struct position position, const char *manual);

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
	/* A line for the log: what a receiver said. */
	void (*say)(void *context, const char *line);
	void *context;
};

/* What an instance is made from; all borrowed, the settings until it is closed. */
struct callback_open {
	const char *name;     /* canonical */
	const char *argument; /* of a family: what stands behind the first colon; else NULL */
	const struct callback_settings *settings;
	struct callback_host host;
};

struct callback_vtable {
	const char *name;        /* `print`; of a family what stands before the colon */
	const char *const *also; /* other accepted names, NULL-terminated; may be NULL */
	bool family;
	bool lasting; /* a fire is a run that lasts: max_instances counts, missed ones go one by one */
	bool words;   /* the command is split into words as a shell does */
	const char *help;
	/* Its limits in the settings. */
	struct callback_limits (*limits)(const struct callback_settings *settings);
	/* At most once: how many fires may have begun at a time, each being durable as such before it is
	 * submitted; 0 or NULL: at least once. */
	uint32_t (*begin_max)(const struct callback_settings *settings);
	/* Whether the configuration allows it and the argument makes sense, without looking further than
	 * memory and the file system; any thread. Errors: AS_ERROR_INVALID, with the way out. NULL: always.
	 */
	bool (*check)(const struct callback_settings *settings, const char *argument, GError **error);
	/* Whether the receiver answers and would take a fire; blocks for some seconds at most; any thread.
	 * NULL: cannot be told. */
	bool (*probe)(const struct callback_settings *settings, const char *argument, GError **error);
	/* Called once, while the process is small and has one thread, where the callback is enabled. May be
	 * NULL. */
	bool (*prepare)(const struct callback_settings *settings, GError **error);
	/* Errors: AS_ERROR_UNAVAILABLE where a later try may help, else the lane waits until the program is
	 * started anew. */
	struct callback *(*open)(const struct callback_open *open, GError **error);
	/* Called once, after open and not before this process owns internal_db: what would take something
	 * over from another process may do so now, so that the first fires need not wait for it. Never
	 * blocks. May be NULL; not called where only what a user asks for is handed out. */
	void (*start)(struct callback *callback);
	/* Accepts the first n of them, returns n. */
	size_t (*submit)(struct callback *callback, const struct fire *fires, size_t count);
	/* Called on the loop thread when more is durable: what delivers exactly once forgets what is settled.
	 * The function holds during the call. May be NULL. */
	void (*settle)(struct callback *callback, callback_settled_fn is_settled, void *context);
	/* Frees it; what was accepted and not answered is finished first, up to the deadline
	 * (CLOCK_MONOTONIC), then abandoned without an answer. May block; called when the loop has ended.
	 * False where a thread is left behind in a call that nobody can end: it may still look at the
	 * callback, the settings and the fires, which then stay to the end of the process. The host is not
	 * called. */
	bool (*close)(struct callback *callback, time_us deadline);
};

/* The table of callbacks, NULL-terminated. */
extern const struct callback_vtable *const callbacks[];

/* Finds one by its name or another accepted name; a bare `module:function` is one of python. *canonical is
 * then the caller's (NULL: not asked for). Any thread. Errors: AS_ERROR_INVALID, listing what there is. */
const struct callback_vtable *callback_find(const char *name, char **canonical, GError **error);
/* What stands behind the colon of a canonical name, NULL where there is none. Points into it. */
const char *callback_argument(const struct callback_vtable *vtable, const char *canonical);
