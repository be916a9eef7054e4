/* The callback `exec`: runs programs. This file reads the settings; the instance is exec_client.c, which
 * talks to a helper (exec_helper.c, made by exec_keeper.c); exec_command.c makes words and variables of a
 * fire. */
#include "base/error.h"
#include "callback/backends.h"
#include "callback/exec_client.h"
#include "callback/exec_keeper.h"

#include <errno.h>
#include <unistd.h>

static struct callback_limits exec_limits(const struct callback_settings *settings)
{
	return settings->exec.limits;
}

static uint32_t exec_begin_max(const struct callback_settings *settings)
{
	return settings->exec.at_most_once ? (uint32_t)settings->exec.concurrency : 0;
}

static bool exec_check(const struct callback_settings *settings, const char *argument, GError **error)
{
	(void)argument;
	const struct exec_settings *exec = &settings->exec;
	struct exec_commands commands;
	if (!exec->enabled) {
		g_set_error_literal(error, AS_ERROR, AS_ERROR_INVALID,
			"exec is off; set exec.enabled: true to let rows run programs");
		return false;
	}
	if (exec->shell && g_hash_table_size(exec->programs)) {
		g_set_error_literal(error, AS_ERROR, AS_ERROR_INVALID,
			"exec.shell and exec.programs do not go together: a shell runs whatever it is told "
			"to; "
			"leave one of them out");
		return false;
	}
	bool good = exec_commands_init(&commands, settings, error);
	exec_commands_clear(&commands);
	g_auto(GStrv) environment = good ? exec_environment(exec, environ, error) : NULL;
	return environment != NULL;
}

static bool plan_make(const struct exec_settings *exec, struct exec_plan *plan, GError **error)
{
	GStrv environment = exec_environment(exec, environ, error);
	if (!environment)
		return false;
	*plan = (struct exec_plan){
		.user = g_strdup(exec->user),
		.group = g_strdup(exec->group),
		.directory = g_strdup(exec->directory ? exec->directory : "/"),
		.environment = environment,
		.kill_after = exec->kill_after,
		.concurrency = exec->concurrency,
		.output_bytes = exec->output_bytes,
		.log_output = exec->log_output,
		.memory_bytes = exec->limit_memory_bytes,
		.file_bytes = exec->limit_file_bytes,
		.open_files = exec->limit_open_files,
		.processes = exec->limit_processes,
		.cpu_s = (exec->limit_cpu + US_PER_SECOND - 1) / US_PER_SECOND,
	};
	return true;
}

/* A first helper shows whether the plan can be followed: an unknown user is told at once. */
static bool plan_try(const struct exec_plan *plan, GError **error)
{
	int socket = exec_helper_connect(plan, -1, error);
	if (socket < 0)
		return false;
	close(socket);
	return true;
}

static bool exec_prepare(const struct callback_settings *settings, GError **error)
{
	struct exec_plan plan = {0};
	if (!settings->exec.enabled)
		return true;
	bool good = exec_check(settings, NULL, error) && plan_make(&settings->exec, &plan, error) &&
		    exec_keeper_start(error) && plan_try(&plan, error);
	exec_plan_clear(&plan);
	return good;
}

static struct callback *exec_open(const struct callback_open *open, GError **error)
{
	const struct callback_settings *settings = open->settings;
	struct exec_client_options options = {.host = open->host};
	if (!exec_check(settings, NULL, error))
		return NULL;
	if (!exec_keeper_is_started()) {
		g_set_error_literal(error, AS_ERROR, AS_ERROR_FAILED,
			"exec.enabled was off when the scheduler was started; start it anew");
		return NULL;
	}
	if (!plan_make(&settings->exec, &options.plan, error))
		return NULL;
	if (!exec_commands_init(&options.commands, settings, error)) {
		exec_plan_clear(&options.plan);
		exec_commands_clear(&options.commands);
		return NULL;
	}
	options.at_most_once = settings->exec.at_most_once;
	return exec_client_new(&options);
}

const struct callback_vtable callback_exec = {
	.name = "exec",
	.lasting = true,
	.words = true,
	.help = "runs the command as a program",
	.limits = exec_limits,
	.begin_max = exec_begin_max,
	.check = exec_check,
	.prepare = exec_prepare,
	.open = exec_open,
	.submit = exec_client_submit,
	.close = exec_client_close,
};
