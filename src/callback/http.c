/* The callback `http`: what the loop thread calls. */
#include "callback/http.h"

#include <sys/resource.h>

#include "callback/backends.h"

static struct callback_limits http_limits(const struct callback_settings *settings)
{
	return settings->http.limits;
}

static bool http_check(const struct callback_settings *settings, const char *argument, GError **error)
{
	(void)argument;
	return http_target_check(settings, error);
}

/* --- its life --- */

static gpointer library_init(gpointer data)
{
	(void)data;
	return GINT_TO_POINTER(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

/* Each request may need a file descriptor: half of what the process may have is for them. */
static size_t concurrency_of(const struct callback_open *open)
{
	int64_t wanted = open->settings->http.concurrency;
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY ||
		(rlim_t)wanted <= files.rlim_cur / 2)
		return (size_t)wanted;
	g_autofree char *line = g_strdup_printf("http.concurrency is taken for %" G_GINT64_FORMAT
						", as the process may have %" G_GINT64_FORMAT " open files",
		(int64_t)files.rlim_cur / 2, (int64_t)files.rlim_cur);
	open->host.say(open->host.context, line);
	return MAX(1, (size_t)files.rlim_cur / 2);
}

static struct callback *http_open(const struct callback_open *open, GError **error)
{
	static GOnce once = G_ONCE_INIT;
	if (!http_target_check(open->settings, error))
		return NULL;
	CURLM *multi = g_once(&once, library_init, NULL) ? curl_multi_init() : NULL;
	if (!multi) {
		g_set_error(error, AS_ERROR, AS_ERROR_UNAVAILABLE, "libcurl cannot be used");
		return NULL;
	}
	struct callback *http = g_new0(struct callback, 1);
	http->host = open->host;
	http->settings = open->settings;
	http->target = http_target_new(open->settings);
	http->multi = multi;
	http->concurrency = concurrency_of(open);
	http->open_max = HTTP_OPEN_MAX + http->concurrency;
	/* A connection is kept for each request that may be under way. */
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)http->concurrency);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	http->incoming = g_array_new(false, false, sizeof(struct fire));
	pthread_mutex_init(&http->lock, NULL);
	http->thread = g_thread_new("http", http_sender_run, http);
	return http;
}

static size_t http_submit(struct callback *http, const struct fire *fires, size_t count)
{
	pthread_mutex_lock(&http->lock);
	size_t accepted = MIN(count, http->open_max - http->open);
	bool first = http->incoming->len == 0;
	g_array_append_vals(http->incoming, fires, (guint)accepted);
	http->open += accepted;
	http->refused = http->refused || accepted < count;
	pthread_mutex_unlock(&http->lock);
	if (first && accepted)
		curl_multi_wakeup(http->multi);
	return accepted;
}

static bool http_close(struct callback *http, time_us deadline)
{
	pthread_mutex_lock(&http->lock);
	http->stopping = true;
	http->deadline = deadline;
	pthread_mutex_unlock(&http->lock);
	curl_multi_wakeup(http->multi);
	g_thread_join(http->thread);
	curl_multi_cleanup(http->multi);
	http_target_free(http->target);
	g_array_unref(http->incoming);
	pthread_mutex_destroy(&http->lock);
	g_free(http);
	return true;
}

const struct callback_vtable callback_http = {
	.name = "http",
	.lasting = true,
	.help = "sends a request with the command to http.url",
	.limits = http_limits,
	.check = http_check,
	.open = http_open,
	.submit = http_submit,
	.close = http_close,
};
