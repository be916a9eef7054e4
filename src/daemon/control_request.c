#include "daemon/control_request.h"

#include "base/json.h"
#include "model/progress.h"

#include <string.h>

G_GNUC_PRINTF(2, 3) static bool refuse(GError **error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, AS_ERROR, AS_ERROR_INVALID, text);
	return false;
}

static bool read_action(struct control_request *request, const json_t *value, GError **error)
{
	if (!json_is_integer(value))
		return refuse(error, "\"ids\" must hold whole numbers");
	int64_t id = json_integer_value(value);
	g_array_append_val(request->ids, id);
	return true;
}

static bool read_fire(struct control_request *request, const json_t *value, GError **error)
{
	const char *text = json_string_value(value);
	struct control_fire fire;
	if (!text)
		return refuse(error, "\"fire_ids\" must hold strings");
	if (!fire_id_parse(text, &fire.action_id, &fire.nominal, fire.manual))
		return refuse(
			error, "\"%.100s\" is no fire id: it is ACTION_ID@TIME or ACTION_ID!UUID", text);
	fire_id_format(fire.action_id, fire.nominal, fire.manual, fire.id);
	g_array_append_val(request->fires, fire);
	return true;
}

static bool read_list(struct control_request *request, const char *key, const json_t *list,
	bool (*read)(struct control_request *request, const json_t *value, GError **error), GError **error)
{
	size_t count = json_array_size(list);
	if (count == 0)
		return refuse(error, "\"%s\" is missing, or no list with a member", key);
	if (count > CONTROL_IDS_MAX)
		return refuse(error, "\"%s\" has %zu members, at most %d are taken at a time", key, count,
			CONTROL_IDS_MAX);
	for (size_t i = 0; i < count; i++)
		if (!read(request, json_array_get(list, i), error))
			return false;
	return true;
}

static bool read_ids(struct control_request *request, const json_t *value, GError **error)
{
	return read_list(request, "ids", value, read_action, error);
}

static bool read_fires(struct control_request *request, const json_t *value, GError **error)
{
	return read_list(request, "fire_ids", value, read_fire, error);
}

static bool read_reason(struct control_request *request, const json_t *value, GError **error)
{
	if (value && !json_is_string(value))
		return refuse(error, "\"reason\" must be a string");
	if (value && json_string_length(value) > HOLD_REASON_MAX)
		return refuse(error, "\"reason\" has %zu bytes, at most %d are taken",
			json_string_length(value), HOLD_REASON_MAX);
	request->reason = g_strdup(json_string_value(value));
	return true;
}

static bool read_skip(struct control_request *request, const json_t *value, GError **error)
{
	if (value && !json_is_boolean(value))
		return refuse(error, "\"skip\" must be true or false");
	request->skip = json_is_true(value);
	return true;
}

static bool read_identity(struct control_request *request, const json_t *value, GError **error)
{
	if (value && !json_is_string(value))
		return refuse(error, "\"internal_db\" must be a string");
	request->internal_db = g_strdup(json_string_value(value));
	return true;
}

/* --- the table --- */

#define KEYS_MAX 4

/* What a command takes besides its name and internal_db. */
struct key {
	const char *name;
	/* The value is NULL where the request does not have the key. */
	bool (*read)(struct control_request *request, const json_t *value, GError **error);
};

static const struct {
	const char *name;
	struct key keys[KEYS_MAX];
} commands[] = {
	[CONTROL_TRIGGER] = {"trigger", {{"ids", read_ids}}},
	[CONTROL_RETRY] = {"retry", {{"fire_ids", read_fires}}},
	[CONTROL_STATUS] = {"status"},
	[CONTROL_FOLLOW] = {"follow"},
	[CONTROL_HOLD] = {"hold", {{"reason", read_reason}}},
	[CONTROL_RELEASE] = {"release", {{"skip", read_skip}}},
};

static bool read_command(struct control_request *request, const json_t *document, GError **error)
{
	const char *name = json_string_value(json_object_get(document, "command"));
	g_autoptr(GString) known = g_string_new(NULL);
	if (!name)
		return refuse(error, "\"command\" is missing, or no string");
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		request->command = (enum control_command)i;
		if (strcmp(name, commands[i].name) == 0)
			return true;
		g_string_append_printf(known, "%s%s", i ? ", " : "", commands[i].name);
	}
	return refuse(error, "there is no command \"%.100s\"; there are: %s", name, known->str);
}

static bool is_key(const struct control_request *request, const char *name)
{
	const struct key *keys = commands[request->command].keys;
	for (size_t i = 0; i < KEYS_MAX && keys[i].name; i++)
		if (strcmp(name, keys[i].name) == 0)
			return true;
	return strcmp(name, "command") == 0 || strcmp(name, "internal_db") == 0;
}

/* A key that is not known may be what matters to the client. */
static bool check_keys(const struct control_request *request, json_t *document, GError **error)
{
	const char *name;
	json_t *value;
	json_object_foreach(document, name, value)
	{
		if (!is_key(request, name))
			return refuse(
				error, "%s has no key \"%.100s\"", commands[request->command].name, name);
	}
	return true;
}

static bool read_keys(struct control_request *request, const json_t *document, GError **error)
{
	const struct key *keys = commands[request->command].keys;
	for (size_t i = 0; i < KEYS_MAX && keys[i].name; i++)
		if (!keys[i].read(request, json_object_get(document, keys[i].name), error))
			return false;
	return read_identity(request, json_object_get(document, "internal_db"), error);
}

struct control_request *control_request_parse(const char *line, size_t length, GError **error)
{
	g_autoptr(json_t) document = json_read(line, length, error);
	if (!document)
		return NULL;
	if (!json_is_object(document)) {
		refuse(error, "a request is a JSON object");
		return NULL;
	}
	struct control_request *request = g_new0(struct control_request, 1);
	request->ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	request->fires = g_array_new(FALSE, FALSE, sizeof(struct control_fire));
	if (read_command(request, document, error) && check_keys(request, document, error) &&
		read_keys(request, document, error))
		return request;
	control_request_free(request);
	return NULL;
}

void control_request_free(struct control_request *request)
{
	if (!request)
		return;
	g_array_unref(request->ids);
	g_array_unref(request->fires);
	g_free(request->internal_db);
	g_free(request->reason);
	g_free(request);
}
