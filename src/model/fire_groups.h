/* Purpose: how many fires of very many actions are due when, without walking them one by one: actions that
 * share a schedule are counted together, those with jitter singly. Pure; one thread. Costs some bytes an
 * action with jitter, and nothing for another whose schedule is known. */
#pragma once

#include "model/fire.h"

struct fire_groups;

struct fire_groups *fire_groups_new(void);
void fire_groups_free(struct fire_groups *groups); /* NULL is fine */

/* Adds an action; takes a reference to its schedule. */
void fire_groups_add(struct fire_groups *groups, struct schedule *schedule, int64_t action_id);
/* How many were added, and how many schedules they share. */
uint64_t fire_groups_actions(const struct fire_groups *groups);
size_t fire_groups_schedules(const struct fire_groups *groups);

/* Seconds that [from, to) touches; from < to. */
size_t fire_groups_seconds(time_us from, time_us to);
/* Sets counts[i] to the number of fires due in [from, to) and in the i-th second that this touches, counted
 * from the one that holds `from`. */
void fire_groups_count(const struct fire_groups *groups, time_us from, time_us to, uint64_t *counts);
