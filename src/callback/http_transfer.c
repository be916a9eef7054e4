#include "callback/http_transfer.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "callback/http_address.h"

/* A connection is not kept for longer, so that a name which comes to mean another address is noticed. */
#define CONNECTION_AGE_S 600L
#define KEEPALIVE_IDLE_S 60L

/* --- what the library asks --- */

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct http_transfer *t = context;
	size_t length = size * count;
	size_t most = (size_t)t->target->settings->http.response_bytes + t->target->secret_max;
	size_t room = most - MIN(most, t->answer->len);
	g_byte_array_append(t->answer, (const guint8 *)data, (guint)MIN(room, length));
	t->received += length;
	/* Anything else than the length ends the request; its status is known. */
	return t->received > HTTP_DRAIN_MAX ? CURL_WRITEFUNC_ERROR : length;
}

static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_transfer *t = context;
	(void)purpose;
	t->connected = false;
	if (!t->target->settings->http.allow_link_local && http_address_is_refused(&address->addr)) {
		t->refused = true;
		return CURL_SOCKET_BAD;
	}
	t->tried = true;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int on_connected(void *context, char *ip, char *local_ip, int port, int local_port)
{
	struct http_transfer *t = context;
	(void)ip, (void)local_ip, (void)port, (void)local_port;
	t->connected = true;
	return CURL_PREREQFUNC_OK;
}

/* --- what is the same for every request --- */

static void set_callbacks(struct http_transfer *t)
{
	CURL *easy = t->easy;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->message);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, t);
}

static void set_connection(struct http_transfer *t)
{
	const struct http_settings *http = &t->target->settings->http;
	CURL *easy = t->easy;
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	/* A proxy would be the one that connects, so that no address could be looked at. */
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Else the end of a request waits for the thread that looks up its name, and all others with it. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CLAMP(http->connect_timeout / US_PER_MS, 1, INT_MAX));
	curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, CONNECTION_AGE_S);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_IDLE_S / 4);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
}

static void set_tls(struct http_transfer *t)
{
	const struct http_settings *http = &t->target->settings->http;
	curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(t->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (http->ca_file) {
		curl_easy_setopt(t->easy, CURLOPT_CAINFO, http->ca_file);
		curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL);
	}
}

static void set_method(struct http_transfer *t)
{
	CURL *easy = t->easy;
	const char *method = t->reads ? "GET" : t->target->method;
	bool common =
		strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "POST") == 0;
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, common ? NULL : method);
	if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else if (!t->body || t->reads) {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	} else {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(t->body));
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, t->body);
	}
}

static void set_credentials(struct http_transfer *t)
{
	const struct http_settings *http = &t->target->settings->http;
	t->headers.next = t->away ? t->target->foreign : t->target->headers;
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, &t->headers);
	if (!http->cert_file)
		return;
	const char *key = http->key_file ? http->key_file : http->cert_file;
	curl_easy_setopt(t->easy, CURLOPT_SSLCERT, t->away ? NULL : http->cert_file);
	curl_easy_setopt(t->easy, CURLOPT_SSLKEY, t->away ? NULL : key);
	/* A key that asks for one is not to be asked for on the terminal. */
	curl_easy_setopt(t->easy, CURLOPT_KEYPASSWD, "");
}

struct http_transfer *http_transfer_new(const struct http_target *target, CURLM *multi, GError **error)
{
	CURL *easy = curl_easy_init();
	if (!easy) {
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "libcurl gives no handle");
		return NULL;
	}
	struct http_transfer *t = g_new0(struct http_transfer, 1);
	t->target = target;
	t->multi = multi;
	t->easy = easy;
	t->answer = g_byte_array_new();
	t->headers.data = t->key;
	set_callbacks(t);
	set_connection(t);
	set_tls(t);
	return t;
}

/* --- a request --- */

static void transfer_remove(struct http_transfer *t)
{
	if (t->added)
		curl_multi_remove_handle(t->multi, t->easy);
	t->added = false;
}

static void transfer_clear(struct http_transfer *t)
{
	transfer_remove(t);
	g_clear_pointer(&t->url, g_free);
	g_clear_pointer(&t->body, g_free);
	g_clear_pointer(&t->origin, g_free);
	t->request = NULL;
}

