/* Purpose: tells when a file, or one that a database keeps beside it, may have changed (inotify on the
 * directory, so that a file which is replaced or not there yet is seen too). One thread. Files on a network
 * tell nothing of what other machines do. */
#pragma once

#include <stdbool.h>

struct file_watch;

/* `suffixes` ends with NULL and is borrowed for good: "" for the file itself, "-wal" and the like. */
struct file_watch *file_watch_new(const char *path, const char *const *suffixes);
void file_watch_free(struct file_watch *watch); /* NULL is fine */

/* Watches the directory if it is there; call again when it may have come back. Readable descriptor, -1 where
 * nothing can be watched; it stays the same once it is there. */
int file_watch_fd(struct file_watch *watch);
/* Reads all that has happened; true where it was about the file or its companions. */
bool file_watch_drain(struct file_watch *watch);
/* The path may lead to another directory than before (a link, a directory that was replaced): looks anew. */
void file_watch_renew(struct file_watch *watch);
