/* Fuzz target: frames between the scheduler and the helper of exec. Neither trusts the other's lengths. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "callback/exec_wire.h"

/* Every kind of field in turn; what is read lies within the frame. */
static void fields_read(struct exec_frame frame)
{
	const uint8_t *end = frame.end;
	while (!frame.bad && frame.p < frame.end) {
		size_t length;
		exec_get_number(&frame);
		const char *bytes = exec_get_bytes(&frame, &length);
		if (bytes && (const uint8_t *)bytes + length >= end)
			abort();
		const char *text = exec_get_text(&frame);
		if (text && (const uint8_t *)text + strlen(text) >= end)
			abort();
		g_free(exec_get_texts(&frame));
	}
}

/* A plan that was read takes no more room when it is written. */
static void plan_read(struct exec_frame frame)
{
	struct exec_plan plan;
	const uint8_t *begin = frame.p;
	if (exec_plan_get(&frame, &plan)) {
		g_autoptr(GByteArray) out = g_byte_array_new();
		exec_plan_put(out, &plan);
		size_t header = 2 * sizeof(uint32_t), length = out->len - header;
		if (length > (size_t)(frame.end - begin))
			abort();
	}
	exec_plan_clear(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GByteArray) in = g_byte_array_new();
	struct exec_frame frame;
	size_t offset = 0;
	g_byte_array_append(in, data, (guint)size);
	while (exec_frame_next(in, &offset, &frame) == EXEC_FRAME_WHOLE) {
		if (offset > size || frame.end != in->data + offset)
			abort();
		fields_read(frame);
		plan_read(frame);
	}
	return 0;
}
