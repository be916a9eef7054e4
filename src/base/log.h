/* Purpose: the log: one line an event on stderr, as text or JSON. Used by the daemon and the CLI only;
 * library folders return errors. Any thread; a line is written with one write. Control characters of a
 * message or a value are escaped, so that nobody forges a line. */
#pragma once

#include <glib.h>
#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

void log_setup(enum log_level most, enum log_format format);
enum log_level log_level(void);
/* Whether lines are for people. */
bool log_is_text(void);
/* What goes out in front of each line, such as what erases a progress bar. Static; "" in the beginning. */
void log_set_line_start(const char *text);

/* Logs a message, no newline at its end. */
void log_event(enum log_level level, const char *format, ...) G_GNUC_PRINTF(2, 3);

#define log_error(...)   log_event(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_event(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_event(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_event(LOG_DEBUG, __VA_ARGS__)

/* The text with control characters (and what is not UTF-8) as \xNN or \n, \t. Free with g_free. */
char *log_escape(const char *text);
