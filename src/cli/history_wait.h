/* Purpose: when `history --follow` looks again: at once where the running scheduler tells of new entries on
 * its control socket (the command follow in docs/control.md), a few times a second where none does. One
 * thread. */
#pragma once

#include "cli/verb.h"

struct history_wait;

/* cli_prepare must have been called; cli is borrowed. */
struct history_wait *history_wait_new(const struct cli *cli);
void history_wait_free(struct history_wait *wait); /* NULL is fine */
/* Waits until it is time to look again; false where nobody reads stdout any more. */
bool history_wait_for_more(struct history_wait *wait);
