#include "base/json.h"
#include "daemon/command_call.h"
#include "daemon/internal.h"

#include <string.h>

struct commands *commands_new(struct daemon *d)
{
	struct commands *commands = g_new0(struct commands, 1);
	commands->daemon = d;
	g_queue_init(&commands->durable);
	g_queue_init(&commands->retries);
	g_queue_init(&commands->followers);
	return commands;
}

/* --- calls --- */

void call_free(struct command_call *call)
{
	json_decref(call->told);
	g_free(call);
}

void commands_free(struct commands *commands)
{
	if (!commands)
		return;
	g_queue_clear_full(&commands->durable, (GDestroyNotify)call_free);
	g_queue_clear_full(&commands->retries, (GDestroyNotify)call_free);
	g_queue_clear_full(&commands->followers, (GDestroyNotify)call_free);
	g_free(commands);
}

void command_call_forget(struct command_call *call)
{
	call->answer = NULL;
}

void call_end(struct command_call *call)
{
	if (call->answer)
		call->answer(call->context, call->told, true);
	call_free(call);
}

void call_refuse(struct command_call *call, const char *code, const char *text)
{
	json_object_set_new(call->told, "ok", json_false());
	json_object_set_new(call->told, "code", json_string(code));
	json_object_set_new(call->told, "error", json_text(text, strlen(text)));
	call_end(call);
}

struct command_call *call_end_with(struct command_call *call, uint64_t sequence)
{
	call->sequence = sequence;
	g_queue_push_tail(&call->commands->durable, call);
	return call;
}

struct command_call *call_end_durable(struct command_call *call)
{
	return call_end_with(call, engine_next_sequence(call->commands->daemon->engine));
}

void commands_committing(struct commands *commands, const struct commit *commit)
{
	followers_note(commands, commit);
}

void commands_committed(struct commands *commands, uint64_t sequence)
{
	struct command_call *call;
	while ((call = g_queue_peek_head(&commands->durable)) && call->sequence <= sequence) {
		g_queue_pop_head(&commands->durable);
		call_end(call);
	}
	followers_tell(commands, sequence);
}

/* --- the table --- */

static struct command_call *(*const runs[])(
	struct command_call *call, const struct control_request *request) = {
	[CONTROL_TRIGGER] = command_trigger,
	[CONTROL_RETRY] = command_retry,
	[CONTROL_STATUS] = command_status,
	[CONTROL_FOLLOW] = command_follow,
	[CONTROL_HOLD] = command_hold,
	[CONTROL_RELEASE] = command_release,
};

struct command_call *commands_run(struct commands *commands, const struct control_request *request,
	command_answer_fn answer, void *context)
{
	struct command_call *call = g_new0(struct command_call, 1);
	*call = (struct command_call){.commands = commands,
		.answer = answer,
		.context = context,
		.told = json_pack("{s:b}", "ok", 1)};
	return runs[request->command](call, request);
}
