#include "cli/crontab_file.h"

#include <string.h>

#include "config/problem.h"

#define FIELDS 5
#define BLANKS " \t"

struct reader {
	struct crontab *crontab;
	const char *name;
	bool with_users;
	GPtrArray *problems;
	unsigned line;
	const char *timezone; /* of the last CRON_TZ; borrowed from its setting */
	/* What the comments right above say; NULL: nothing. */
	char *given_name, *columns;
	unsigned columns_line;
};

static void entry_free(gpointer data)
{
	struct crontab_entry *entry = data;
	char *texts[] = {
		entry->schedule, entry->command, entry->input, entry->user, entry->name, entry->columns};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	g_free(entry);
}

static void setting_free(gpointer data)
{
	struct crontab_setting *setting = data;
	g_free(setting->name);
	g_free(setting->value);
	g_free(setting);
}

static void complain(const struct reader *r, const char *reason)
{
	g_autofree char *place = g_strdup_printf("%s:%u", r->name, r->line);
	problem_add(r->problems, place, NULL, "%s", reason);
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, BLANKS);
}

/* --- comments --- */

static void forget_comments(struct reader *r)
{
	g_clear_pointer(&r->given_name, g_free);
	g_clear_pointer(&r->columns, g_free);
}

/* The text behind `# KEY:`, NULL where the comment is another. */
static char *comment_value(const char *comment, const char *key)
{
	const char *p = skip_blanks(comment + 1);
	size_t length = strlen(key);
	if (strncmp(p, key, length) != 0 || p[length] != ':')
		return NULL;
	return g_strstrip(g_strdup(p + length + 1));
}

static void take_comment(struct reader *r, const char *comment)
{
	char *name = comment_value(comment, "name");
	char *columns = comment_value(comment, "columns");
	if (name) {
		g_free(r->given_name);
		r->given_name = name;
	}
	/* A comment of a person may begin alike. */
	if (columns && *columns == '{') {
		g_free(r->columns);
		r->columns = columns;
		r->columns_line = r->line;
	} else {
		g_free(columns);
	}
}

/* --- settings: NAME = VALUE, as load_env of cronie has it --- */

/* A name or value that may be in quotes; a bare name ends at white space or =. NULL where the quote stays
 * open. */
static char *read_word(const char **at, bool name)
{
	const char *p = *at;
	if (*p == '"' || *p == '\'') {
		const char *end = strchr(p + 1, *p);
		if (!end)
			return NULL;
		*at = end + 1;
		return g_strndup(p + 1, (gsize)(end - p - 1));
	}
	const char *end = p;
	while (*end && !(name && (g_ascii_isspace(*end) || *end == '=')))
		end++;
	*at = end;
	return g_strndup(p, (gsize)(end - p));
}

static struct crontab_setting *read_setting(const char *line)
{
	g_autofree char *name = read_word(&line, true);
	if (!name || !*name || strchr(name, '='))
		return NULL;
	while (g_ascii_isspace(*line))
		line++;
	if (*line++ != '=')
		return NULL;
	while (g_ascii_isspace(*line))
		line++;
	bool bare = *line != '"' && *line != '\'';
	g_autofree char *value = read_word(&line, false);
	if (!value || skip_blanks(line)[0])
		return NULL;
	struct crontab_setting *setting = g_new0(struct crontab_setting, 1);
	setting->name = g_steal_pointer(&name);
	setting->value = bare ? g_strchomp(g_steal_pointer(&value)) : g_steal_pointer(&value);
	return setting;
}

static bool take_setting(struct reader *r, const char *line)
{
	struct crontab_setting *setting = read_setting(line);
	if (!setting)
		return false;
	setting->line = r->line;
	g_ptr_array_add(r->crontab->settings, setting);
	if (!strcmp(setting->name, "CRON_TZ"))
		r->timezone = *setting->value ? setting->value : NULL;
	return true;
}

/* --- entries --- */

static char *take_nickname(struct reader *r, const char **at)
{
	static const struct {
		const char *name, *schedule;
	} nicknames[] = {
		{"@yearly", "0 0 1 1 *"},
		{"@annually", "0 0 1 1 *"},
		{"@monthly", "0 0 1 * *"},
		{"@weekly", "0 0 * * 0"},
		{"@daily", "0 0 * * *"},
		{"@midnight", "0 0 * * *"},
		{"@hourly", "0 * * * *"},
	};
	size_t length = strcspn(*at, BLANKS);
	g_autofree char *word = g_strndup(*at, length);
	for (size_t i = 0; i < G_N_ELEMENTS(nicknames); i++) {
		if (!strcmp(word, nicknames[i].name)) {
			*at += length;
			return g_strdup(nicknames[i].schedule);
		}
	}
	if (!strcmp(word, "@reboot")) {
		complain(r, "@reboot is no time at which an action could fire; leave it to cron, or to a "
			    "service of systemd");
		return NULL;
	}
	g_autofree char *quoted = problem_quote(word);
	g_autofree char *reason =
		g_strdup_printf("%s is none of @yearly, @annually, @monthly, @weekly, @daily, "
				"@midnight and @hourly",
			quoted);
	complain(r, reason);
	return NULL;
}

