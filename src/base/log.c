#include "base/log.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum log_level most_level = LOG_INFO;
static enum log_format line_format = LOG_TEXT;
static const char *line_start = ""; /* atomic */
static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_setup(enum log_level most, enum log_format format)
{
	most_level = most;
	line_format = format;
}

bool log_is_text(void)
{
	return line_format == LOG_TEXT;
}

void log_set_line_start(const char *text)
{
	g_atomic_pointer_set(&line_start, text);
}

enum log_level log_level(void)
{
	return most_level;
}

/* Also what would turn the direction of the text that follows. */
static bool is_control(gunichar c)
{
	return g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* Most texts are: nothing is to be done. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

char *log_escape(const char *text)
{
	if (is_plain(text))
		return g_strdup(text);
	GString *out = g_string_new(NULL);
	for (const char *p = text; *p;) {
		gunichar c = g_utf8_get_char_validated(p, -1);
		if (c == (gunichar)-1 || c == (gunichar)-2) {
			g_string_append_printf(out, "\\x%02x", (unsigned char)*p++);
			continue;
		}
		if (c == '\n')
			g_string_append(out, "\\n");
		else if (c == '\t')
			g_string_append(out, "\\t");
		else if (is_control(c))
			g_string_append_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
		else
			g_string_append_unichar(out, c);
		p = g_utf8_next_char(p);
	}
	return g_string_free(out, FALSE);
}

static char *line_text(enum log_level level, const char *time, const char *message)
{
	g_autofree char *safe = log_escape(message);
	return g_strdup_printf("%s %s: %s\n", time, level_names[level], safe);
}

static char *line_json(enum log_level level, const char *time, const char *message)
{
	g_autofree char *valid = g_utf8_make_valid(message, -1);
	g_autoptr(json_t) line =
		json_pack("{ssssss}", "time", time, "level", level_names[level], "message", valid);
	char *text = json_write(line);
	char *with_newline = g_strconcat(text, "\n", NULL);
	free(text);
	return with_newline;
}

void log_event(enum log_level level, const char *format, ...)
{
	if (level > most_level)
		return;
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	char time[TIME_TEXT_MAX];
	time_format_utc(clock_now(), time);
	g_autofree char *text =
		line_format == LOG_JSON ? line_json(level, time, message) : line_text(level, time, message);
	g_autofree char *line = g_strconcat((const char *)g_atomic_pointer_get(&line_start), text, NULL);
	/* A log that cannot be written has nowhere to complain. */
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		return;
}
