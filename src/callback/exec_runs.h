/* Purpose: the programs that run, in the helper of exec: from the request to the answer. Their output is read
 * and kept, those over their time are ended, children of theirs that are left behind hold up nothing. One
 * thread; frames for the scheduler are appended to a buffer that the owner sends.
 *
 * A run ends when its process has ended and its output is closed, or has stayed open for a second longer. One
 * that is stopped gets SIGTERM for its process group, and SIGKILL after kill_after; it ends when nothing of
 * the group is left, or has had SIGKILL. */
#pragma once

#include "callback/exec_spawn.h"
#include "callback/exec_wire.h"

struct exec_runs;

/* No output is read while so many bytes wait for the scheduler. */
#define EXEC_OUT_MAX ((size_t)1 << 20)

/* All borrowed, for the life of the process: that is as long as it lives itself. */
struct exec_runs *exec_runs_new(const struct exec_plan *plan, struct exec_spawner *spawner, GByteArray *out);
/* Starts what a frame EXEC_RUN asks for, or answers why not; false where the frame is bad. */
bool exec_runs_start(struct exec_runs *runs, struct exec_frame *frame, time_us now);
/* An epoll instance that is ready where there is output. */
int exec_runs_fd(const struct exec_runs *runs);
/* Reads what output there is, a bounded amount. */
void exec_runs_read(struct exec_runs *runs, time_us now);
/* Until told otherwise no output is read, and none is given up for lost. */
void exec_runs_pause(struct exec_runs *runs, bool paused);
/* Takes the processes that have ended. */
void exec_runs_reap(struct exec_runs *runs, time_us now);
/* Stops all: nobody waits for them any more. */
void exec_runs_stop(struct exec_runs *runs, time_us now);
/* When exec_runs_due has something to do next (CLOCK_MONOTONIC); TIME_US_MAX: never. */
time_us exec_runs_next(const struct exec_runs *runs);
/* Does what is due: timeouts, SIGKILL, output that is not waited for any longer. */
void exec_runs_due(struct exec_runs *runs, time_us now);
size_t exec_runs_count(const struct exec_runs *runs);
