#include "callback/http_target.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "callback/command.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURLU, curl_url_cleanup)

char *http_origin(const char *url)
{
	g_autoptr(CURLU) parsed = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL, *origin = NULL;
	if (!curl_url_set(parsed, CURLUPART_URL, url, 0) &&
		!curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) &&
		!curl_url_get(parsed, CURLUPART_HOST, &host, 0) &&
		!curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) &&
		(strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0)) {
		g_autofree char *lower = g_ascii_strdown(host, -1);
		origin = g_strdup_printf("%s://%s:%s", scheme, lower, port);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	return origin;
}

/* --- headers --- */

static const char *header_find(GHashTable *headers, const char *name)
{
	GHashTableIter entries;
	gpointer key, value;
	g_hash_table_iter_init(&entries, headers);
	while (g_hash_table_iter_next(&entries, &key, &value))
		if (g_ascii_strcasecmp(key, name) == 0)
			return value;
	return NULL;
}

static struct curl_slist *header_add(struct curl_slist *list, const char *name, const char *value)
{
	/* How the library is told of a header without a value. */
	g_autofree char *line =
		*value ? g_strdup_printf("%s: %s", name, value) : g_strdup_printf("%s;", name);
	return curl_slist_append(list, line);
}

/* What a request has of itself, unless the configuration says otherwise. */
static struct curl_slist *headers_own(const struct http_target *target, bool configured)
{
	GHashTable *given = target->settings->http.headers;
	const char *type = header_find(given, "Content-Type");
	/* Not to wait for leave to send a large body. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	if (target->has_body && !(configured && type))
		list = header_add(list, "Content-Type", type ? type : "application/json");
	if (!configured || !header_find(given, "User-Agent"))
		list = header_add(list, "User-Agent", "action-scheduler/" PROGRAM_VERSION);
	return list;
}

static bool name_is_secret(const char *name)
{
	static const char *const words[] = {"authorization", "cookie", "key", "token", "secret", "password"};
	g_autofree char *lower = g_ascii_strdown(name, -1);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strstr(lower, words[i]))
			return true;
	return false;
}

static void secret_add(struct http_target *target, const char *secret)
{
	if (!*secret)
		return;
	g_ptr_array_add(target->secrets, g_strdup(secret));
	target->secret_max = MAX(target->secret_max, strlen(secret));
}

/* `Bearer xyz`: what is secret is xyz. */
static void secret_add_header(struct http_target *target, const char *name, const char *value)
{
	if (!name_is_secret(name))
		return;
	g_autofree char *lower = g_ascii_strdown(name, -1);
	const char *space = strstr(lower, "authorization") ? strchr(value, ' ') : NULL;
	secret_add(target, space ? space + 1 : value);
}

static void headers_make(struct http_target *target)
{
	const struct http_settings *http = &target->settings->http;
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(http->headers), (GCompareFunc)strcmp);
	target->foreign = headers_own(target, false);
	target->headers = headers_own(target, true);
	for (GList *name = names; name; name = name->next) {
		const char *value = g_hash_table_lookup(http->headers, name->data);
		target->headers = header_add(target->headers, name->data, value);
		secret_add_header(target, name->data, value);
	}
	if (!http->token)
		return;
	g_autofree char *bearer = g_strconcat("Bearer ", http->token, NULL);
	target->headers = header_add(target->headers, "Authorization", bearer);
	secret_add(target, http->token);
}

/* --- life --- */

struct http_target *http_target_new(const struct callback_settings *settings)
{
	const struct http_settings *http = &settings->http;
	struct http_target *target = g_new0(struct http_target, 1);
	target->settings = settings;
	target->origin = http_origin(http->url);
	target->url_varies = strchr(http->url, '{') != NULL;
	target->method = g_ascii_strup(http->method, -1);
	target->has_body = strcmp(target->method, "GET") != 0 && strcmp(target->method, "HEAD") != 0;
	target->secrets = g_ptr_array_new_with_free_func(g_free);
	headers_make(target);
	return target;
}

void http_target_free(struct http_target *target)
{
	if (!target)
		return;
	curl_slist_free_all(target->headers);
	curl_slist_free_all(target->foreign);
	g_ptr_array_unref(target->secrets);
	g_free(target->method);
	g_free(target->origin);
	g_free(target);
}

/* --- texts --- */

static char *command_of(const struct http_target *target, const struct fire *fire)
{
	const char *command = action_command(fire->action);
	return target->settings->placeholders ? command_expand(command, fire, COMMAND_PLAIN, NULL, 0)
					      : g_strdup(command);
}

char *http_target_url(const struct http_target *target, const struct fire *fire)
{
	const char *url = target->settings->http.url;
	if (!target->url_varies)
		return g_strdup(url);
	g_autofree char *command = command_of(target, fire);
	g_autofree char *quoted = g_uri_escape_string(command, NULL, false);
	const struct command_extra extra = {"command", quoted};
	return command_expand(url, fire, COMMAND_URL, &extra, 1);
}

static char *command_json(const struct http_target *target, const struct fire *fire)
{
	g_autofree char *command = command_of(target, fire);
	g_autoptr(json_t) string = json_text(command, strlen(command));
	return json_write(string);
}

char *http_target_body(const struct http_target *target, const struct fire *fire)
{
	if (!target->has_body)
		return NULL;
	const char *body = target->settings->http.body;
	char *quoted = command_json(target, fire);
	const struct command_extra extra = {"command", quoted};
	char *text = body ? command_expand(body, fire, COMMAND_JSON, &extra, 1)
			  : g_strconcat("{\"command\":", quoted, "}", NULL);
	free(quoted);
	return text;
}

/* --- what was received --- */

/* The length of a secret that stands here; 0 where none does. */
static size_t secret_length(const struct http_target *target, const char *data, size_t length)
{
	size_t found = 0;
	for (guint i = 0; i < target->secrets->len; i++) {
		const char *secret = target->secrets->pdata[i];
		size_t n = strlen(secret);
		if (n <= length && n > found && memcmp(data, secret, n) == 0)
			found = n;
	}
	return found;
}

/* Takes off what is left of a character at the end. */
static void partial_drop(GString *text)
{
	const char *end;
	if (!g_utf8_validate(text->str, (gssize)text->len, &end) && text->str + text->len - end < 4 &&
		g_utf8_get_char_validated(end, text->str + text->len - end) == (gunichar)-2)
		g_string_truncate(text, (gsize)(end - text->str));
}

char *http_target_excerpt(const struct http_target *target, const char *data, size_t length, size_t most)
{
	g_autoptr(GString) text = g_string_new(NULL);
	size_t i = 0;
	while (i < MIN(length, most)) {
		size_t secret = secret_length(target, data + i, length - i);
		if (secret)
			g_string_append(text, "***");
		else
			g_string_append_c(text, data[i]);
		i += secret ? secret : 1;
	}
	if (i < length || length >= most)
		partial_drop(text);
	char *valid = g_utf8_make_valid(text->str, (gssize)text->len);
	g_string_assign(text, valid);
	g_free(valid);
	if (text->len > most) {
		g_string_truncate(text, most);
		partial_drop(text);
	}
	return g_strchomp(g_strdup(text->str));
}
