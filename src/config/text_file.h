/* Purpose: reading a small text file as a whole, be it a file, a pipe or a device. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Reads at most `most` bytes; more is an error. *text gets a NUL behind its end and is the caller's. Errors:
 * AS_ERROR_MISSING where there is no such file, AS_ERROR_INVALID for one that is too large, AS_ERROR_FAILED
 * else; the message does not name the path. */
bool text_file_read(const char *path, size_t most, char **text, size_t *length, GError **error);
/* The same from an open file, which stays open. */
bool text_fd_read(int fd, size_t most, char **text, size_t *length, GError **error);
