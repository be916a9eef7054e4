/* Purpose: what tests need of the callback print. */
#pragma once

#include "callback/callback.h"

/* As callback_print.open, on a descriptor other than stdout. It is borrowed and must stay open until the
 * close. */
struct callback *print_open_fd(const struct callback_host *host, int fd, GError **error);
/* Writes `2023-06-17T23:18:40.011761+03:00` in the machine's zone; returns its length. Loop thread only. */
#define PRINT_TIME_MAX 48
size_t print_time(struct callback *print, time_us now, char out[static PRINT_TIME_MAX]);
