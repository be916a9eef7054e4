/* Fuzz target: a line that comes in on the control socket. What is taken is bounded and canonical; what is
 * not has one error. */
#include <stdlib.h>
#include <string.h>

#include "daemon/control_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	struct control_request *request = control_request_parse((const char *)data, size, &error);
	if ((request != NULL) == (error != NULL) || (error && !g_utf8_validate(error->message, -1, NULL)))
		abort();
	if (!request)
		return 0;
	guint count = request->ids->len + request->fires->len;
	bool of_fires = request->command == CONTROL_TRIGGER || request->command == CONTROL_RETRY;
	if ((count > 0) != of_fires || count > CONTROL_IDS_MAX)
		abort();
	for (guint i = 0; i < request->fires->len; i++) {
		const struct control_fire *fire = &g_array_index(request->fires, struct control_fire, i);
		struct control_fire again;
		if (!fire_id_parse(fire->id, &again.action_id, &again.nominal, again.manual) ||
			again.action_id != fire->action_id || again.nominal != fire->nominal ||
			strcmp(again.manual, fire->manual) != 0)
			abort();
	}
	control_request_free(request);
	return 0;
}
