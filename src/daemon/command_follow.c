/* The command follow: after each commit that put something into the history a line tells so. What was put
 * there is read from internal_db by whoever follows: this costs the loop next to nothing, and there is one
 * form of it. */
#include "daemon/command_call.h"

/* Fewer than there may be clients: others can still ask. */
#define FOLLOWERS_MAX 32

static void tell(struct command_call *call, uint64_t sequence)
{
	json_object_set_new(call->told, "sequence", json_integer((json_int_t)sequence));
	call->answer(call->context, call->told, false);
}

/* Those that have gone since. */
static void forgotten_drop(struct commands *commands)
{
	for (GList *link = commands->followers.head, *next; link; link = next) {
		struct command_call *call = link->data;
		next = link->next;
		if (call->answer)
			continue;
		g_queue_delete_link(&commands->followers, link);
		call_free(call);
	}
}

struct command_call *command_follow(struct command_call *call, const struct control_request *request)
{
	(void)request;
	struct commands *commands = call->commands;
	forgotten_drop(commands);
	if (commands->followers.length >= FOLLOWERS_MAX) {
		call_refuse(call, "busy",
			"as many clients follow already as may (" G_STRINGIFY(
				FOLLOWERS_MAX) "): ask again later");
		return NULL;
	}
	g_queue_push_tail(&commands->followers, call);
	tell(call, commands->followed);
	return call;
}

void followers_note(struct commands *commands, const struct commit *commit)
{
	commands->follow_next = commit->outcomes->len + commit->ranges->len + commit->notes->len > 0;
}

void followers_tell(struct commands *commands, uint64_t sequence)
{
	if (!commands->follow_next)
		return;
	commands->follow_next = false;
	commands->followed = sequence;
	forgotten_drop(commands);
	for (GList *link = commands->followers.head; link; link = link->next)
		if (((struct command_call *)link->data)->answer)
			tell(link->data, sequence);
}
