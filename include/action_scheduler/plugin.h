/*
 * Plugins of Action Scheduler: a shared library that is called for each fire of the actions whose callback is
 * `plugin:/path/to/library.so:SYMBOL`. C (C11 on) and C++ (C++11 on). docs/plugin.md has a walk through.
 *
 * A library exports a `struct action_scheduler_plugin` under the name SYMBOL, a table of its functions:
 *
 *     ACTION_SCHEDULER_PLUGIN(send_sms) = {
 *         .abi = ACTION_SCHEDULER_PLUGIN_ABI, .size = sizeof(struct action_scheduler_plugin),
 *         .init = sms_init, .submit = sms_submit, .cancel = sms_cancel, .stop = sms_stop,
 *     };
 *
 * It is loaded once, at the start or when its first fire is due, and stays loaded until the scheduler ends.
 * Each name of a callback, so each pair of path and symbol, is one instance.
 *
 * THREADS. init is called on the scheduler's main thread. submit and stop are called on one thread that
 * belongs to the instance, never two of them at a time. cancel is called on another one and may come while
 * submit runs. The functions of the host may be called on any thread, also from within submit and cancel,
 * from init on until stop has returned. A plugin changes nothing that belongs to the whole process: signal
 * handlers, working directory, locale, environment, standard streams.
 *
 * PROMISES TO THE PLUGIN. Fires of an action are handed over in the order in which they are due. Each
 * accepted fire stays as it is, with all it points to, until the plugin has resolved it, even when it was
 * cancelled.
 *
 * PROMISES OF THE PLUGIN. Each accepted fire is resolved once. A fire may come again after a crash, with the
 * same fire_id. Nothing throws or jumps out of a function of the plugin.
 *
 * VERSIONS. ACTION_SCHEDULER_PLUGIN_ABI changes when a plugin that was built before would not work any more;
 * the scheduler then refuses the old one by name. Between two such changes members are added at the ends of
 * the structs only, and `size` tells what is there: a plugin that is built against this header needs to look
 * at `size` only for members that came after version 1.
 */
#ifndef ACTION_SCHEDULER_PLUGIN_H
#define ACTION_SCHEDULER_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ACTION_SCHEDULER_PLUGIN_ABI 1

/* A fire. Owned by the scheduler; valid until it is resolved. Times are microseconds since
 * 1970-01-01T00:00:00Z. Texts end with a NUL, which their length does not count. */
struct action_scheduler_fire {
	size_t size;
	uint64_t ticket;     /* names it in resolve and cancel; never used twice by an instance */
	const char *fire_id; /* `17@2024-01-01T00:05:00Z`, of a manual one `17!UUID`; the same at a repeat */
	int64_t action_id;
	const char *name; /* of the action, UTF-8 */
	size_t name_length;
	const char *command; /* UTF-8; with the placeholders replaced, where these are configured */
	size_t command_length;
	int64_t scheduled_at; /* the time that the schedule says */
	int64_t due_at;       /* when it was due: later than scheduled_at where the schedule has jitter */
	uint32_t attempt;     /* 1 for the first */
	uint32_t timeout;     /* seconds from the submit until it is cancelled; 0: never */
};

/* How a fire ended. */
#define ACTION_SCHEDULER_DELIVERED   0
/* Refused: uses up one of the action's max_attempts. */
#define ACTION_SCHEDULER_REJECTED    1
/* Nobody is there to take it. Uses up no attempt; the scheduler holds back what follows and tries again
 * later. */
#define ACTION_SCHEDULER_UNAVAILABLE 2

/* The answer to a fire. Begin with ACTION_SCHEDULER_RESULT_INIT, or with zeros and the size. */
struct action_scheduler_result {
	size_t size;
	uint64_t ticket;
	int answer; /* ACTION_SCHEDULER_DELIVERED or another */
	/* For the history: why, or the output. NULL: nothing. Copied, the first 64 KiB of it. */
	const char *detail;
	int64_t started_at;  /* 0: when it was handed to submit */
	int64_t finished_at; /* 0: now */
	int64_t retry_at; /* not again before this, where the receiver asked for it; 0: nothing was asked */
};

#define ACTION_SCHEDULER_RESULT_INIT                                        \
	{                                                                   \
		sizeof(struct action_scheduler_result), 0, 0, NULL, 0, 0, 0 \
	}

