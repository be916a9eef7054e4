#include "config/template.h"

#include <string.h>

#include "config/options.h"

#define LINE_MAX_CHARS 100

static unsigned depth_of(const char *key)
{
	unsigned depth = 0;
	for (const char *dot = strchr(key, '.'); dot; dot = strchr(dot + 1, '.'))
		depth++;
	return depth;
}

static void indent(GString *out, unsigned depth)
{
	g_string_append_printf(out, "%*s", (int)depth * 4, "");
}

/* Sentences as comment lines of a readable width. */
static void write_comment(GString *out, const char *text, unsigned depth)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	size_t room = LINE_MAX_CHARS - depth * 4;
	size_t used = 0;
	for (char **word = words; *word; word++) {
		size_t length = strlen(*word);
		if (used && used + 1 + length > room) {
			g_string_append_c(out, '\n');
			used = 0;
		}
		if (!used) {
			indent(out, depth);
			g_string_append_c(out, '#');
			used = 1;
		}
		g_string_append_printf(out, " %s", *word);
		used += 1 + length;
	}
	g_string_append_c(out, '\n');
}

/* The two databases have the same keys; they are explained once. */
static bool help_was_given(const struct option *option)
{
	for (const struct option *other = options; other < option; other++)
		if (!strcmp(other->help, option->help))
			return true;
	return false;
}

static bool section_is_written(const char *section)
{
	for (size_t i = 0; i < options_count; i++)
		if (options[i].written && option_key_within(options[i].key, section))
			return true;
	return false;
}

static void write_section_start(GString *out, const struct option_section *section)
{
	unsigned depth = depth_of(section->key);
	g_string_append_c(out, '\n');
	write_comment(out, section->help, depth);
	indent(out, depth);
	g_string_append_printf(
		out, "%s%s:\n", section_is_written(section->key) ? "" : "# ", option_key_name(section->key));
}

/* Opens the sections that the key stands in and its predecessor did not. */
static void write_sections(GString *out, const char *key, const char *previous)
{
	for (size_t i = 0; i < option_sections_count; i++) {
		const struct option_section *section = &option_sections[i];
		if (option_key_within(key, section->key) && !option_key_within(previous, section->key))
			write_section_start(out, section);
	}
}

/* The help of an option, and its line with a value. */
static char *option_lines(const struct option *option, const char *mark)
{
	GString *lines = g_string_new(NULL);
	unsigned depth = depth_of(option->key);
	const char *value = option->written    ? option->written
			    : option->fallback ? option->fallback
					       : option->example;
	if (!help_was_given(option))
		write_comment(lines, option->help, depth);
	g_autofree char *plain = option->type == OPTION_STRING && strchr("{[&*!|>%@#", *value)
					 ? g_strdup_printf("'%s'", value)
					 : g_strdup(value);
	indent(lines, depth);
	g_string_append_printf(lines, "%s%s: %s\n", mark, option_key_name(option->key), plain);
	return g_string_free(lines, FALSE);
}

/* In a section that is commented out as a whole, every line is; removing the marks leaves it indented
 * rightly. */
static void write_option(GString *out, const struct option *option)
{
	g_autofree char *section = g_strndup(option->key, strcspn(option->key, "."));
	bool top_level = !strcmp(section, option->key);
	bool commented_section = !top_level && !section_is_written(section);
	g_autofree char *text = option_lines(option, option->written || commented_section ? "" : "# ");
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	if (top_level)
		g_string_append_c(out, '\n');
	for (char **line = lines; *line && **line; line++)
		g_string_append_printf(out, "%s%s\n", commented_section ? "# " : "", *line);
}

char *config_template(void)
{
	GString *out = g_string_new(
		"# Configuration of Action Scheduler.\n"
		"# A line that is commented out shows a default, or an example where there is none.\n"
		"# Every key can be given as a variable too (ACTIONS_DB__DATABASE), in the environment or "
		"in .env.\n");
	const char *previous = "";
	for (size_t i = 0; i < options_count; i++) {
		write_sections(out, options[i].key, previous);
		write_option(out, &options[i]);
		previous = options[i].key;
	}
	return g_string_free(out, FALSE);
}
