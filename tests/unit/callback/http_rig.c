#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_rig.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "callback/backends.h"

#define WAIT_MAX (60 * US_PER_SECOND)

/* --- servers --- */

static void query_free(gpointer data)
{
	struct rig_query *query = data;
	g_free(query->method);
	g_free(query->path);
	g_free(query->body);
	g_free(query->head);
	g_free(query);
}

static struct rig_query *query_copy(const struct http_query *query, unsigned server)
{
	struct rig_query *copy = g_new0(struct rig_query, 1);
	*copy = (struct rig_query){server, query->connection, g_strdup(query->method), g_strdup(query->path),
		g_strdup(query->body), g_strdup(query->head)};
	return copy;
}

static const struct http_page *page_of(struct rig *rig, const char *path)
{
	size_t length = strcspn(path, "?");
	for (guint i = rig->pages->len; i > 0; i--) {
		const struct http_page *page = &g_array_index(rig->pages, struct http_page, i - 1);
		if (strlen(page->path) == length && strncmp(page->path, path, length) == 0)
			return page;
	}
	return NULL;
}

static void handle(struct rig *rig, const struct http_query *query, struct http_reply *reply, unsigned server)
{
	pthread_mutex_lock(&rig->lock);
	g_ptr_array_add(rig->queries, query_copy(query, server));
	const struct http_page *page = page_of(rig, query->path);
	if (page)
		*reply = (struct http_reply){page->status, page->headers, page->body, page->body_length,
			page->hold, page->drop, page->close};
	rig->held += reply->hold;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

static void handle_first(void *context, const struct http_query *query, struct http_reply *reply)
{
	handle(context, query, reply, 0);
}

static void handle_second(void *context, const struct http_query *query, struct http_reply *reply)
{
	handle(context, query, reply, 1);
}

void rig_page(struct rig *rig, struct http_page page)
{
	pthread_mutex_lock(&rig->lock);
	g_array_append_val(rig->pages, page);
	rig->held = 0;
	pthread_mutex_unlock(&rig->lock);
	for (size_t i = 0; i < G_N_ELEMENTS(rig->servers); i++)
		http_server_again(rig->servers[i]);
}

/* --- the host --- */

static void host_resolved(void *context, const struct fire_result *results, size_t count)
{
	struct rig *rig = context;
	pthread_mutex_lock(&rig->lock);
	for (size_t i = 0; i < count; i++) {
		g_assert(results[i].ticket < rig->results->len && !rig->results->pdata[results[i].ticket]);
		rig->results->pdata[results[i].ticket] = g_memdup2(&results[i], sizeof *results);
	}
	rig->answers += count;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

static void host_ready(void *context)
{
	(void)context;
}

static void host_trouble(void *context, const char *message)
{
	struct rig *rig = context;
	pthread_mutex_lock(&rig->lock);
	rig->troubles += message != NULL;
	rig->troubles_over += message == NULL;
	g_free(rig->trouble);
	rig->trouble = g_strdup(message);
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

static void host_say(void *context, const char *line)
{
	(void)context, (void)line;
}

/* --- life --- */

static void result_free(gpointer data)
{
	struct fire_result *result = data;
	if (result)
		g_free(result->detail);
	g_free(result);
}

struct rig *rig_new(void)
{
	struct rig *rig = g_new0(struct rig, 1);
	pthread_mutex_init(&rig->lock, NULL);
	pthread_cond_init(&rig->changed, NULL);
	rig->pages = g_array_new(false, false, sizeof(struct http_page));
	rig->queries = g_ptr_array_new_with_free_func(query_free);
	rig->results = g_ptr_array_new_with_free_func(result_free);
	rig->actions = g_ptr_array_new_with_free_func(g_free);
	rig->servers[0] = http_server_new(handle_first, rig);
	rig->servers[1] = http_server_new(handle_second, rig);
	rig->settings.http = (struct http_settings){
		.method = g_strdup("POST"),
		.headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.concurrency = 8,
		.connect_timeout = 10 * US_PER_SECOND,
		.timeout = WAIT_MAX,
		.response_bytes = 1000,
	};
	g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/run", http_server_port(rig->servers[0]));
	rig_set_url(rig, url);
	return rig;
}

void rig_free(struct rig *rig)
{
	if (rig->http)
		callback_http.close(rig->http, clock_monotonic() + WAIT_MAX);
	for (size_t i = 0; i < G_N_ELEMENTS(rig->servers); i++)
		http_server_free(rig->servers[i]);
	g_array_unref(rig->pages);
	g_ptr_array_unref(rig->queries);
	g_ptr_array_unref(rig->results);
	g_ptr_array_unref(rig->actions);
	g_hash_table_unref(rig->settings.http.headers);
	g_free(rig->settings.http.url);
	g_free(rig->settings.http.method);
	g_free(rig->settings.http.token);
	g_free(rig->trouble);
	pthread_mutex_destroy(&rig->lock);
	pthread_cond_destroy(&rig->changed);
	g_free(rig);
}

const char *rig_url(struct rig *rig, unsigned server, const char *path)
{
	char *url = g_strdup_printf("http://127.0.0.1:%u%s", http_server_port(rig->servers[server]), path);
	g_ptr_array_add(rig->actions, url);
	return url;
}

void rig_set_url(struct rig *rig, const char *url)
{
	g_free(rig->settings.http.url);
	rig->settings.http.url = g_strdup(url);
}

void rig_header(struct rig *rig, const char *name, const char *value)
{
	g_hash_table_insert(rig->settings.http.headers, g_strdup(name), g_strdup(value));
}

void rig_open(struct rig *rig)
{
	g_autoptr(GError) error = NULL;
	const struct callback_open open = {.name = "http",
		.settings = &rig->settings,
		.host = {host_resolved, host_ready, host_trouble, NULL, host_say, rig}};
	rig->http = callback_http.open(&open, &error);
	if (!rig->http)
		fail_msg("%s", error->message);
}

/* --- fires --- */

static struct action *action_make(struct rig *rig, int64_t action_id, const char *command)
{
	static const char name[] = "job";
	struct action *action = g_malloc0(sizeof *action + sizeof name + strlen(command) + 1);
	action->id = action_id;
	action->timeout_s = rig->timeout_s;
	action->name_length = sizeof name - 1;
	action->command_length = (uint32_t)strlen(command);
	memcpy(action->text, name, sizeof name);
	memcpy(action->text + sizeof name, command, strlen(command));
	g_ptr_array_add(rig->actions, action);
	return action;
}

uint64_t rig_submit(struct rig *rig, int64_t action_id, const char *command)
{
	if (!rig->http)
		rig_open(rig);
	pthread_mutex_lock(&rig->lock);
	struct fire fire = {.ticket = rig->results->len,
		.action = action_make(rig, action_id, command),
		.nominal = INT64_C(1704067500) * US_PER_SECOND,
		.attempt = 1};
	g_ptr_array_add(rig->results, NULL);
	pthread_mutex_unlock(&rig->lock);
	assert_int_equal(callback_http.submit(rig->http, &fire, 1), 1);
	return fire.ticket;
}

static struct timespec wait_end(void)
{
	time_us end = clock_now() + WAIT_MAX;
	return (struct timespec){end / US_PER_SECOND, 0};
}

const struct fire_result *rig_answer(struct rig *rig, uint64_t ticket)
{
	struct timespec end = wait_end();
	pthread_mutex_lock(&rig->lock);
	while (!rig->results->pdata[ticket] && pthread_cond_timedwait(&rig->changed, &rig->lock, &end) == 0)
		continue;
	const struct fire_result *result = rig->results->pdata[ticket];
	pthread_mutex_unlock(&rig->lock);
	if (!result)
		fail_msg("no answer to ticket %d", (int)ticket);
	return result;
}

bool rig_is_answered(struct rig *rig, uint64_t ticket)
{
	pthread_mutex_lock(&rig->lock);
	bool answered = rig->results->pdata[ticket] != NULL;
	pthread_mutex_unlock(&rig->lock);
	return answered;
}

void rig_assert_delivered(struct rig *rig, uint64_t ticket)
{
	const struct fire_result *result = rig_answer(rig, ticket);
	if (result->answer != FIRE_DELIVERED || result->detail)
		fail_msg("answer %d: %s", result->answer, result->detail);
}

void rig_assert_answer(struct rig *rig, uint64_t ticket, enum fire_answer answer, const char *text)
{
	const struct fire_result *result = rig_answer(rig, ticket);
	if (result->answer != answer || !result->detail || !strstr(result->detail, text))
		fail_msg("answer %d: %s; not “%s”", result->answer, result->detail ? result->detail : "",
			text);
}

void rig_wait_count(struct rig *rig, const unsigned *counter, unsigned least)
{
	struct timespec end = wait_end();
	pthread_mutex_lock(&rig->lock);
	while (*counter < least && pthread_cond_timedwait(&rig->changed, &rig->lock, &end) == 0)
		continue;
	unsigned count = *counter;
	pthread_mutex_unlock(&rig->lock);
	if (count < least)
		fail_msg("%u, not %u", count, least);
}

const struct rig_query *rig_query(struct rig *rig, unsigned index)
{
	pthread_mutex_lock(&rig->lock);
	const struct rig_query *query = index < rig->queries->len ? rig->queries->pdata[index] : NULL;
	pthread_mutex_unlock(&rig->lock);
	if (!query)
		fail_msg("there was no request %u", index);
	return query;
}

void rig_assert_header(const struct rig_query *query, const char *name, const char *value)
{
	struct http_query seen = {.head = query->head};
	g_autofree char *found = http_query_header(&seen, name);
	if (g_strcmp0(found, value) != 0)
		fail_msg("%s is %s, not %s", name, found ? found : "not there", value ? value : "absent");
}