void http_transfer_free(struct http_transfer *t)
{
	if (!t)
		return;
	g_free(t->request);
	transfer_clear(t);
	curl_easy_cleanup(t->easy);
	g_byte_array_unref(t->answer);
	g_free(t);
}

/* 0: as long as it likes. */
static long milliseconds_left(const struct http_transfer *t)
{
	dur_us left = t->deadline - clock_monotonic();
	return t->timeout ? (long)CLAMP((left + US_PER_MS - 1) / US_PER_MS, 1, INT_MAX) : 0;
}

/* Hands the request to the library, with the URL that it has now. */
static bool transfer_start(struct http_transfer *t)
{
	t->connected = t->tried = t->refused = false;
	t->message[0] = '\0';
	t->received = 0;
	g_byte_array_set_size(t->answer, 0);
	set_method(t);
	set_credentials(t);
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, milliseconds_left(t));
	t->begun = curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
	if (t->begun == CURLE_OK && curl_multi_add_handle(t->multi, t->easy) != CURLM_OK)
		t->begun = CURLE_OUT_OF_MEMORY;
	t->added = t->begun == CURLE_OK;
	return t->added;
}

static dur_us timeout_of(const struct http_transfer *t, const struct fire *fire)
{
	int32_t own = fire->action->timeout_s;
	return own > 0 ? own * US_PER_SECOND : t->target->settings->http.timeout;
}

bool http_transfer_begin(struct http_transfer *t, struct fire_request *request, bool shares)
{
	const struct fire *fire = &request->fire;
	char id[FIRE_ID_MAX];
	t->request = request;
	t->url = http_target_url(t->target, fire);
	t->body = http_target_body(t->target, fire);
	fire_id_format(fire->action->id, fire->nominal, fire->manual, id);
	g_snprintf(t->key, sizeof t->key, "Idempotency-Key: %s", id);
	t->redirects = 0;
	t->away = t->reads = false;
	t->timeout = timeout_of(t, fire);
	t->started_at = clock_now();
	t->deadline = clock_monotonic() + t->timeout;
	curl_easy_setopt(t->easy, CURLOPT_PIPEWAIT, shares ? 1L : 0L);
	return transfer_start(t);
}

bool http_transfer_is_waiting(const struct http_transfer *t)
{
	return t->request && !t->connected && !t->tried && t->redirects == 0;
}

void http_transfer_abandon(struct http_transfer *t)
{
	transfer_clear(t);
}

/* --- redirects --- */

static bool status_is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Where it is sent on; NULL: nowhere. The library's, until the request goes on. */
static const char *location_of(const struct http_transfer *t, long status)
{
	char *location = NULL;
	if (status_is_redirect(status))
		curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &location);
	return location;
}

bool http_transfer_redirect(struct http_transfer *t, CURLcode code)
{
	long status = 0;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	const char *location = location_of(t, status);
	if (code != CURLE_OK || !location || !t->target->settings->http.follow_redirects ||
		t->redirects >= HTTP_REDIRECT_MAX)
		return false;
	char *origin = http_origin(location);
	if (!origin)
		return false;
	char *url = g_strdup(location);
	transfer_remove(t);
	g_free(t->origin);
	g_free(t->url);
	t->origin = origin;
	t->url = url;
	t->redirects++;
	/* It never comes home: another origin has said where to go. */
	t->away = t->away || strcmp(origin, t->target->origin) != 0;
	t->reads = t->reads || (status == 303 && t->target->has_body);
	return transfer_start(t);
}

/* --- the end --- */

struct http_verdict http_transfer_end(struct http_transfer *t, CURLcode code)
{
	struct http_outcome outcome = {
		.code = t->begun == CURLE_OK ? code : t->begun,
		.connected = t->connected,
		.address = t->refused && !t->tried,
		.message = t->message,
		.origin = t->origin ? t->origin : t->target->origin,
		.redirects = t->redirects,
		.timeout = t->timeout,
		.body = (const char *)t->answer->data,
		.body_length = t->answer->len,
	};
	if (t->begun == CURLE_OK) {
		curl_off_t after = 0;
		long errno_value = 0;
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &outcome.status);
		curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after);
		curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &errno_value);
		outcome.retry_after_s = after;
		outcome.errno_value = (int)errno_value;
		outcome.location = location_of(t, outcome.status);
	}
	struct http_verdict verdict = http_answer(t->target, &outcome);
	transfer_clear(t);
	return verdict;
}
