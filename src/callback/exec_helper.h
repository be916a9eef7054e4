/* Purpose: the helper of exec, a process of its own that starts programs and looks after them. It is a child
 * of the keeper, small and with one thread; the scheduler holds the other end of its socket. When that end is
 * closed, as it is when the scheduler is killed, it stops what runs, SIGTERM and after kill_after SIGKILL,
 * and ends. */
#pragma once

/* Life as a helper, from the first frame on; the socket is a stream. Never returns. */
_Noreturn void exec_helper_run(int socket);

/* For keeper and helper: nothing is left but this descriptor, whose new number is returned, and 0 to 2, which
 * are /dev/null; all signals are blocked and do what they do by default; a session of its own; a name for ps.
 */
int exec_process_begin(int keep, const char *name);
