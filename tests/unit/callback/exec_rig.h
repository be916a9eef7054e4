/* Purpose: the callback `exec` in the hands of a test: settings, an instance, fires, what the host was told.
 */
#pragma once

#include "callback/callback.h"

#define EXEC_RIG_WAIT (30 * US_PER_SECOND)

struct exec_rig;

/* Once, before everything else. */
void exec_rig_prepare(void);

/* Settings as the defaults are, with exec on; a test changes them before the first fire. */
struct exec_rig *exec_rig_new(void);
/* Closes the instance where it is open, and frees. */
void exec_rig_free(struct exec_rig *rig);
struct callback_settings *exec_rig_settings(struct exec_rig *rig);
/* Frees what was there. */
void exec_rig_set(char **setting, const char *value);

/* Opens the instance where it is not yet; fails the test where it cannot be. */
void exec_rig_open(struct exec_rig *rig);
/* Closes it, with this time left, and waits until the helper has ended. */
void exec_rig_close(struct exec_rig *rig, dur_us left);

/* Submits a fire of the action 17, named `report`, and returns its number, from 0; fails where it is not
 * accepted. */
size_t exec_rig_submit(struct exec_rig *rig, const char *command, int32_t timeout_s);
/* Whether it would be: false where there is no room. */
bool exec_rig_try(struct exec_rig *rig, const char *command);
/* Waits for the answer; the detail is the rig's. */
const struct fire_result *exec_rig_answer(struct exec_rig *rig, size_t number);
/* Both. */
const struct fire_result *exec_rig_run(struct exec_rig *rig, const char *command);
bool exec_rig_is_answered(struct exec_rig *rig, size_t number);

/* The same, and checks that it was delivered with this detail (NULL: none). */
void exec_rig_delivers(struct exec_rig *rig, const char *command, const char *detail);
/* The same for a refusal. */
void exec_rig_refuses(struct exec_rig *rig, const char *command, const char *detail);

struct exec_rig_told {
	unsigned ready, trouble, trouble_over, broken;
	char *message; /* the last one */
	GPtrArray *lines;
};
/* Waits until the condition holds; the caller owns nothing. */
void exec_rig_wait(struct exec_rig *rig, bool (*holds)(const struct exec_rig_told *told), const char *name);
/* What the host was told; only while nothing comes. */
const struct exec_rig_told *exec_rig_told(struct exec_rig *rig);

/* The process that has this name and is a child of that one; 0: none. */
pid_t exec_rig_process(const char *name, pid_t parent);
/* The keeper and the first helper that there is of it. */
pid_t exec_rig_keeper(void);
pid_t exec_rig_helper(void);
/* Waits until it holds. */
void exec_rig_wait_for(bool (*holds)(const void *context), const void *context, const char *name);
bool exec_rig_is_gone(const void *pid);   /* pid_t: no such process, or a zombie */
bool exec_rig_is_there(const void *path); /* char: such a file */

/* A directory for everybody, of this program; removed at its end. */
const char *exec_rig_directory(void);
/* A path below it. Free with g_free. */
char *exec_rig_path(const char *name);
char *exec_rig_read(const char *path); /* free with g_free */
