/* The callback `http` in the contract suite: a server that says what the mode is, and keeps what it took. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>

#include "callback/backends.h"
#include "contract.h"
#include "http_server.h"

struct contract_receiver {
	struct http_server *server;
	struct callback_settings *settings;
	_Atomic(enum contract_mode) mode;
	GMutex lock;
	GArray *seen; /* struct contract_seen */
};

/* The command of `{"command":"…"}`. */
static char *body_command(const char *body)
{
	static const char head[] = "{\"command\":\"";
	if (!g_str_has_prefix(body, head) || !g_str_has_suffix(body, "\"}"))
		g_error("not the body of a request: %s", body);
	return g_strndup(body + sizeof head - 1, strlen(body) - (sizeof head - 1) - 2);
}

static void handle(void *context, const struct http_query *query, struct http_reply *reply)
{
	struct contract_receiver *receiver = context;
	enum contract_mode mode = atomic_load(&receiver->mode);
	reply->hold = mode == CONTRACT_HANG;
	if (mode == CONTRACT_REFUSE) {
		reply->status = 422;
		reply->body = "no such job";
	}
	if (mode != CONTRACT_ACCEPT)
		return;
	struct contract_seen seen = {body_command(query->body), http_query_header(query, "Idempotency-Key")};
	g_mutex_lock(&receiver->lock);
	g_array_append_val(receiver->seen, seen);
	g_mutex_unlock(&receiver->lock);
}

static struct contract_receiver *receiver_new(void)
{
	struct contract_receiver *receiver = g_new0(struct contract_receiver, 1);
	g_mutex_init(&receiver->lock);
	receiver->seen = g_array_new(false, false, sizeof(struct contract_seen));
	receiver->server = http_server_new(handle, receiver);
	receiver->settings = contract_settings_new();
	struct http_settings *http = &receiver->settings->http;
	http->url = g_strdup_printf("http://127.0.0.1:%u/run", http_server_port(receiver->server));
	http->method = g_strdup("POST");
	http->concurrency = 8;
	http->connect_timeout = 10 * US_PER_SECOND;
	http->timeout = 100 * US_PER_SECOND;
	http->response_bytes = 1024;
	return receiver;
}

static void receiver_free(struct contract_receiver *receiver)
{
	http_server_free(receiver->server);
	for (guint i = 0; i < receiver->seen->len; i++) {
		struct contract_seen *seen = &g_array_index(receiver->seen, struct contract_seen, i);
		g_free(seen->token);
		g_free(seen->fire_id);
	}
	g_array_unref(receiver->seen);
	g_free(receiver->settings->http.url);
	g_free(receiver->settings->http.method);
	contract_settings_free(receiver->settings);
	g_mutex_clear(&receiver->lock);
	g_free(receiver);
}

static struct callback *open_server(
	struct contract_receiver *receiver, const struct callback_host *host, GError **error)
{
	const struct callback_open open = {"http", NULL, receiver->settings, *host};
	return callback_http.open(&open, error);
}

static void mode(struct contract_receiver *receiver, enum contract_mode mode)
{
	atomic_store(&receiver->mode, mode);
	http_server_away(receiver->server, mode == CONTRACT_AWAY);
	http_server_again(receiver->server);
}

static void seen(struct contract_receiver *receiver, GArray *out)
{
	g_mutex_lock(&receiver->lock);
	for (guint i = 0; i < receiver->seen->len; i++) {
		const struct contract_seen *from = &g_array_index(receiver->seen, struct contract_seen, i);
		struct contract_seen copy = {g_strdup(from->token), g_strdup(from->fire_id)};
		g_array_append_val(out, copy);
	}
	g_mutex_unlock(&receiver->lock);
}

const struct contract_backend contract_backend = {
	.name = "http",
	.vtable = &callback_http,
	.modes = CONTRACT_MODE(CONTRACT_ACCEPT) | CONTRACT_MODE(CONTRACT_REFUSE) |
		 CONTRACT_MODE(CONTRACT_AWAY) | CONTRACT_MODE(CONTRACT_HANG),
	.timeouts = true,
	.batch = 1000,
	.flood = 6000,
	.receiver_new = receiver_new,
	.receiver_free = receiver_free,
	.open = open_server,
	.mode = mode,
	.seen = seen,
};
