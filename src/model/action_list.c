#include "model/action_list.h"

#include <string.h>

uint32_t action_list_above(const struct action_list *list, int64_t id)
{
	uint32_t low = 0, high = list->count;
	/* Mostly they come in order. */
	if (high == 0 || list->items[high - 1]->id <= id)
		return high;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (list->items[middle]->id <= id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct action *action_list_find(const struct action_list *list, int64_t id)
{
	uint32_t i = action_list_above(list, id);
	return i > 0 && list->items[i - 1]->id == id ? list->items[i - 1] : NULL;
}

static void list_move(struct action_list *list, uint32_t to, uint32_t from, uint32_t count)
{
	memmove(list->items + to, list->items + from, count * sizeof(list->items[0]));
}

static void list_take_out(struct action_list *list, const int64_t *out, uint32_t out_count)
{
	uint32_t write = 0, read = 0;
	for (uint32_t i = 0; i < out_count; i++) {
		uint32_t at = action_list_above(list, out[i]);
		if (at == 0 || list->items[at - 1]->id != out[i])
			continue;
		/* Ids are looked up in the untouched part: what is behind `read` has not moved yet. */
		list_move(list, write, read, at - 1 - read);
		write += at - 1 - read;
		read = at;
	}
	if (write == read)
		return;
	list_move(list, write, read, list->count - read);
	list->count = write + list->count - read;
}

static void list_put_in(struct action_list *list, struct action **in, uint32_t in_count)
{
	if (list->count + in_count > list->capacity) {
		list->capacity = MAX(list->count + in_count, list->capacity + list->capacity / 2);
		list->items = g_renew(struct action *, list->items, list->capacity);
	}
	uint32_t tail = list->count;
	list->count += in_count;
	for (uint32_t i = in_count; i > 0; i--) {
		struct action_list head = {list->items, tail, 0};
		uint32_t at = action_list_above(&head, in[i - 1]->id);
		list_move(list, at + i, at, tail - at);
		list->items[at + i - 1] = in[i - 1];
		tail = at;
	}
}

void action_list_edit(struct action_list *list, const int64_t *out, uint32_t out_count, struct action **in,
	uint32_t in_count)
{
	if (out_count)
		list_take_out(list, out, out_count);
	if (in_count)
		list_put_in(list, in, in_count);
}

void action_list_clear(struct action_list *list)
{
	g_free(list->items);
	*list = (struct action_list){0};
}
