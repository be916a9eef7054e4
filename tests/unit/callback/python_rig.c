#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "callback/backends.h"
#include "python_rig.h"

#define WAIT_MAX (60 * US_PER_SECOND)
#define NOMINAL  (INT64_C(1704067500) * US_PER_SECOND) /* 2024-01-01T00:05:00Z */

/* --- the host --- */

static void rig_note(struct rig *rig, unsigned *counter, const char *line)
{
	pthread_mutex_lock(&rig->lock);
	if (counter)
		++*counter;
	if (line)
		g_string_append_printf(rig->said, "%s\n", line);
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

static void host_resolved(void *context, const struct fire_result *results, size_t count)
{
	struct rig *rig = context;
	pthread_mutex_lock(&rig->lock);
	for (size_t i = 0; i < count; i++) {
		assert_null(rig->results->pdata[results[i].ticket]);
		rig->results->pdata[results[i].ticket] = g_memdup2(&results[i], sizeof results[i]);
	}
	rig->answers += count;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

static void host_ready(void *context)
{
	struct rig *rig = context;
	rig_note(rig, &rig->ready, NULL);
}

static void host_trouble(void *context, const char *message)
{
	struct rig *rig = context;
	rig_note(rig, message ? &rig->troubles : &rig->troubles_over, message);
}

static void host_broken(void *context, const char *message)
{
	(void)context;
	fail_msg("broken: %s", message);
}

static void host_say(void *context, const char *line)
{
	rig_note(context, NULL, line);
}

/* --- the directory --- */

void rig_write(struct rig *rig, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(rig->directory, name, NULL),
			*folder = g_path_get_dirname(path);
	assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
	assert_true(g_file_set_contents(path, text, -1, NULL));
}

char *rig_read(struct rig *rig, const char *name)
{
	g_autofree char *path = g_build_filename(rig->directory, name, NULL);
	char *text = NULL;
	return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

/* The directory is one of mkdtemp. */
static void directory_remove(const char *path)
{
	GDir *directory = g_dir_open(path, 0, NULL);
	const char *name;
	while (directory && (name = g_dir_read_name(directory))) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		if (unlink(inner) != 0)
			directory_remove(inner);
	}
	if (directory)
		g_dir_close(directory);
	rmdir(path);
}

/* --- its life --- */

struct rig *rig_new(const char *module, int64_t workers)
{
	struct rig *rig = g_new0(struct rig, 1);
	rig->directory = g_dir_make_tmp("test-python-XXXXXX", NULL);
	assert_non_null(rig->directory);
	const char *interpreter = g_getenv("TEST_PYTHON"); /* for trying other versions */
	rig->settings.python.interpreter = (char *)(interpreter ? interpreter : "/usr/bin/python3");
	rig->settings.python.path = rig->directory;
	rig->settings.python.workers = workers;
	rig->actions = g_ptr_array_new_with_free_func(g_free);
	rig->results = g_ptr_array_new();
	rig->said = g_string_new(NULL);
	pthread_mutex_init(&rig->lock, NULL);
	pthread_cond_init(&rig->changed, NULL);
	if (module)
		rig_write(rig, "jobs.py", module);
	return rig;
}

void rig_open(struct rig *rig, const char *target)
{
	g_autofree char *name = g_strconcat("python:", target, NULL);
	const struct callback_open open = {name, target, &rig->settings,
		{host_resolved, host_ready, host_trouble, host_broken, host_say, rig}};
	g_autoptr(GError) error = NULL;
	rig->python = callback_python.open(&open, &error);
	if (!rig->python)
		fail_msg("%s", error ? error->message : "no error was set");
}

void rig_close(struct rig *rig, dur_us left)
{
	callback_python.close(rig->python, clock_monotonic() + left);
	rig->python = NULL;
}

void rig_free(struct rig *rig)
{
	if (rig->python)
		rig_close(rig, WAIT_MAX);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	for (guint i = 0; i < rig->results->len; i++) {
		struct fire_result *result = rig->results->pdata[i];
		if (result)
			g_free(result->detail);
		g_free(result);
	}
	g_ptr_array_unref(rig->results);
	g_ptr_array_unref(rig->actions);
	g_string_free(rig->said, true);
	pthread_mutex_destroy(&rig->lock);
	pthread_cond_destroy(&rig->changed);
	directory_remove(rig->directory);
	g_free(rig->directory);
	g_free(rig);
}

/* --- fires --- */

static struct action *action_make(struct rig *rig, int64_t id, const char *command)
{
	static const char name[] = "the name";
	size_t length = strlen(command);
	struct action *action = g_malloc0(sizeof *action + sizeof name + length + 1);
	action->id = id;
	action->refs = 1;
	action->timeout_s = rig->timeout_s;
	action->name_length = sizeof name - 1;
	action->command_length = (uint32_t)length;
	memcpy(action->text, name, sizeof name);
	memcpy(action->text + sizeof name, command, length);
	g_ptr_array_add(rig->actions, action);
	return action;
}

static bool submit(struct rig *rig, int64_t action_id, const char *command, uint64_t *ticket)
{
	pthread_mutex_lock(&rig->lock);
	*ticket = rig->results->len;
	g_ptr_array_add(rig->results, NULL);
	pthread_mutex_unlock(&rig->lock);
	struct fire fire = {.ticket = *ticket,
		.action = action_make(rig, action_id, command),
		.nominal = NOMINAL,
		.due_at = NOMINAL,
		.attempt = 2};
	return callback_python.submit(rig->python, &fire, 1) == 1;
}

uint64_t rig_submit(struct rig *rig, int64_t action_id, const char *command)
{
	uint64_t ticket;
	assert_true(submit(rig, action_id, command, &ticket));
	return ticket;
}

void rig_submit_in_vain(struct rig *rig, const char *text)
{
	uint64_t ticket;
	if (submit(rig, 1, "in vain", &ticket))
		rig_assert_answer(rig, ticket, FIRE_UNAVAILABLE, text);
	rig_wait_count(rig, &rig->troubles, 1);
	rig_wait_said(rig, text);
}

/* Waits for a change; the lock is held. */
static void wait_changed(struct rig *rig, time_us until, const char *what)
{
	struct timespec ts = {until / US_PER_SECOND, (until % US_PER_SECOND) * 1000};
	if (pthread_cond_clockwait(&rig->changed, &rig->lock, CLOCK_MONOTONIC, &ts) != 0) {
		g_autofree char *said = g_strdup(rig->said->str);
		pthread_mutex_unlock(&rig->lock);
		fail_msg("waited in vain for %s; said was:\n%s", what, said);
	}
}

const struct fire_result *rig_answer(struct rig *rig, uint64_t ticket)
{
	time_us until = clock_monotonic() + WAIT_MAX;
	pthread_mutex_lock(&rig->lock);
	while (!rig->results->pdata[ticket])
		wait_changed(rig, until, "an answer");
	const struct fire_result *result = rig->results->pdata[ticket];
	pthread_mutex_unlock(&rig->lock);
	return result;
}

bool rig_is_answered(struct rig *rig, uint64_t ticket)
{
	pthread_mutex_lock(&rig->lock);
	bool answered = rig->results->pdata[ticket] != NULL;
	pthread_mutex_unlock(&rig->lock);
	return answered;
}

void rig_assert_delivered(struct rig *rig, uint64_t ticket)
{
	const struct fire_result *result = rig_answer(rig, ticket);
	if (result->answer != FIRE_DELIVERED)
		fail_msg("answer %d: %s", result->answer, result->detail);
	assert_null(result->detail);
}

void rig_assert_answer(struct rig *rig, uint64_t ticket, enum fire_answer answer, const char *text)
{
	const struct fire_result *result = rig_answer(rig, ticket);
	if (result->answer != answer || !strstr(result->detail ? result->detail : "", text))
		fail_msg("answer %d: %s", result->answer, result->detail);
}

bool rig_has_said(struct rig *rig, const char *text)
{
	pthread_mutex_lock(&rig->lock);
	bool said = strstr(rig->said->str, text) != NULL;
	pthread_mutex_unlock(&rig->lock);
	return said;
}

void rig_wait_said(struct rig *rig, const char *text)
{
	time_us until = clock_monotonic() + WAIT_MAX;
	pthread_mutex_lock(&rig->lock);
	while (!strstr(rig->said->str, text))
		wait_changed(rig, until, text);
	pthread_mutex_unlock(&rig->lock);
}

void rig_wait_count(struct rig *rig, const unsigned *counter, unsigned least)
{
	time_us until = clock_monotonic() + WAIT_MAX;
	pthread_mutex_lock(&rig->lock);
	while (*counter < least)
		wait_changed(rig, until, "a count");
	pthread_mutex_unlock(&rig->lock);
}

void rig_wait_file(struct rig *rig, const char *name, const char *text)
{
	time_us until = clock_monotonic() + WAIT_MAX;
	for (;;) {
		g_autofree char *has = rig_read(rig, name);
		if (strstr(has, text))
			return;
		if (clock_monotonic() >= until)
			fail_msg("%s has no “%s”:\n%s", name, text, has);
		usleep(2000);
	}
}
