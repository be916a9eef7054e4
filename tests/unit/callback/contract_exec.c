/* The callback `exec` in the contract suite: a script that does what a file says, and adds to a file what it
 * was called with. While the receiver is to be away, the helper is killed as often as it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callback/backends.h"
#include "contract.h"
#include "exec_rig.h"

struct contract_receiver {
	char *directory;
	struct callback_settings *settings;
	pthread_t killer;
	int away; /* atomic */
};

/* The file `mode` is there always; it is replaced as a whole. What runs while the receiver is away does not
 * end by itself, so nothing of it is seen. */
static const char script[] =
	"#!/bin/sh\n"
	"cd \"${0%/*}\"\n"
	"read mode <mode\n"
	"while [ $mode = hang ] || [ $mode = away ]; do sleep 0.02; read mode <mode; done\n"
	"[ $mode = accept ] || { echo \"$1 is refused\"; exit 1; }\n"
	"echo \"$1 $FIRE_ID\" >>seen\n";

static char *path_of(struct contract_receiver *receiver, const char *name)
{
	return g_build_filename(receiver->directory, name, NULL);
}

static void file_write(struct contract_receiver *receiver, const char *name, const char *text)
{
	g_autofree char *path = path_of(receiver, name);
	assert_true(g_file_set_contents(path, text, -1, NULL));
}

static struct contract_receiver *receiver_new(void)
{
	struct contract_receiver *receiver = g_new0(struct contract_receiver, 1);
	receiver->directory = g_dir_make_tmp("contract-exec-XXXXXX", NULL);
	assert_non_null(receiver->directory);
	file_write(receiver, "script", script);
	file_write(receiver, "mode", "accept\n");
	g_autofree char *path = path_of(receiver, "script");
	assert_int_equal(chmod(path, 0755), 0);
	receiver->settings = contract_settings_new();
	struct exec_settings *exec = &receiver->settings->exec;
	exec->enabled = true;
	exec->pass_environment = (char *)(void *)"PATH";
	exec->concurrency = 16;
	exec->kill_after = 100 * US_PER_MS;
	exec->output_bytes = 4096;
	return receiver;
}

static void *helpers_kill(void *data)
{
	struct contract_receiver *receiver = data;
	while (g_atomic_int_get(&receiver->away)) {
		pid_t helper = exec_rig_helper();
		if (helper)
			kill(helper, SIGKILL);
		usleep(2000);
	}
	return NULL;
}

static void killer_end(struct contract_receiver *receiver)
{
	if (!g_atomic_int_compare_and_exchange(&receiver->away, 1, 0))
		return;
	pthread_join(receiver->killer, NULL);
}

static void mode(struct contract_receiver *receiver, enum contract_mode mode)
{
	static const char *const names[] = {"accept\n", "refuse\n", "away\n", "hang\n"};
	if (mode != CONTRACT_AWAY)
		killer_end(receiver);
	file_write(receiver, "mode", names[mode]);
	if (mode != CONTRACT_AWAY || g_atomic_int_get(&receiver->away))
		return;
	g_atomic_int_set(&receiver->away, 1);
	assert_int_equal(pthread_create(&receiver->killer, NULL, helpers_kill, receiver), 0);
}

/* Programs of an abandoned instance end soon; one that still writes would leave the directory full. */
static bool helper_is_gone(const void *context)
{
	(void)context;
	return exec_rig_helper() == 0;
}

static void receiver_free(struct contract_receiver *receiver)
{
	static const char *const names[] = {"script", "mode", "seen"};
	killer_end(receiver);
	exec_rig_wait_for(helper_is_gone, NULL, "the helper is gone");
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = path_of(receiver, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(receiver->directory), 0);
	contract_settings_free(receiver->settings);
	g_free(receiver->directory);
	g_free(receiver);
}

static struct callback *open_exec(
	struct contract_receiver *receiver, const struct callback_host *host, GError **error)
{
	const struct callback_open open = {"exec", NULL, receiver->settings, *host};
	return callback_exec.open(&open, error);
}

static char *command(struct contract_receiver *receiver, const char *token)
{
	return g_strdup_printf("%s/script %s", receiver->directory, token);
}

static void seen(struct contract_receiver *receiver, GArray *out)
{
	g_autofree char *path = path_of(receiver, "seen"), *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		const char *space = strchr(lines[i], ' ');
		if (!space)
			continue;
		struct contract_seen seen = {
			g_strndup(lines[i], (gsize)(space - lines[i])), g_strdup(space + 1)};
		g_array_append_val(out, seen);
	}
}

const struct contract_backend contract_backend = {
	.name = "exec",
	.vtable = &callback_exec,
	.modes = CONTRACT_MODE(CONTRACT_ACCEPT) | CONTRACT_MODE(CONTRACT_REFUSE) |
		 CONTRACT_MODE(CONTRACT_AWAY) | CONTRACT_MODE(CONTRACT_HANG),
	.timeouts = true,
	.overlap = true,
	.batch = 100,
	.flood = 200,
	.prepare = exec_rig_prepare,
	.receiver_new = receiver_new,
	.receiver_free = receiver_free,
	.open = open_exec,
	.mode = mode,
	.command = command,
	.seen = seen,
};
