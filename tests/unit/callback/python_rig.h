/* Purpose: a directory with a module `jobs`, an instance of the callback `python` for a function in it, and
 * what the host was told. For the tests of that callback; main thread only. */
#pragma once

#include <pthread.h>

#include "callback/callback.h"

struct rig {
	char *directory;
	struct callback_settings settings;
	struct callback *python; /* NULL where it was closed */
	GPtrArray *actions;
	int32_t timeout_s; /* of what is submitted */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	GPtrArray *results; /* struct fire_result by ticket; NULL: not answered yet */
	size_t answers;
	GString *said; /* what was said and told as trouble, a line each */
	unsigned troubles, troubles_over, ready;
};

/* With the interpreter of the variable TEST_PYTHON, else Debian's, the module's text, and so many workers;
 * nothing is open yet. */
struct rig *rig_new(const char *module, int64_t workers);
/* Closes what is open, asserts that no worker is left, removes the directory. */
void rig_free(struct rig *rig);
void rig_open(struct rig *rig, const char *target);
void rig_close(struct rig *rig, dur_us left);

/* A file of the directory, folders included. */
void rig_write(struct rig *rig, const char *name, const char *text);
/* Its text, free with g_free; empty where it is not there. */
char *rig_read(struct rig *rig, const char *name);

/* Submits a fire of the action; it must be accepted. Returns its ticket. */
uint64_t rig_submit(struct rig *rig, int64_t action_id, const char *command);
/* Submits one that is answered by FIRE_UNAVAILABLE, or is not accepted where the trouble was noticed before.
 */
void rig_submit_in_vain(struct rig *rig, const char *text);
/* Waits for its answer, which stays the rig's. */
const struct fire_result *rig_answer(struct rig *rig, uint64_t ticket);
void rig_assert_delivered(struct rig *rig, uint64_t ticket);
/* Asserts that it is answered so, and that the detail has the text. */
void rig_assert_answer(struct rig *rig, uint64_t ticket, enum fire_answer answer, const char *text);
bool rig_is_answered(struct rig *rig, uint64_t ticket);
/* Waits until the text was said or told. */
void rig_wait_said(struct rig *rig, const char *text);
bool rig_has_said(struct rig *rig, const char *text);
/* Waits until the file of the directory has the text. */
void rig_wait_file(struct rig *rig, const char *name, const char *text);
/* Waits for as many as so many, e.g. of rig->troubles. */
void rig_wait_count(struct rig *rig, const unsigned *counter, unsigned least);
