#include "callback/exec_command.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "callback/command.h"
#include "callback/exec_words.h"

/* The variables of a fire. */
static const char *const own_names[] = {
	"ACTION_ID", "ACTION_NAME", "FIRE_ID", "SCHEDULED_AT", "ATTEMPT", NULL};

static void refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void refuse(GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, AS_ERROR, AS_ERROR_INVALID, message);
}

/* --- programs --- */

static GStrv program_split(const char *name, const char *value, GError **error)
{
	GStrv words = exec_words_split(value, error);
	if (!words)
		g_prefix_error(error, "exec.programs: %s: ", name);
	else if (!words[0] || !*words[0]) {
		g_clear_pointer(&words, g_strfreev);
		refuse(error, "exec.programs: %s stands for no program", name);
	}
	return words;
}

bool exec_commands_init(
	struct exec_commands *commands, const struct callback_settings *settings, GError **error)
{
	GHashTableIter iter;
	gpointer name, value;
	*commands = (struct exec_commands){.shell = settings->exec.shell,
		.placeholders = settings->placeholders,
		.programs =
			g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_strfreev)};
	g_hash_table_iter_init(&iter, settings->exec.programs);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		GStrv words = program_split(name, value, error);
		if (!words)
			return false;
		g_hash_table_insert(commands->programs, g_strdup(name), words);
	}
	return true;
}

void exec_commands_clear(struct exec_commands *commands)
{
	if (commands->programs)
		g_hash_table_unref(commands->programs);
	*commands = (struct exec_commands){0};
}

/* --- words --- */

static GStrv shell_words(const struct exec_commands *commands, const struct fire *fire)
{
	const char *command = action_command(fire->action);
	const char *const words[] = {"/bin/sh", "-c", command, NULL};
	GStrv result = g_strdupv((gchar **)(void *)words);
	if (commands->placeholders) {
		g_free(result[2]);
		result[2] = command_expand(command, fire, COMMAND_SHELL, NULL, 0);
	}
	return result;
}

static void words_expand(GStrv words, const struct fire *fire)
{
	for (; *words; words++) {
		char *expanded = command_expand(*words, fire, COMMAND_PLAIN, NULL, 0);
		g_free(*words);
		*words = expanded;
	}
}

/* Puts what the first word stands for in its place; takes the words over. */
static GStrv program_apply(const struct exec_commands *commands, GStrv words, GError **error)
{
	const char *const *prefix = g_hash_table_lookup(commands->programs, words[0]);
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
	if (!prefix) {
		refuse(error, "exec: \"%s\" is not one of exec.programs", words[0]);
		g_strfreev(words);
		return NULL;
	}
	for (; *prefix; prefix++)
		g_ptr_array_add(all, g_strdup(*prefix));
	for (char **word = words + 1; *word; word++)
		g_ptr_array_add(all, *word);
	g_free(words[0]);
	g_free(words);
	g_ptr_array_add(all, NULL);
	return (GStrv)g_ptr_array_free(g_steal_pointer(&all), FALSE);
}

GStrv exec_command_words(const struct exec_commands *commands, const struct fire *fire, GError **error)
{
	if (commands->shell)
		return shell_words(commands, fire);
	GStrv words = exec_words_split(action_command(fire->action), error);
	if (!words) {
		g_prefix_error(error, "exec: ");
		return NULL;
	}
	if (commands->placeholders)
		words_expand(words, fire);
	if (!words[0] || !*words[0]) {
		g_strfreev(words);
		refuse(error, "exec: the command names no program");
		return NULL;
	}
	return g_hash_table_size(commands->programs) ? program_apply(commands, words, error) : words;
}

/* --- variables --- */

GStrv exec_environment(const struct exec_settings *settings, char **variables, GError **error)
{
	g_auto(GStrv) names =
		g_strsplit_set(settings->pass_environment ? settings->pass_environment : "", " ,\t\n", -1);
	GStrv result = g_new0(char *, 1);
	for (char **name = names; *name; name++) {
		const char *value = **name ? g_environ_getenv(variables, *name) : NULL;
		if (value)
			result = g_environ_setenv(result, *name, value, true);
	}
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, settings->environment);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		if (!*(char *)name || strchr(name, '=')) {
			refuse(error, "exec.environment: \"%s\" cannot be the name of a variable",
				(char *)name);
			g_strfreev(result);
			return NULL;
		}
		result = g_environ_setenv(result, name, value, true);
	}
	for (size_t i = 0; own_names[i]; i++)
		result = g_environ_unsetenv(result, own_names[i]);
	return result;
}

static void own_put(GByteArray *out, const struct fire *fire)
{
	char id[FIRE_ID_MAX], scheduled_at[TIME_TEXT_MAX];
	fire_id_format(fire->action->id, fire->nominal, fire->manual, id);
	time_format_utc(fire->nominal, scheduled_at);
	const GStrv values = (char *[]){
		g_strdup_printf("%s=%" G_GINT64_FORMAT, own_names[0], fire->action->id),
		g_strconcat(own_names[1], "=", action_name(fire->action), NULL),
		g_strconcat(own_names[2], "=", id, NULL), g_strconcat(own_names[3], "=", scheduled_at, NULL),
		g_strdup_printf("%s=%u", own_names[4], fire->attempt), NULL};
	exec_put_texts(out, (const char *const *)values);
	for (char **value = values; *value; value++)
		g_free(*value);
}

/* --- the frame --- */

bool exec_command_put(
	GByteArray *out, const struct exec_commands *commands, const struct fire *fire, GError **error)
{
	g_auto(GStrv) words = exec_command_words(commands, fire, error);
	if (!words)
		return false;
	size_t begin = exec_frame_begin(out, EXEC_RUN);
	exec_put_number(out, (int64_t)fire->ticket);
	exec_put_number(out, fire->action->timeout_s * US_PER_SECOND);
	exec_put_texts(out, (const char *const *)words);
	own_put(out, fire);
	if (out->len - begin <= EXEC_FRAME_MAX) {
		exec_frame_end(out, begin);
		return true;
	}
	g_byte_array_set_size(out, (guint)begin);
	refuse(error, "exec: %.200s: %s", words[0], g_strerror(E2BIG));
	return false;
}
