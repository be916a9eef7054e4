/* The receiver of contract_plugin.c, which the plugins of contract_plugin_module.c find by the option
 * `receiver`: its address as a number. */
#pragma once

#include <glib.h>
#include <pthread.h>

#include "contract.h"

struct contract_receiver {
	struct callback_settings *settings;
	char *argument;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	enum contract_mode mode;
	GArray *seen; /* struct contract_seen */
};
