/* Purpose: the control socket: a Unix stream socket on which the running scheduler does what the other verbs
 * ask for, one JSON object a line each way (docs/control.md). Bounded in clients, in what a line may be and
 * in what may wait to be sent; nobody can hold the loop up, and who is silent or slow is dropped. Here is the
 * listener. Loop thread. */
#pragma once

struct commands;
struct config;
struct control;

/* Opens the socket of the configuration. Where that cannot be done the reason is logged, and NULL returned:
 * the scheduler works without. The commands are borrowed. */
struct control *control_start(const struct config *config, struct commands *commands);
/* Closes and removes it. NULL is fine. */
void control_stop(struct control *control);
/* What is asked for from now on is refused: the scheduler is about to end. NULL is fine. */
void control_refuse(struct control *control);
