/* Purpose: the callbacks of this folder, for the table in callbacks.c. */
#pragma once

#include "callback/callback.h"

extern const struct callback_vtable callback_http;
extern const struct callback_vtable callback_kafka;
extern const struct callback_vtable callback_plugin;
extern const struct callback_vtable callback_print;
extern const struct callback_vtable callback_none;
extern const struct callback_vtable callback_exec;
extern const struct callback_vtable callback_python;
