#include "callback/kafka_message.h"

#include "callback/command.h"

#include <string.h>

void kafka_message_init(struct kafka_message *message, const struct callback_settings *settings)
{
	*message = (struct kafka_message){
		.raw = settings->kafka.value == KAFKA_VALUE_RAW,
		.placeholders = settings->placeholders,
		.value = g_string_new(NULL),
	};
	time_format_utc(message->at, message->at_text);
}

void kafka_message_clear(struct kafka_message *message)
{
	g_string_free(message->value, true);
}

/* The length of the part that stands in JSON as it is. */
static size_t plain_length(const char *text, const char *end)
{
	const char *at = text;
	while (at < end && *at >= ' ' && *at < 0x7f && *at != '"' && *at != '\\')
		at++;
	return (size_t)(at - text);
}

static void append_unit(GString *out, unsigned unit)
{
	g_string_append_printf(out, "\\u%04x", unit);
}

static void append_escaped(GString *out, gunichar c)
{
	static const char short_for[] = "\"\\\n\r\t\f\b", letter[] = "\"\\nrtfb";
	const char *found = c && c < 0x80 ? strchr(short_for, (int)c) : NULL;
	if (found) {
		g_string_append_c(out, '\\');
		g_string_append_c(out, letter[found - short_for]);
	} else if (c < 0x10000) {
		append_unit(out, c);
	} else {
		append_unit(out, 0xd800 + ((c - 0x10000) >> 10));
		append_unit(out, 0xdc00 + (c & 0x3ff));
	}
}

void kafka_json_append(GString *out, const char *text, size_t length)
{
	const char *end = text + length;
	g_string_append_c(out, '"');
	while (text < end) {
		size_t plain = plain_length(text, end);
		g_string_append_len(out, text, (gssize)plain);
		text += plain;
		if (text == end)
			break;
		append_escaped(out, g_utf8_get_char(text));
		text = g_utf8_next_char(text);
	}
	g_string_append_c(out, '"');
}

static void value_write(struct kafka_message *message, const struct fire *fire)
{
	const char *command = action_command(fire->action);
	size_t length = fire->action->command_length;
	g_autofree char *expanded = NULL;
	if (message->placeholders) {
		command = expanded = command_expand(command, fire, COMMAND_PLAIN, NULL, 0);
		length = strlen(expanded);
	}
	g_string_truncate(message->value, 0);
	if (message->raw) {
		g_string_append_len(message->value, command, (gssize)length);
		return;
	}
	g_string_append(message->value, "{\"command\": ");
	kafka_json_append(message->value, command, length);
	g_string_append_c(message->value, '}');
}

rd_kafka_resp_err_t kafka_message_produce(struct kafka_message *message, rd_kafka_t *producer,
	rd_kafka_topic_t *topic, const struct fire *fire, void *opaque)
{
	char id[FIRE_ID_MAX];
	fire_id_format(fire->action->id, fire->nominal, fire->manual, id);
	size_t key_length = strcspn(id, "@!"); /* the number of the action */
	if (fire->nominal != message->at)
		time_format_utc(message->at = fire->nominal, message->at_text);
	value_write(message, fire);
	/* clang-format off */
	return rd_kafka_producev(producer,
		RD_KAFKA_V_RKT(topic),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		RD_KAFKA_V_KEY(id, key_length),
		RD_KAFKA_V_VALUE(message->value->str, message->value->len),
		RD_KAFKA_V_HEADER("fire-id", id, -1),
		RD_KAFKA_V_HEADER("action-name", action_name(fire->action), (ssize_t)fire->action->name_length),
		RD_KAFKA_V_HEADER("scheduled-at", message->at_text, -1),
		RD_KAFKA_V_OPAQUE(opaque),
		RD_KAFKA_V_END);
	/* clang-format on */
}
