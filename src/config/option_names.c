/* Looking up the keys of the table, and guessing what a wrong one was meant to be. */
#include <string.h>

#include "config/options.h"

/* Longer keys are compared by their beginning. */
#define COMPARED_MAX 64

const struct option *option_find(const char *key)
{
	for (size_t i = 0; i < options_count; i++)
		if (!strcmp(options[i].key, key))
			return &options[i];
	return NULL;
}

const struct option_section *option_section_find(const char *key)
{
	for (size_t i = 0; i < option_sections_count; i++)
		if (!strcmp(option_sections[i].key, key))
			return &option_sections[i];
	return NULL;
}

bool option_key_within(const char *key, const char *section)
{
	size_t length = strlen(section);
	return !length || (!strncmp(key, section, length) && key[length] == '.');
}

const struct option *option_find_map(const char *key, const char **rest)
{
	for (size_t i = 0; i < options_count; i++) {
		if (options[i].type != OPTION_MAP || !option_key_within(key, options[i].key))
			continue;
		*rest = key + strlen(options[i].key) + 1;
		return &options[i];
	}
	return NULL;
}

const char *option_key_name(const char *key)
{
	const char *dot = strrchr(key, '.');
	return dot ? dot + 1 : key;
}

unsigned option_distance(const char *a, const char *b)
{
	/* Optimal string alignment: three rows of the table of prefixes. */
	unsigned rows[3][COMPARED_MAX + 1] = {0};
	size_t width = strnlen(b, COMPARED_MAX);
	size_t height = strnlen(a, COMPARED_MAX);
	for (size_t j = 0; j <= width; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= height; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i - 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= width; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
			best = MIN(best, MIN(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = MIN(best, rows[(i - 2) % 3][j - 2] + 1);
			row[j] = best;
		}
	}
	return rows[height % 3][width];
}

static void consider(const char *key, const char *known, const char **best, unsigned *least)
{
	/* The name weighs more than where it stands: a key in the wrong section is still recognised. */
	g_autofree char *parent = g_strndup(key, (size_t)(option_key_name(key) - key));
	g_autofree char *known_parent = g_strndup(known, (size_t)(option_key_name(known) - known));
	unsigned distance = 2 * option_distance(option_key_name(key), option_key_name(known)) +
			    option_distance(parent, known_parent);
	if (distance < *least) {
		*least = distance;
		*best = known;
	}
}

const char *option_nearest(const char *key)
{
	g_autofree char *lower = g_ascii_strdown(key, -1);
	const char *best = NULL;
	unsigned least = UINT_MAX;
	for (size_t i = 0; i < options_count; i++)
		consider(lower, options[i].key, &best, &least);
	for (size_t i = 0; i < option_sections_count; i++)
		consider(lower, option_sections[i].key, &best, &least);
	return best;
}

char *option_variable(const char *key)
{
	g_autofree char *upper = g_ascii_strup(key, -1);
	g_auto(GStrv) parts = g_strsplit(upper, ".", -1);
	return g_strjoinv("__", parts);
}

bool option_is_directly_in(const struct option *option, const char *section)
{
	size_t length = strlen(section);
	const char *name = option_key_name(option->key);
	size_t parent = (size_t)(name - option->key);
	return length ? parent == length + 1 && option_key_within(option->key, section) : !parent;
}
