/* How test_plugin.c moves the plugins of plugin_test_module.c, which find it by the option `control`: its
 * address as a number. */
#pragma once

#include <action_scheduler/plugin.h>

struct plugin_control {
	/* What init does: the outcome, the message, and who it is to remember. */
	int outcome;
	const char *error;
	const struct action_scheduler_host *host;
	char options[1000]; /* name=value; of all */
	size_t (*submit)(struct plugin_control *control, const struct action_scheduler_fire *const *fires,
		size_t count);
	void (*cancel)(struct plugin_control *control, uint64_t ticket);
	unsigned stopped;
	void *context; /* of the test */
};
