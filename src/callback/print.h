/* Purpose: the callbacks of this folder that callbacks.c lists, and what their tests need of them. */
#pragma once

#include "callback/callback.h"

extern const struct callback_vtable callback_print;
extern const struct callback_vtable callback_none;

/* As callback_print.open, on a descriptor other than stdout. It is borrowed and must stay open until the
 * close. */
struct callback *print_open_fd(const struct callback_host *host, int fd, GError **error);
/* Writes `2023-06-17T23:18:40.011761+03:00` in the machine's zone; returns its length. Loop thread only. */
#define PRINT_TIME_MAX 48
size_t print_time(struct callback *print, time_us now, char out[static PRINT_TIME_MAX]);
