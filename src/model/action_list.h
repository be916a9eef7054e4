/* Purpose: lists of actions, ascending by id. Pure; whoever holds the list owns its array, and says whether
 * it holds references. */
#pragma once

#include "model/action.h"

struct action_list {
	struct action **items;
	uint32_t count, capacity;
};

/* Index of the first action with an id above `id`. */
uint32_t action_list_above(const struct action_list *list, int64_t id);
/* The action of an id, or NULL. */
struct action *action_list_find(const struct action_list *list, int64_t id);
/* Takes out ids and puts in actions, both ascending; moves memory once however many they are. No references.
 */
void action_list_edit(struct action_list *list, const int64_t *out, uint32_t out_count, struct action **in,
	uint32_t in_count);
void action_list_clear(struct action_list *list);
