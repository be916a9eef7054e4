#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rows.h"

static void append_text(GString *out, struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (g_ascii_isprint(text.data[i]))
			g_string_append_c(out, text.data[i]);
		else
			g_string_append_printf(out, "\\x%02x", (unsigned char)text.data[i]);
	}
}

static void append_number(GString *out, struct maybe_int number)
{
	if (number.set)
		g_string_append_printf(out, "%" G_GINT64_FORMAT, number.value);
	else if (number.bad.data)
		g_string_append_c(out, '!');
	append_text(out, number.bad);
}

static void append_more_text(GString *out, const char *name, struct text text)
{
	if (!text.data)
		return;
	g_string_append_printf(out, "|%s=", name);
	append_text(out, text);
}

static void append_more(GString *out, const char *name, struct maybe_int number)
{
	if (!number.set && !number.bad.data)
		return;
	g_string_append_printf(out, "|%s=", name);
	append_number(out, number);
}

bool rows_append(void *context, const struct action_row *row)
{
	GString *out = context;
	const struct text texts[] = {row->name, row->command, row->cron};
	g_string_append_printf(out, "%" G_GINT64_FORMAT, row->id);
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_string_append_c(out, '|');
		append_text(out, texts[i]);
	}
	g_string_append_c(out, '|');
	append_number(out, row->merge_missed);
	g_string_append_c(out, '|');
	append_number(out, row->actuality_time);
	append_more(out, "enabled", row->enabled);
	append_more_text(out, "timezone", row->timezone);
	append_more_text(out, "callback", row->callback);
	append_more(out, "max_instances", row->max_instances);
	append_more(out, "timeout", row->timeout);
	append_more(out, "max_attempts", row->max_attempts);
	append_more_text(out, "dst", row->dst);
	append_more(out, "catch_up_limit", row->catch_up_limit);
	append_more_text(out, "topic", row->topic);
	g_string_append_c(out, '\n');
	return true;
}

char *rows_of(struct store *store)
{
	g_autoptr(GError) error = NULL;
	GString *out = g_string_new(NULL);
	if (!store_read(store, rows_append, out, &error))
		fail_msg("%s", error->message);
	return g_string_free(out, FALSE);
}
