/* The command status. */
#include "daemon/command_call.h"
#include "daemon/internal.h"
#include "daemon/status.h"

struct command_call *command_status(struct command_call *call, const struct control_request *request)
{
	(void)request;
	struct status status;
	status_init(&status);
	status_fill(call->commands->daemon, &status);
	json_object_set_new(call->told, "status", status_json(&status));
	status_clear(&status);
	call_end(call);
	return NULL;
}
