#include "cli/crontab_notes.h"

#include <string.h>

/* So many users are named. */
#define USERS_SHOWN 10

static bool is_zone(const struct crontab_setting *setting)
{
	return !strcmp(setting->name, "CRON_TZ");
}

/* Whether a command for a shell names the variable: $NAME or ${NAME. */
static bool uses_variable(const char *command, const char *name)
{
	size_t length = strlen(name);
	for (const char *p = strchr(command, '$'); length && p; p = strchr(p + 1, '$')) {
		const char *word = p + 1 + (p[1] == '{');
		if (!strncmp(word, name, length) && !g_ascii_isalnum(word[length]) && word[length] != '_')
			return true;
	}
	return false;
}

static void note_use(const struct cli *cli, const struct crontab *crontab, const char *name,
	const struct crontab_setting *setting)
{
	const struct crontab_entry *first = NULL;
	size_t others = 0;
	for (guint i = 0; i < crontab->entries->len; i++) {
		const struct crontab_entry *entry = g_ptr_array_index(crontab->entries, i);
		if (entry->line < setting->line || !uses_variable(entry->command, setting->name))
			continue;
		others += first != NULL;
		first = first ? first : entry;
	}
	if (first && others)
		cli_warn(cli, "%s:%u: the command uses $%s, and %zu more do", name, first->line,
			setting->name, others);
	else if (first)
		cli_warn(cli, "%s:%u: the command uses $%s", name, first->line, setting->name);
}

/* A setting of the same name further up. */
static bool stands_above(const struct crontab *crontab, guint at)
{
	const struct crontab_setting *setting = g_ptr_array_index(crontab->settings, at);
	for (guint i = 0; i < at; i++) {
		const struct crontab_setting *other = g_ptr_array_index(crontab->settings, i);
		if (!strcmp(other->name, setting->name))
			return true;
	}
	return false;
}

/* So many settings are told of. */
#define SETTINGS_SHOWN 50

static void note_settings(const struct cli *cli, const struct crontab *crontab, const char *name)
{
	g_autoptr(GString) list = g_string_new(NULL);
	guint count = MIN(crontab->settings->len, SETTINGS_SHOWN);
	for (guint i = 0; i < count; i++) {
		const struct crontab_setting *setting = g_ptr_array_index(crontab->settings, i);
		if (!is_zone(setting))
			g_string_append_printf(
				list, "%s%s (line %u)", list->len ? ", " : "", setting->name, setting->line);
	}
	if (count < crontab->settings->len)
		g_string_append(list, " and more");
	if (!list->len)
		return;
	cli_warn(cli,
		"%s: not carried over: %s; variables of programs are `exec.environment` in the configuration",
		name, list->str);
	for (guint i = 0; i < count; i++) {
		const struct crontab_setting *setting = g_ptr_array_index(crontab->settings, i);
		if (!is_zone(setting) && !stands_above(crontab, i))
			note_use(cli, crontab, name, setting);
	}
}

static void note_users(const struct cli *cli, const struct crontab *crontab, const char *name)
{
	g_autoptr(GHashTable) users = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GString) list = g_string_new(NULL);
	for (guint i = 0; i < crontab->entries->len; i++) {
		const struct crontab_entry *entry = g_ptr_array_index(crontab->entries, i);
		if (!entry->user || !g_hash_table_add(users, entry->user))
			continue;
		if (g_hash_table_size(users) <= USERS_SHOWN)
			g_string_append_printf(list, "%s%s", list->len ? ", " : "", entry->user);
		else if (g_hash_table_size(users) == USERS_SHOWN + 1)
			g_string_append(list, " and more");
	}
	if (list->len)
		cli_warn(cli,
			"%s: not carried over: the users %s; programs run as `exec.user` of the "
			"configuration",
			name, list->str);
}

static bool needs_shell(const struct crontab_entry *entry)
{
	return strpbrk(entry->command, "|&;<>()$`*?[#~\n") || entry->input;
}

static void note_shell(const struct cli *cli, const struct crontab *crontab, const char *name)
{
	const char *callback = cli->host->callback_name(cli->host->context, cli->config->action.callback);
	const struct crontab_entry *first = NULL;
	size_t count = 0;
	if (g_strcmp0(callback, "exec") != 0 || cli->config->callback.exec.shell)
		return;
	for (guint i = 0; i < crontab->entries->len; i++) {
		const struct crontab_entry *entry = g_ptr_array_index(crontab->entries, i);
		count += needs_shell(entry);
		first = !first && needs_shell(entry) ? entry : first;
	}
	if (first)
		cli_warn(cli,
			"%s: commands that look as if they need a shell: %zu, the first in line %u; see "
			"`exec.shell`",
			name, count, first->line);
}

/* Was the file one of the other form? */
static void note_form(const struct cli *cli, const struct crontab *crontab, const char *name)
{
	guint count = 0;
	for (guint i = 0; i < crontab->entries->len; i++) {
		const struct crontab_entry *entry = g_ptr_array_index(crontab->entries, i);
		count += !entry->user && (g_str_has_prefix(entry->command, "root ") ||
						 g_str_has_prefix(entry->command, "root\t"));
	}
	if (count && count == crontab->entries->len)
		cli_warn(cli,
			"%s: every command begins with the word root; if that is the user, import it with "
			"--system",
			name);
}

void crontab_notes(const struct cli *cli, const struct crontab *crontab, const char *name, unsigned present)
{
	note_settings(cli, crontab, name);
	note_users(cli, crontab, name);
	note_shell(cli, crontab, name);
	note_form(cli, crontab, name);
	if (!(present & COLUMN_DST) && cli->config->action.defaults.dst != CONFIG_DST_VIXIE)
		cli_warn(cli, "the table has no column dst, so times that a change of clocks skips or "
			      "repeats are not "
			      "treated as cron does; `check --fix` adds it");
}
