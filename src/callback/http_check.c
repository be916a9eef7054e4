/* Whether the settings of the callback `http` can be used. */
#include "callback/http_target.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callback/http_address.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURLU, curl_url_cleanup)

G_GNUC_PRINTF(2, 3) static bool invalid(GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "callback \"http\": %s", text);
	return false;
}

/* --- the URL --- */

/* Whether the host is an address that is refused. Brackets and the zone of an IPv6 address are passed over.
 */
static bool host_is_refused(const char *host)
{
	g_autofree char *text = g_strdup(*host == '[' ? host + 1 : host);
	text[strcspn(text, "]%")] = '\0';
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return http_address_is_refused((const struct sockaddr *)&in);
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		return http_address_is_refused((const struct sockaddr *)&in6);
	return false;
}

static bool check_parts(const struct http_settings *http, CURLU *url, GError **error)
{
	char *host = NULL, *user = NULL;
	bool has_user = curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK;
	curl_free(user);
	if (has_user)
		return invalid(error, "http.url holds a user name; give http.token, or Authorization in "
				      "http.headers");
	curl_url_get(url, CURLUPART_HOST, &host, 0);
	bool refused = host && !http->allow_link_local && host_is_refused(host);
	if (refused)
		invalid(error,
			"http.url: %s is a link-local address, or one where clouds keep the machine's "
			"credentials; set http.allow_link_local where that is meant",
			host);
	curl_free(host);
	return !refused;
}

static bool check_url(const struct http_settings *http, GError **error)
{
	if (!http->url)
		return invalid(error, "http.url is missing");
	const char *authority = strstr(http->url, "://");
	size_t length = authority ? strcspn(authority + 3, "/?#") : 0;
	if (authority && memchr(http->url, '{', (size_t)(authority + 3 - http->url) + length))
		return invalid(error, "http.url: placeholders may stand in its path and query only");
	g_autofree char *origin = http_origin(http->url);
	if (!origin)
		return invalid(error, "http.url is not a URL of http or https");
	g_autoptr(CURLU) url = curl_url();
	curl_url_set(url, CURLUPART_URL, http->url, 0);
	return check_parts(http, url, error);
}

/* --- method and headers --- */

/* A token of RFC 9110. */
static bool is_token(const char *text)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	const char *p = text;
	while (g_ascii_isalnum(*p) || (*p && strchr(marks, *p)))
		p++;
	return *text && !*p;
}

static bool check_method(const struct http_settings *http, GError **error)
{
	if (!is_token(http->method) || g_ascii_strcasecmp(http->method, "CONNECT") == 0 ||
		g_ascii_strcasecmp(http->method, "TRACE") == 0)
		return invalid(error, "http.method: \"%s\" is no method for requests", http->method);
	return true;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if (g_ascii_iscntrl(*text) && *text != '\t')
			return true;
	return false;
}

static bool is_reserved(const char *name)
{
	static const char *const names[] = {"Connection", "Content-Length", "Expect", "Idempotency-Key",
		"Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_ascii_strcasecmp(names[i], name) == 0)
			return true;
	return false;
}

/* Values may be secret: they are not repeated. */
static bool check_header(
	const struct http_settings *http, const char *name, const char *value, GError **error)
{
	if (!is_token(name))
		return invalid(error, "http.headers: \"%s\" is no name of a header", name);
	if (is_reserved(name))
		return invalid(error, "http.headers: %s is set by the scheduler", name);
	if (has_control(value))
		return invalid(error, "http.headers: the value of %s holds control characters", name);
	if (http->token && g_ascii_strcasecmp(name, "Authorization") == 0)
		return invalid(
			error, "http.headers has Authorization beside http.token; only one of them may be");
	return true;
}

static bool check_headers(const struct http_settings *http, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GHashTableIter entries;
	gpointer name, value;
	g_hash_table_iter_init(&entries, http->headers);
	while (g_hash_table_iter_next(&entries, &name, &value)) {
		if (!check_header(http, name, value, error))
			return false;
		if (!g_hash_table_add(seen, g_ascii_strdown(name, -1)))
			return invalid(error, "http.headers: %s is given twice", (const char *)name);
	}
	if (http->token && (!*http->token || has_control(http->token) || strpbrk(http->token, " \t")))
		return invalid(error, "http.token is empty, or holds spaces or control characters");
	return true;
}

/* --- files --- */

static bool check_file(const char *key, const char *path, GError **error)
{
	struct stat st;
	if (!path || (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, R_OK) == 0))
		return true;
	return invalid(error, "%s: %s is no file that can be read", key, path);
}

bool http_target_check(const struct callback_settings *settings, GError **error)
{
	const struct http_settings *http = &settings->http;
	if (!check_url(http, error) || !check_method(http, error) || !check_headers(http, error))
		return false;
	if (http->key_file && !http->cert_file)
		return invalid(error, "http.key_file is given without http.cert_file");
	return check_file("http.ca_file", http->ca_file, error) &&
	       check_file("http.cert_file", http->cert_file, error) &&
	       check_file("http.key_file", http->key_file, error);
}
