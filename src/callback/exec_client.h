/* Purpose: the scheduler's side of exec: an instance with a thread that asks the helper for runs and passes
 * its answers on, and gets another helper when one dies. What was asked of that one is answered as
 * unavailable, so it is run again; with at_most_once, as refused. */
#pragma once

#include "callback/callback.h"
#include "callback/exec_command.h"
#include "callback/exec_wire.h"

struct exec_client_options {
	struct callback_host host;
	struct exec_plan plan;         /* taken over */
	struct exec_commands commands; /* taken over */
	bool at_most_once;
};

/* The functions of the vtable, with their promises. */
struct callback *exec_client_new(const struct exec_client_options *options);
size_t exec_client_submit(struct callback *client, const struct fire *fires, size_t count);
/* True: nothing is left behind. */
bool exec_client_close(struct callback *client, time_us deadline);
