#include "daemon/control_request.h"

#include "base/json.h"

#include <string.h>

/* What a command is about, each read from a key of its own. */
enum subject { SUBJECT_ACTIONS, SUBJECT_FIRES };

static const struct {
	const char *name;
	enum subject subject;
} commands[] = {
	[CONTROL_TRIGGER] = {"trigger", SUBJECT_ACTIONS},
	[CONTROL_RETRY] = {"retry", SUBJECT_FIRES},
};

static const char *const subject_keys[] = {[SUBJECT_ACTIONS] = "ids", [SUBJECT_FIRES] = "fire_ids"};

G_GNUC_PRINTF(2, 3) static bool refuse(GError **error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, AS_ERROR, AS_ERROR_INVALID, text);
	return false;
}

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

static bool read_subject(struct control_request *request, const json_t *document, GError **error)
{
	enum subject subject = commands[request->command].subject;
	const json_t *list = json_object_get(document, subject_keys[subject]);
	size_t count = json_array_size(list);
	if (count == 0)
		return refuse(error, "\"%s\" is missing, or no list with a member", subject_keys[subject]);
	if (count > CONTROL_IDS_MAX)
		return refuse(error, "\"%s\" has %zu members, at most %d are taken at a time",
			subject_keys[subject], count, CONTROL_IDS_MAX);
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_array_get(list, i);
		if (!(subject == SUBJECT_ACTIONS ? read_action : read_fire)(request, value, error))
			return false;
	}
	return true;
}

static bool read_identity(struct control_request *request, const json_t *document, GError **error)
{
	const json_t *value = json_object_get(document, "internal_db");
	if (value && !json_is_string(value))
		return refuse(error, "\"internal_db\" must be a string");
	request->internal_db = g_strdup(json_string_value(value));
	return true;
}

/* A key that is not known may be what matters to the client. */
static bool check_keys(const struct control_request *request, json_t *document, GError **error)
{
	const char *subject = subject_keys[commands[request->command].subject];
	const char *key;
	json_t *value;
	json_object_foreach(document, key, value)
	{
		if (strcmp(key, "command") != 0 && strcmp(key, "internal_db") != 0 &&
			strcmp(key, subject) != 0)
			return refuse(
				error, "%s has no key \"%.100s\"", commands[request->command].name, key);
	}
	return true;
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
		read_identity(request, document, error) && read_subject(request, document, error))
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
	g_free(request);
}
