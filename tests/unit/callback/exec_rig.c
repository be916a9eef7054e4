#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "callback/backends.h"
#include "exec_rig.h"

struct given {
	struct action *action;
	bool answered;
	struct fire_result result;
};

struct exec_rig {
	struct callback_settings settings;
	struct callback *callback;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	GPtrArray *given; /* struct given */
	struct exec_rig_told told;
};

/* --- the host --- */

static void host_resolved(void *context, const struct fire_result *results, size_t count)
{
	struct exec_rig *rig = context;
	pthread_mutex_lock(&rig->lock);
	for (size_t i = 0; i < count; i++) {
		struct given *given = g_ptr_array_index(rig->given, results[i].ticket);
		assert_false(given->answered);
		given->answered = true;
		given->result = results[i];
	}
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

static void host_count(struct exec_rig *rig, unsigned *counter, const char *message)
{
	pthread_mutex_lock(&rig->lock);
	++*counter;
	if (message) {
		g_free(rig->told.message);
		rig->told.message = g_strdup(message);
	}
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

static void host_ready(void *context)
{
	struct exec_rig *rig = context;
	host_count(rig, &rig->told.ready, NULL);
}

static void host_trouble(void *context, const char *message)
{
	struct exec_rig *rig = context;
	host_count(rig, message ? &rig->told.trouble : &rig->told.trouble_over, message);
}

static void host_broken(void *context, const char *message)
{
	struct exec_rig *rig = context;
	host_count(rig, &rig->told.broken, message);
}

static void host_say(void *context, const char *line)
{
	struct exec_rig *rig = context;
	pthread_mutex_lock(&rig->lock);
	g_ptr_array_add(rig->told.lines, g_strdup(line));
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

/* --- the instance --- */

static GHashTable *map_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void exec_rig_set(char **setting, const char *value)
{
	g_free(*setting);
	*setting = g_strdup(value);
}

struct exec_rig *exec_rig_new(void)
{
	struct exec_rig *rig = g_new0(struct exec_rig, 1);
	struct exec_settings *exec = &rig->settings.exec;
	pthread_mutex_init(&rig->lock, NULL);
	pthread_cond_init(&rig->changed, NULL);
	rig->given = g_ptr_array_new();
	rig->told.lines = g_ptr_array_new_with_free_func(g_free);
	exec->enabled = exec->log_output = true;
	exec->programs = map_new();
	exec->environment = map_new();
	exec->directory = g_strdup("/");
	exec->pass_environment = g_strdup("PATH LANG LC_ALL TZ");
	exec->concurrency = 64;
	exec->kill_after = 10 * US_PER_SECOND;
	exec->output_bytes = 4096;
	return rig;
}

struct callback_settings *exec_rig_settings(struct exec_rig *rig)
{
	return &rig->settings;
}

void exec_rig_open(struct exec_rig *rig)
{
	const struct callback_host host = {
		host_resolved, host_ready, host_trouble, host_broken, host_say, rig};
	const struct callback_open open = {"exec", NULL, &rig->settings, host};
	g_autoptr(GError) error = NULL;
	if (!rig->callback)
		rig->callback = callback_exec.open(&open, &error);
	if (!rig->callback)
		fail_msg("%s", error->message);
}

static bool helper_is_gone(const void *context)
{
	(void)context;
	return exec_rig_helper() == 0;
}

void exec_rig_close(struct exec_rig *rig, dur_us left)
{
	callback_exec.close(g_steal_pointer(&rig->callback), clock_monotonic() + left);
	exec_rig_wait_for(helper_is_gone, NULL, "the helper is gone");
}

void exec_rig_free(struct exec_rig *rig)
{
	struct exec_settings *exec = &rig->settings.exec;
	if (rig->callback)
		exec_rig_close(rig, 0);
	for (guint i = 0; i < rig->given->len; i++) {
		struct given *given = g_ptr_array_index(rig->given, i);
		g_free(given->action);
		g_free(given->result.detail);
		g_free(given);
	}
	g_ptr_array_unref(rig->given);
	g_ptr_array_unref(rig->told.lines);
	g_free(rig->told.message);
	g_hash_table_unref(exec->programs);
	g_hash_table_unref(exec->environment);
	g_free(exec->directory);
	g_free(exec->user);
	g_free(exec->group);
	g_free(exec->pass_environment);
	pthread_mutex_destroy(&rig->lock);
	pthread_cond_destroy(&rig->changed);
	g_free(rig);
}

/* --- fires --- */

static struct action *action_new(const char *command, int32_t timeout_s)
{
	static const char name[] = "report";
	size_t length = strlen(command);
	struct action *action = g_malloc0(sizeof *action + sizeof name + length + 1);
	action->id = 17;
	action->refs = 1;
	action->timeout_s = timeout_s;
	action->name_length = sizeof name - 1;
	action->command_length = (uint32_t)length;
	memcpy(action->text, name, sizeof name);
	memcpy(action->text + sizeof name, command, length);
	return action;
}

static bool submit(struct exec_rig *rig, const char *command, int32_t timeout_s)
{
	struct given *given = g_new0(struct given, 1);
	exec_rig_open(rig);
	given->action = action_new(command, timeout_s);
	pthread_mutex_lock(&rig->lock);
	struct fire fire = {.ticket = rig->given->len,
		.action = given->action,
		.nominal = INT64_C(1704067500) * US_PER_SECOND, /* 2024-01-01T00:05:00Z */
		.attempt = 2};
	g_ptr_array_add(rig->given, given);
	pthread_mutex_unlock(&rig->lock);
	if (callback_exec.submit(rig->callback, &fire, 1) == 1)
		return true;
	pthread_mutex_lock(&rig->lock);
	g_ptr_array_remove_index(rig->given, rig->given->len - 1);
	pthread_mutex_unlock(&rig->lock);
	g_free(given->action);
	g_free(given);
	return false;
}

size_t exec_rig_submit(struct exec_rig *rig, const char *command, int32_t timeout_s)
{
	assert_true(submit(rig, command, timeout_s));
	return rig->given->len - 1;
}

bool exec_rig_try(struct exec_rig *rig, const char *command)
{
	return submit(rig, command, 0);
}

static struct timespec wait_end(void)
{
	return (struct timespec){(clock_monotonic() + EXEC_RIG_WAIT) / US_PER_SECOND, 0};
}

bool exec_rig_is_answered(struct exec_rig *rig, size_t number)
{
	pthread_mutex_lock(&rig->lock);
	bool answered = ((struct given *)g_ptr_array_index(rig->given, number))->answered;
	pthread_mutex_unlock(&rig->lock);
	return answered;
}

const struct fire_result *exec_rig_answer(struct exec_rig *rig, size_t number)
{
	struct timespec until = wait_end();
	pthread_mutex_lock(&rig->lock);
	struct given *given = g_ptr_array_index(rig->given, number);
	int code = 0;
	while (!given->answered && code == 0)
		code = pthread_cond_clockwait(&rig->changed, &rig->lock, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(&rig->lock);
	if (code)
		fail_msg("no answer to: %s", action_command(given->action));
	return &given->result;
}

const struct fire_result *exec_rig_run(struct exec_rig *rig, const char *command)
{
	return exec_rig_answer(rig, exec_rig_submit(rig, command, 0));
}

static void ends_as(struct exec_rig *rig, const char *command, enum fire_answer answer, const char *detail)
{
	const struct fire_result *result = exec_rig_run(rig, command);
	if (result->answer != answer || g_strcmp0(result->detail, detail) != 0)
		fail_msg("%s: answer %d, detail “%s” and not “%s”", command, result->answer,
			result->detail ? result->detail : "NULL", detail ? detail : "NULL");
}

void exec_rig_delivers(struct exec_rig *rig, const char *command, const char *detail)
{
	ends_as(rig, command, FIRE_DELIVERED, detail);
}

void exec_rig_refuses(struct exec_rig *rig, const char *command, const char *detail)
{
	ends_as(rig, command, FIRE_REJECTED, detail);
}

void exec_rig_wait(struct exec_rig *rig, bool (*holds)(const struct exec_rig_told *told), const char *name)
{
	struct timespec until = wait_end();
	int code = 0;
	pthread_mutex_lock(&rig->lock);
	while (!holds(&rig->told) && code == 0)
		code = pthread_cond_clockwait(&rig->changed, &rig->lock, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(&rig->lock);
	if (code)
		fail_msg("waited in vain until %s; last: %s", name, rig->told.message);
}

const struct exec_rig_told *exec_rig_told(struct exec_rig *rig)
{
	return &rig->told;
}

/* --- processes and files --- */

void exec_rig_wait_for(bool (*holds)(const void *context), const void *context, const char *name)
{
	time_us until = clock_monotonic() + EXEC_RIG_WAIT;
	while (!holds(context)) {
		if (clock_monotonic() > until)
			fail_msg("waited in vain until %s", name);
		usleep(2000);
	}
}

/* Its name, state and parent; false where there is none. */
static bool process_read(const char *pid, char name[static 32], char *state, pid_t *parent)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid), *stat = NULL;
	if (!g_file_get_contents(path, &stat, NULL, NULL))
		return false;
	const char *begin = strchr(stat, '('), *end = strrchr(stat, ')');
	g_strlcpy(name, begin + 1, MIN(32, (gsize)(end - begin)));
	return sscanf(end, ") %c %d", state, parent) == 2;
}

pid_t exec_rig_process(const char *name, pid_t parent)
{
	pid_t found = 0;
	DIR *proc = opendir("/proc");
	for (const struct dirent *entry; !found && (entry = readdir(proc));) {
		char its[32], state;
		pid_t its_parent;
		if (g_ascii_isdigit(entry->d_name[0]) &&
			process_read(entry->d_name, its, &state, &its_parent) && its_parent == parent &&
			state != 'Z' && strcmp(its, name) == 0)
			found = atoi(entry->d_name);
	}
	closedir(proc);
	return found;
}

pid_t exec_rig_keeper(void)
{
	return exec_rig_process("as-exec-keeper", getpid());
}

pid_t exec_rig_helper(void)
{
	return exec_rig_process("as-exec-helper", exec_rig_keeper());
}

bool exec_rig_is_gone(const void *pid)
{
	g_autofree char *text = g_strdup_printf("%d", *(const pid_t *)pid);
	char name[32], state;
	pid_t parent;
	return !process_read(text, name, &state, &parent) || state == 'Z';
}

bool exec_rig_is_there(const void *path)
{
	return access(path, F_OK) == 0;
}

static char directory[] = "/tmp/exec-XXXXXX";

static void directory_remove(void)
{
	DIR *dir = opendir(directory);
	for (const struct dirent *entry; dir && (entry = readdir(dir));) {
		g_autofree char *path = exec_rig_path(entry->d_name);
		unlink(path);
	}
	closedir(dir);
	rmdir(directory);
}

const char *exec_rig_directory(void)
{
	if (strchr(directory, 'X') && mkdtemp(directory)) {
		chmod(directory, 0777);
		atexit(directory_remove);
	}
	return directory;
}

char *exec_rig_path(const char *name)
{
	return g_build_filename(exec_rig_directory(), name, NULL);
}

char *exec_rig_read(const char *path)
{
	char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		fail_msg("%s cannot be read", path);
	return text;
}

void exec_rig_prepare(void)
{
	struct exec_rig *rig = exec_rig_new();
	g_autoptr(GError) error = NULL;
	signal(SIGPIPE, SIG_IGN);
	if (!callback_exec.prepare(&rig->settings, &error))
		g_error("%s", error->message);
	exec_rig_free(rig);
	exec_rig_directory();
}