/* What the scheduler offers. Valid from init until stop has returned; any thread. None of them blocks for
 * longer than a lock is held. */
struct action_scheduler_host {
	uint32_t abi;
	size_t size;
	/* Answers a fire. What it points to may be gone when this returns. May be called before submit has
	 * returned; the fire counts as accepted then. An unknown ticket, or one that is resolved already, is
	 * ignored and logged once. */
	void (*resolve)(
		const struct action_scheduler_host *host, const struct action_scheduler_result *result);
	/* There is room again, after a submit that accepted less than all. Calling it without need is fine.
	 */
	void (*ready)(const struct action_scheduler_host *host);
	/* A line for the scheduler's log; UTF-8. */
	void (*log)(const struct action_scheduler_host *host, const char *line);
	/* What the plugin sends to is out of reach, and the plugin goes on trying with what it has accepted;
	 * NULL: it works again. Logged when it changes. A plugin that does not go on trying answers
	 * ACTION_SCHEDULER_UNAVAILABLE instead. */
	void (*trouble)(const struct action_scheduler_host *host, const char *message);
};

/* An entry of the plugin's section of the configuration: `gateway: https://…` of
 * `plugin: {options: {send_sms.gateway: https://…}}`. Valid until stop has returned. */
struct action_scheduler_option {
	const char *name; /* without the symbol and its dot */
	const char *value;
};

/* What init returns. */
#define ACTION_SCHEDULER_OK    0
#define ACTION_SCHEDULER_AGAIN 1 /* it cannot work now: the scheduler calls init again after a while */
#define ACTION_SCHEDULER_BAD   2 /* it cannot work with these options, or on this machine */

/* What a plugin exports. */
struct action_scheduler_plugin {
	uint32_t abi; /* ACTION_SCHEDULER_PLUGIN_ABI */
	size_t size;  /* sizeof(struct action_scheduler_plugin) */

	/* Makes an instance and stores what the other functions are then called with; NULL is a fine one. The
	 * options come sorted by name. It must not wait for a network or the like: nothing fires meanwhile.
	 * An option that is not known should be an error. On ACTION_SCHEDULER_AGAIN and ACTION_SCHEDULER_BAD
	 * it leaves nothing behind, and writes a sentence with the way out into `error`, which holds
	 * `error_size` bytes and ends with a NUL. */
	int (*init)(const struct action_scheduler_host *host, const struct action_scheduler_option *options,
		size_t option_count, void **instance, char *error, size_t error_size);

	/* Hands over fires. Accepts the first n of them and returns n; for the rest it calls host->ready when
	 * there is room, and gets them again. It may block and even do the work itself: that holds up only
	 * this instance. But a timeout counts from here, so accept no more than can be begun. The array, but
	 * not the fires, is gone when this returns. */
	size_t (*submit)(void *instance, const struct action_scheduler_fire *const *fires, size_t count);

	/* The fire has timed out and is answered as refused. The plugin ends the work on it if it can, and
	 * resolves it all the same, which only frees it. It may come for a ticket that is just being
	 * resolved, or that submit is about not to accept. NULL where the plugin cannot end what it began. */
	void (*cancel)(void *instance, uint64_t ticket);

	/* The scheduler ends. Everything is resolved, or the time to wait for it is over. Ends all threads
	 * that the plugin started and frees the instance; when it returns, the host may not be called any
	 * more. It has a second. It is not called where a submit or cancel does not return in time. */
	void (*stop)(void *instance);
};

#if defined(__GNUC__)
#define ACTION_SCHEDULER_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define ACTION_SCHEDULER_PLUGIN_EXPORT
#endif
#ifdef __cplusplus
#define ACTION_SCHEDULER_PLUGIN_EXTERN extern "C"
#else
#define ACTION_SCHEDULER_PLUGIN_EXTERN extern
#endif

/* Begins the definition of what is exported: ACTION_SCHEDULER_PLUGIN(symbol) = {…}; */
#define ACTION_SCHEDULER_PLUGIN(symbol)                                                                    \
	ACTION_SCHEDULER_PLUGIN_EXTERN ACTION_SCHEDULER_PLUGIN_EXPORT const struct action_scheduler_plugin \
		symbol;                                                                                    \
	const struct action_scheduler_plugin symbol

#ifdef __cplusplus
}
#endif

#endif
