#include "daemon/daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/internal.h"
#include "daemon/timer.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* How long threads may take to end once everything is written down. */
#define END_WAIT        (10 * US_PER_SECOND)
#define STATUS_PERIOD_S 5

/* --- what wakes the loop --- */

static void signal_end(struct daemon *d, const char *name)
{
	if (d->signalled) {
		log_error("a second signal (%s): ending at once; fires unanswered stay owed", name);
		d->exit_status = 1;
		d->phase = PHASE_ENDED;
		return;
	}
	d->signalled = true;
	log_info("%s: stopping", name);
	phase_stop(d);
}

static gboolean signal_ready(gint fd, GIOCondition condition, gpointer data)
{
	(void)condition;
	struct daemon *d = data;
	struct signalfd_siginfo info;
	while (read(fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGHUP && !d->manual)
			reload_run(d);
		else
			signal_end(d, info.ssi_signo == SIGINT   ? "SIGINT"
				      : info.ssi_signo == SIGHUP ? "SIGHUP"
								 : "SIGTERM");
	}
	return G_SOURCE_CONTINUE;
}

static gboolean timer_ready(gint fd, GIOCondition condition, gpointer data)
{
	(void)condition;
	(void)data;
	/* What a step of the clock means is seen by engine_clock at the begin of the turn that follows. */
	if (timer_drain(fd))
		log_debug("the system's clock was set");
	return G_SOURCE_CONTINUE;
}

static gboolean inbox_ready(gint fd, GIOCondition condition, gpointer data)
{
	(void)fd;
	(void)condition;
	struct daemon *d = data;
	inbox_drain_fd(d->inbox);
	return G_SOURCE_CONTINUE;
}

static gboolean watchdog_ping(gpointer data)
{
	(void)data;
	sd_notify(0, "WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

static gboolean status_renew(gpointer data)
{
	report_status(data);
	return G_SOURCE_CONTINUE;
}

/* Signals are blocked before any thread starts, so that only the loop gets them. */
static int signals_open(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* A closed stdout or a full disk is an error of a write. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		g_error("signalfd: %m");
	return fd;
}

static void sources_add(struct daemon *d)
{
	g_unix_fd_add(d->timer_fd, G_IO_IN, timer_ready, d);
	g_unix_fd_add(d->signal_fd, G_IO_IN, signal_ready, d);
	g_unix_fd_add(inbox_fd(d->inbox), G_IO_IN, inbox_ready, d);
	uint64_t watchdog_us;
	if (sd_watchdog_enabled(0, &watchdog_us) > 0)
		g_timeout_add((guint)(watchdog_us / 2 / (uint64_t)US_PER_MS), watchdog_ping, d);
	if (g_getenv("NOTIFY_SOCKET"))
		g_timeout_add_seconds(STATUS_PERIOD_S, status_renew, d);
}

/* --- the loop --- */

static void loop_run(struct daemon *d)
{
	bool busy = true;
	while (d->phase != PHASE_ENDED) {
		g_main_context_iteration(NULL, !busy);
		clock_test_poll();
		busy = turn_run(d);
		phase_advance(d, busy);
		if (!busy)
			timer_arm(d->timer_fd,
				d->phase == PHASE_OPENING ? TIME_US_MAX : engine_next_wake(d->engine));
	}
}

/* --- life --- */

static struct daemon *daemon_new(struct config *config, const struct daemon_options *options)
{
	struct daemon *d = g_new0(struct daemon, 1);
	d->options = options;
	d->config = config;
	d->configs = g_ptr_array_new_with_free_func((GDestroyNotify)config_free);
	g_ptr_array_add(d->configs, config);
	counters_begin(&d->counters);
	d->signal_fd = signals_open();
	d->timer_fd = timer_open();
	d->inbox = inbox_new();
	d->lane_finder = (struct lane_names){lane_find, d};
	lanes_new(d);
	d->failures = failures_new(d);
	d->commands = commands_new(d);
	d->manual = manual_run_new(d);
	return d;
}

static void daemon_free(struct daemon *d)
{
	inbox_free(d->inbox);
	commands_free(d->commands);
	engine_free(d->engine);
	manual_run_free(d->manual);
	databases_free(d);
	failures_free(d->failures);
	lanes_free(d);
	g_free(d->status);
	close(d->timer_fd);
	close(d->signal_fd);
	g_ptr_array_unref(d->configs);
	g_free(d);
}

/* Ends callbacks and threads. What cannot be ended is left to the end of the process: all that counts is
 * durable. */
static void daemon_end(struct daemon *d)
{
	control_stop(d->control);
	manual_run_end(d->manual);
	bool orderly = d->exit_status == 0 || d->manual;
	inbox_close(d->inbox);
	bool ended = lanes_close(d, clock_monotonic() + (orderly ? END_WAIT : 0));
	ended = databases_stop(d, clock_monotonic() + (orderly ? END_WAIT : US_PER_SECOND)) && ended;
	if (!d->manual)
		log_info("ended with exit status %d", d->exit_status);
	if (!ended)
		_exit(d->exit_status);
}

int daemon_run(struct config *config, const struct daemon_options *options)
{
	clock_test_poll();
	struct daemon *d = daemon_new(config, options);
	g_autoptr(GError) error = NULL;
	if (lanes_prepare(config, &error) && databases_prepare(d, &error) &&
		(!d->manual || manual_run_prepare(d->manual, &error))) {
		sources_add(d);
		phase_open(d);
		loop_run(d);
	} else {
		log_error("%s", error->message);
		d->exit_status = 1;
	}
	daemon_end(d);
	int status = d->exit_status;
	daemon_free(d);
	return status;
}
