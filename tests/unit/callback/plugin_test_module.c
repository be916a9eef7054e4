/* Plugins for test_plugin.c: one that does what the test says, and some that are none. */
#include "plugin_control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int control_init(const struct action_scheduler_host *host,
	const struct action_scheduler_option *options, size_t option_count, void **instance, char *error,
	size_t error_size)
{
	struct plugin_control *control = NULL;
	for (size_t i = 0; i < option_count; i++)
		if (strcmp(options[i].name, "control") == 0)
			control = (struct plugin_control *)(uintptr_t)strtoull(options[i].value, NULL, 10);
	if (!control)
		return ACTION_SCHEDULER_BAD;
	control->options[0] = '\0';
	for (size_t i = 0; i < option_count; i++) {
		size_t length = strlen(control->options);
		if (strcmp(options[i].name, "control") != 0)
			snprintf(control->options + length, sizeof control->options - length, "%s=%s;",
				options[i].name, options[i].value);
	}
	if (control->error)
		snprintf(error, error_size, "%s", control->error);
	control->host = host;
	*instance = control;
	return control->outcome;
}

static size_t control_submit(void *instance, const struct action_scheduler_fire *const *fires, size_t count)
{
	struct plugin_control *control = instance;
	return control->submit(control, fires, count);
}

static void control_cancel(void *instance, uint64_t ticket)
{
	struct plugin_control *control = instance;
	if (control->cancel)
		control->cancel(control, ticket);
}

static void control_stop(void *instance)
{
	struct plugin_control *control = instance;
	control->stopped++;
}

#define GOOD .abi = ACTION_SCHEDULER_PLUGIN_ABI, .size = sizeof(struct action_scheduler_plugin)

ACTION_SCHEDULER_PLUGIN(controlled) = {
	GOOD,
	.init = control_init,
	.submit = control_submit,
	.cancel = control_cancel,
	.stop = control_stop,
};

/* Of a later version of the header: it has more members. */
ACTION_SCHEDULER_PLUGIN_EXTERN ACTION_SCHEDULER_PLUGIN_EXPORT const struct longer {
	struct action_scheduler_plugin known;
	void (*unknown)(void);
} longer;
const struct longer longer = {
	{.abi = ACTION_SCHEDULER_PLUGIN_ABI,
		.size = sizeof(struct longer),
		.init = control_init,
		.submit = control_submit,
		.stop = control_stop},
	NULL,
};

ACTION_SCHEDULER_PLUGIN(other_abi) = {
	.abi = ACTION_SCHEDULER_PLUGIN_ABI + 1,
	.size = sizeof(struct action_scheduler_plugin),
	.init = control_init,
	.submit = control_submit,
	.stop = control_stop,
};

ACTION_SCHEDULER_PLUGIN(small) = {
	.abi = ACTION_SCHEDULER_PLUGIN_ABI,
	.size = 16,
	.init = control_init,
	.submit = control_submit,
	.stop = control_stop,
};

ACTION_SCHEDULER_PLUGIN(no_submit) = {
	GOOD,
	.init = control_init,
	.stop = control_stop,
};
