#include "callback/exec_output.h"

#include <string.h>

#define CUT_MARK "…"

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* How many bytes at the end belong to a character that is not whole. */
static size_t torn_at_end(const uint8_t *bytes, size_t length)
{
	size_t back = 1;
	while (back < 4 && back < length && is_continuation(bytes[length - back]))
		back++;
	if (back > length)
		return 0;
	uint8_t lead = bytes[length - back];
	size_t whole = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	return whole > back ? back : 0;
}

/* How many bytes at the begin belong to a character that began before. */
static size_t torn_at_begin(const uint8_t *bytes, size_t length)
{
	size_t n = 0;
	while (n < 3 && n < length && is_continuation(bytes[n]))
		n++;
	return n;
}

void exec_output_init(struct exec_output *output, size_t most)
{
	*output = (struct exec_output){.kept = g_byte_array_new(), .most = most};
}

void exec_output_clear(struct exec_output *output)
{
	if (output->kept)
		g_byte_array_unref(output->kept);
	*output = (struct exec_output){0};
}

static size_t head_size(const struct exec_output *output)
{
	return output->most - output->most / 2;
}

/* Where in the ring the byte of an offset in the whole output lies. */
static size_t ring_place(const struct exec_output *output, uint64_t offset)
{
	size_t head = head_size(output);
	return head + (size_t)((offset - head) % (output->most / 2));
}

void exec_output_add(struct exec_output *output, const uint8_t *bytes, size_t length)
{
	size_t room = output->most - MIN(output->most, output->kept->len), first = MIN(room, length);
	if (first)
		g_byte_array_append(output->kept, bytes, (guint)first);
	output->total += first;
	bytes += first;
	length -= first;
	size_t ring = output->most / 2;
	if (length > ring) {
		output->total += length - ring;
		bytes += length - ring;
		length = ring;
	}
	while (length) {
		size_t place = ring_place(output, output->total);
		size_t n = MIN(length, output->most - place);
		memcpy(output->kept->data + place, bytes, n);
		output->total += n;
		bytes += n;
		length -= n;
	}
}

static void chomp(GByteArray *out, size_t least)
{
	size_t length = out->len;
	while (length > least && (out->data[length - 1] == '\n' || out->data[length - 1] == '\r'))
		length--;
	g_byte_array_set_size(out, (guint)length);
}

/* The last part in its order, without what is torn. */
static GByteArray *tail_of(const struct exec_output *output)
{
	GByteArray *tail = g_byte_array_new();
	size_t ring = output->most / 2;
	if (!ring)
		return tail;
	size_t place = ring_place(output, output->total);
	g_byte_array_append(tail, output->kept->data + place, (guint)(output->most - place));
	g_byte_array_append(tail, output->kept->data + head_size(output), (guint)(place - head_size(output)));
	g_byte_array_remove_range(tail, 0, (guint)torn_at_begin(tail->data, tail->len));
	return tail;
}

void exec_output_text(const struct exec_output *output, GByteArray *out)
{
	size_t begin = out->len;
	if (!output->kept->len)
		return;
	if (output->total <= output->most) {
		g_byte_array_append(out, output->kept->data, output->kept->len);
		chomp(out, begin);
		return;
	}
	size_t head = head_size(output);
	head -= torn_at_end(output->kept->data, head);
	g_autoptr(GByteArray) tail = tail_of(output);
	g_byte_array_append(out, output->kept->data, (guint)head);
	g_autofree char *mark = g_strdup_printf(
		"\n… %" G_GUINT64_FORMAT " bytes left out …\n", output->total - head - tail->len);
	g_byte_array_append(out, (const guint8 *)mark, (guint)strlen(mark));
	g_byte_array_append(out, tail->data, tail->len);
	chomp(out, begin);
}

static void line_add(struct exec_lines *lines, const uint8_t *bytes, size_t length)
{
	size_t room = EXEC_LINE_MAX - lines->partial->len;
	lines->cut = lines->cut || length > room;
	g_byte_array_append(lines->partial, bytes, (guint)MIN(length, room));
}

static void line_end(struct exec_lines *lines)
{
	GByteArray *line = lines->partial;
	if (lines->cut) {
		g_byte_array_set_size(line, line->len - (guint)torn_at_end(line->data, line->len));
		g_byte_array_append(line, (const guint8 *)CUT_MARK, strlen(CUT_MARK));
	}
	chomp(line, 0);
	if (line->len)
		lines->line(lines->context, line->data, line->len);
	g_byte_array_set_size(line, 0);
	lines->cut = false;
}

void exec_lines_add(struct exec_lines *lines, const uint8_t *bytes, size_t length)
{
	if (!lines->partial)
		lines->partial = g_byte_array_new();
	for (const uint8_t *newline; (newline = memchr(bytes, '\n', length));) {
		size_t n = (size_t)(newline - bytes);
		line_add(lines, bytes, n);
		line_end(lines);
		bytes += n + 1;
		length -= n + 1;
	}
	line_add(lines, bytes, length);
}

void exec_lines_end(struct exec_lines *lines)
{
	if (!lines->partial)
		return;
	line_end(lines);
	g_byte_array_unref(g_steal_pointer(&lines->partial));
}
