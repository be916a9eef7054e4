/* Purpose: asks the brokers whether a message could be sent. Any thread; blocks for some seconds at most. */
#pragma once

#include "base/error.h"
#include "model/callback_settings.h"

/* As probe of callback.h. */
bool kafka_probe(const struct callback_settings *settings, const char *argument, GError **error);
