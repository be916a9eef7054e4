/* Purpose: what calls of poll(2) wait for, in programs that are linked with --wrap=poll, so that deadlines
 * can be tested without a clock. */
#pragma once

/* The longest time that a call was told to wait since wrap_poll_reset, in ms; -1: there was no call. */
int wrap_poll_longest(void);
/* The calls since then that ended because their time was over. */
int wrap_poll_timeouts(void);
void wrap_poll_reset(void);
