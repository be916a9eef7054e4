/* Purpose: the clients of the control socket: reads their requests line by line, has each done, and sends the
 * answers. A client is freed by being taken out of the list, which happens by itself once it has gone, is
 * silent or is done. Loop thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct commands;

/* What all clients of a socket have in common; outlives them. */
struct control_clients {
	struct commands *commands; /* borrowed */
	char *identity;            /* of internal_db */
	GPtrArray *list;           /* struct client */
	bool refusing;             /* the scheduler is about to end */
};

void control_clients_init(struct control_clients *clients, struct commands *commands, char *identity);
/* Sends what they take of their answers, and frees them. */
void control_clients_clear(struct control_clients *clients);
/* Takes the connected socket over: who may not ask is turned away with the reason. */
void control_clients_add(struct control_clients *clients, int fd);
