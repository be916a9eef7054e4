#include "callback/kafka_fires.h"

void kafka_fires_add(struct kafka_fires *fires, const struct fire *fire)
{
	struct kafka_entry *entry = fires->spare;
	if (entry)
		fires->spare = entry->next;
	else
		entry = g_new(struct kafka_entry, 1);
	*entry = (struct kafka_entry){.prev = fires->last, .fire = *fire, .started_at = TIME_US_MIN};
	*(fires->last ? &fires->last->next : &fires->first) = entry;
	fires->last = entry;
	if (!fires->next)
		fires->next = entry;
	fires->count++;
}

void kafka_fires_sent(struct kafka_fires *fires, struct kafka_entry *entry)
{
	entry->sent = true;
	fires->sent++;
	fires->next = entry->next;
}

void kafka_fires_returned(struct kafka_fires *fires, struct kafka_entry *entry)
{
	entry->sent = false;
	fires->sent--;
}

void kafka_fires_rewind(struct kafka_fires *fires, bool again)
{
	for (struct kafka_entry *entry = fires->first; entry; entry = entry->next) {
		entry->sent = false;
		entry->again = again;
	}
	fires->sent = 0;
	fires->again = again ? fires->count : 0;
	fires->next = fires->first;
}

void kafka_fires_remove(struct kafka_fires *fires, struct kafka_entry *entry)
{
	*(entry->prev ? &entry->prev->next : &fires->first) = entry->next;
	*(entry->next ? &entry->next->prev : &fires->last) = entry->prev;
	if (fires->next == entry)
		fires->next = entry->next;
	fires->count--;
	fires->sent -= entry->sent;
	fires->again -= entry->again;
	entry->next = fires->spare;
	fires->spare = entry;
}

static void entries_free(struct kafka_entry *entry)
{
	while (entry) {
		struct kafka_entry *next = entry->next;
		g_free(entry);
		entry = next;
	}
}

void kafka_fires_clear(struct kafka_fires *fires)
{
	entries_free(fires->first);
	entries_free(fires->spare);
	*fires = (struct kafka_fires){0};
}
