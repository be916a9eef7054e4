/* Purpose: the fires that a producer has in hand, in the order in which they were submitted. One thread. */
#pragma once

#include "model/fire.h"

struct kafka_entry {
	struct kafka_entry *prev, *next;
	struct fire fire;
	time_us started_at; /* when it was given to the producer; TIME_US_MIN: it was not yet */
	bool sent;          /* the producer has it and owes a report */
	bool again;         /* its batch was refused; it goes alone now */
};

/* What was sent and is unanswered may lie anywhere; what is to be sent is the rest, from `next` on. */
struct kafka_fires {
	struct kafka_entry *first, *last;
	struct kafka_entry *next;  /* the first to be sent, NULL where there is none */
	struct kafka_entry *spare; /* entries to be used again */
	size_t count, sent, again;
};

void kafka_fires_add(struct kafka_fires *fires, const struct fire *fire);
/* The entry, which was `next`, is the producer's now. */
void kafka_fires_sent(struct kafka_fires *fires, struct kafka_entry *entry);
/* The producer gave it back. kafka_fires_rewind has to follow before more is sent. */
void kafka_fires_returned(struct kafka_fires *fires, struct kafka_entry *entry);
/* Nothing is sent any more; everything will be, in the old order. `again`: each alone. */
void kafka_fires_rewind(struct kafka_fires *fires, bool again);
/* It is answered; the entry is gone. */
void kafka_fires_remove(struct kafka_fires *fires, struct kafka_entry *entry);
void kafka_fires_clear(struct kafka_fires *fires);