static char *take_fields(struct reader *r, const char **at)
{
	g_autoptr(GString) schedule = g_string_new(NULL);
	const char *p = *at;
	for (int i = 0; i < FIELDS; i++) {
		size_t length = strcspn(p, BLANKS);
		if (!length) {
			g_autofree char *reason = g_strdup_printf(
				"%d field%s; a line is five fields (minute, hour, day of month, month, day "
				"of week)%s and a command, or a setting NAME=VALUE",
				i, i == 1 ? "" : "s", r->with_users ? ", a user" : "");
			complain(r, reason);
			return NULL;
		}
		g_string_append(schedule, i ? " " : "");
		g_string_append_len(schedule, p, (gssize)length);
		p = skip_blanks(p + length);
	}
	*at = p;
	return g_string_free(g_steal_pointer(&schedule), FALSE);
}

/* Up to the first bare % the command, behind it the lines of its input: \% is %, a bare % ends a line. */
static void take_command(struct crontab_entry *entry, const char *text)
{
	GString *out = g_string_new(NULL), *command = NULL;
	for (const char *p = text; *p; p++) {
		if (p[0] == '\\' && p[1] == '%') {
			g_string_append_c(out, *++p);
		} else if (*p != '%') {
			g_string_append_c(out, *p);
		} else if (!command) {
			command = out;
			out = g_string_new(NULL);
		} else {
			g_string_append_c(out, '\n');
		}
	}
	if (command && out->len && out->str[out->len - 1] != '\n')
		g_string_append_c(out, '\n');
	entry->command = g_string_free(command ? command : out, FALSE);
	entry->input = command ? g_string_free(out, FALSE) : NULL;
}

static bool take_user(struct reader *r, struct crontab_entry *entry, const char **at)
{
	size_t length = strcspn(*at, BLANKS);
	entry->user = g_strndup(*at, length);
	*at = skip_blanks(*at + length);
	if (length && **at)
		return true;
	complain(r, "there is no command; in a system crontab the user stands before it");
	return false;
}

static bool fill_entry(struct reader *r, struct crontab_entry *entry, const char *line)
{
	/* cronie: do not log this one. */
	const char *p = line + (*line == '-');
	entry->schedule = *p == '@' ? take_nickname(r, &p) : take_fields(r, &p);
	if (!entry->schedule)
		return false;
	p = skip_blanks(p);
	if (*p == '*') {
		complain(r, "there are more than five fields before the command");
		return false;
	}
	if (r->with_users && !take_user(r, entry, &p))
		return false;
	if (!*p) {
		complain(r, "there is no command");
		return false;
	}
	take_command(entry, p);
	if (!*entry->command) {
		complain(r, "there is no command before the %");
		return false;
	}
	return true;
}

static void take_entry(struct reader *r, const char *line)
{
	struct crontab_entry *entry = g_new0(struct crontab_entry, 1);
	entry->line = r->line;
	entry->timezone = r->timezone;
	entry->name = g_steal_pointer(&r->given_name);
	entry->columns = g_steal_pointer(&r->columns);
	entry->columns_line = r->columns_line;
	if (fill_entry(r, entry, line))
		g_ptr_array_add(r->crontab->entries, entry);
	else
		entry_free(entry);
}

/* --- lines --- */

static void take_line(struct reader *r, const char *line, size_t length)
{
	if (length && line[length - 1] == '\r')
		length--;
	if (memchr(line, '\0', length) || !g_utf8_validate(line, (gssize)length, NULL)) {
		complain(r, memchr(line, '\0', length) ? "a NUL character" : "the text is not UTF-8");
		forget_comments(r);
		return;
	}
	g_autofree char *text = g_strndup(line, length);
	const char *p = text;
	while (g_ascii_isspace(*p))
		p++;
	if (*p == '#') {
		take_comment(r, p);
		return;
	}
	if (*p && !take_setting(r, p))
		take_entry(r, p);
	forget_comments(r);
}

struct crontab *crontab_read(
	const char *text, size_t length, const char *name, bool with_users, GPtrArray *problems)
{
	struct crontab *crontab = g_new0(struct crontab, 1);
	crontab->entries = g_ptr_array_new_with_free_func(entry_free);
	crontab->settings = g_ptr_array_new_with_free_func(setting_free);
	struct reader r = {.crontab = crontab, .name = name, .with_users = with_users, .problems = problems};
	for (size_t at = 0; at < length;) {
		const char *end = memchr(text + at, '\n', length - at);
		size_t size = end ? (size_t)(end - text) - at : length - at;
		r.line++;
		take_line(&r, text + at, size);
		at += size + 1;
	}
	forget_comments(&r);
	return crontab;
}

void crontab_free(struct crontab *crontab)
{
	if (!crontab)
		return;
	g_ptr_array_unref(crontab->entries);
	g_ptr_array_unref(crontab->settings);
	g_free(crontab);
}

char *crontab_escape(const char *command)
{
	GString *out = g_string_new(NULL);
	for (const char *p = command; *p; p++) {
		if (*p == '%')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *p);
	}
	return g_string_free(out, FALSE);
}
