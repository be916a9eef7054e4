#include "callback/exec_wire.h"

#include <string.h>

#define NO_TEXT UINT32_MAX

struct header {
	uint32_t length; /* of what follows */
	uint32_t kind;
};

size_t exec_frame_begin(GByteArray *out, enum exec_kind kind)
{
	size_t begin = out->len;
	struct header header = {0, kind};
	g_byte_array_append(out, (const guint8 *)&header, sizeof header);
	return begin;
}

void exec_frame_end(GByteArray *out, size_t begin)
{
	uint32_t length = (uint32_t)(out->len - begin - sizeof(struct header));
	memcpy(out->data + begin + offsetof(struct header, length), &length, sizeof length);
}

void exec_put_number(GByteArray *out, int64_t number)
{
	g_byte_array_append(out, (const guint8 *)&number, sizeof number);
}

static void put_length(GByteArray *out, uint32_t length)
{
	g_byte_array_append(out, (const guint8 *)&length, sizeof length);
}

void exec_put_bytes(GByteArray *out, const void *bytes, size_t length)
{
	put_length(out, (uint32_t)length);
	if (length)
		g_byte_array_append(out, bytes, (guint)length);
	g_byte_array_append(out, (const guint8 *)"", 1);
}

void exec_put_text(GByteArray *out, const char *text)
{
	if (text)
		exec_put_bytes(out, text, strlen(text));
	else
		put_length(out, NO_TEXT);
}

void exec_put_texts(GByteArray *out, const char *const *texts)
{
	uint32_t count = texts ? g_strv_length((gchar **)(void *)texts) : 0;
	put_length(out, count);
	for (uint32_t i = 0; i < count; i++)
		exec_put_text(out, texts[i]);
}

enum exec_frame_state exec_frame_next(const GByteArray *in, size_t *offset, struct exec_frame *frame)
{
	struct header header;
	size_t there = in->len - *offset;
	if (there < sizeof header)
		return EXEC_FRAME_PARTIAL;
	memcpy(&header, in->data + *offset, sizeof header);
	if (header.length > EXEC_FRAME_MAX)
		return EXEC_FRAME_BAD;
	if (there - sizeof header < header.length)
		return EXEC_FRAME_PARTIAL;
	const uint8_t *p = in->data + *offset + sizeof header;
	*frame = (struct exec_frame){.kind = (enum exec_kind)header.kind, .p = p, .end = p + header.length};
	*offset += sizeof header + header.length;
	return EXEC_FRAME_WHOLE;
}

/* `length` bytes of the frame; NULL where they are not there. */
static const uint8_t *take(struct exec_frame *frame, size_t length)
{
	const uint8_t *p = frame->p;
	frame->bad = frame->bad || (size_t)(frame->end - p) < length;
	if (frame->bad)
		return NULL;
	frame->p += length;
	return p;
}

int64_t exec_get_number(struct exec_frame *frame)
{
	int64_t number = 0;
	const uint8_t *p = take(frame, sizeof number);
	if (p)
		memcpy(&number, p, sizeof number);
	return number;
}

static uint32_t get_length(struct exec_frame *frame)
{
	uint32_t length = 0;
	const uint8_t *p = take(frame, sizeof length);
	if (p)
		memcpy(&length, p, sizeof length);
	return length;
}

const char *exec_get_bytes(struct exec_frame *frame, size_t *length)
{
	uint32_t count = get_length(frame);
	*length = 0;
	if (frame->bad || count == NO_TEXT)
		return NULL;
	const uint8_t *p = take(frame, (size_t)count + 1);
	frame->bad = frame->bad || p[count] != '\0';
	if (frame->bad)
		return NULL;
	*length = count;
	return (const char *)p;
}

const char *exec_get_text(struct exec_frame *frame)
{
	size_t length;
	const char *text = exec_get_bytes(frame, &length);
	frame->bad = frame->bad || (text && strlen(text) != length);
	return frame->bad ? NULL : text;
}

const char **exec_get_texts(struct exec_frame *frame)
{
	uint32_t count = get_length(frame);
	/* Each takes five bytes at least, so a wrong number allocates no more than the frame's own size. */
	frame->bad = frame->bad || count > (size_t)(frame->end - frame->p) / 5;
	if (frame->bad)
		return NULL;
	g_autofree const char **texts = g_new0(const char *, (size_t)count + 1);
	for (uint32_t i = 0; i < count; i++) {
		texts[i] = exec_get_text(frame);
		frame->bad = frame->bad || !texts[i];
	}
	return frame->bad ? NULL : g_steal_pointer(&texts);
}

void exec_plan_put(GByteArray *out, const struct exec_plan *plan)
{
	size_t begin = exec_frame_begin(out, EXEC_PLAN);
	exec_put_text(out, plan->user);
	exec_put_text(out, plan->group);
	exec_put_text(out, plan->directory);
	exec_put_texts(out, (const char *const *)plan->environment);
	const int64_t numbers[] = {plan->kill_after, plan->concurrency, plan->output_bytes, plan->log_output,
		plan->memory_bytes, plan->file_bytes, plan->open_files, plan->processes, plan->cpu_s};
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
		exec_put_number(out, numbers[i]);
	exec_frame_end(out, begin);
}

bool exec_plan_get(struct exec_frame *frame, struct exec_plan *plan)
{
	*plan = (struct exec_plan){0};
	plan->user = g_strdup(exec_get_text(frame));
	plan->group = g_strdup(exec_get_text(frame));
	plan->directory = g_strdup(exec_get_text(frame));
	g_autofree const char **environment = exec_get_texts(frame);
	plan->environment = g_strdupv((gchar **)(void *)environment);
	plan->kill_after = exec_get_number(frame);
	plan->concurrency = exec_get_number(frame);
	plan->output_bytes = exec_get_number(frame);
	plan->log_output = exec_get_number(frame);
	plan->memory_bytes = exec_get_number(frame);
	plan->file_bytes = exec_get_number(frame);
	plan->open_files = exec_get_number(frame);
	plan->processes = exec_get_number(frame);
	plan->cpu_s = exec_get_number(frame);
	return !frame->bad && frame->kind == EXEC_PLAN && plan->directory && plan->environment;
}

void exec_plan_clear(struct exec_plan *plan)
{
	g_free(plan->user);
	g_free(plan->group);
	g_free(plan->directory);
	g_strfreev(plan->environment);
	*plan = (struct exec_plan){0};
}
