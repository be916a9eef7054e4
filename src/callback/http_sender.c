/* The thread of the callback `http`: which requests are under way, and what becomes of their answers.
 *
 * Where no connection can be made, whatever waits is answered as unavailable, too: to try each of them would
 * take a connect_timeout for each, and those of an action would get out of order. An answer of HTTP that says
 * "unavailable" is about its fire alone, so that one which always gets it does not hold up the rest. */
#include "callback/http.h"

#include <string.h>

#include "base/clock.h"
#include "callback/http_transfer.h"

#define POLL_MAX      (60 * 1000)
/* Answers that say "unavailable" are told once nothing else has come for so long, or where the receiver asks
 * to be left alone for as long. */
#define TROUBLE_AFTER (5 * US_PER_SECOND)

struct sender {
	struct callback *http;
	struct fire_queue queue;
	GPtrArray *transfers; /* struct http_transfer, as many as were ever needed at a time */
	GPtrArray *idle;      /* those of them that have nothing to do; borrowed */
	GArray *results;      /* struct fire_result, to be told */
	bool multiplexes;     /* the last answer came by HTTP/2, or may: there was none */
	bool outage;          /* the last answer was one */
	time_us outage_since; /* CLOCK_MONOTONIC; the first of those without any other answer between */
	bool trouble;         /* it was said */
	bool stopping;
	time_us deadline;
};

/* --- answers --- */

static void result_add(struct sender *s, const struct fire *fire, time_us started_at,
	const struct http_verdict *verdict, char *detail)
{
	time_us now = clock_now();
	struct fire_result result = {
		.ticket = fire->ticket,
		.answer = verdict->answer,
		.started_at = started_at,
		.finished_at = MAX(now, started_at), /* the clock may have been set back */
		.retry_at = verdict->retry_after ? now + verdict->retry_after : 0,
		.detail = detail,
	};
	g_array_append_val(s->results, result);
}

/* Whether what is an outage is one of the receiver, not of one fire. */
static bool outage_is_told(struct sender *s, const struct http_verdict *verdict)
{
	time_us now = clock_monotonic();
	if (!s->outage)
		s->outage_since = now;
	return verdict->unreachable || verdict->retry_after >= TROUBLE_AFTER ||
	       now - s->outage_since >= TROUBLE_AFTER;
}

/* Says that the receiver is out of reach, or (NULL) that it is there again; each once. */
static void trouble_say(struct sender *s, const struct http_verdict *verdict)
{
	const struct callback_host *host = &s->http->host;
	bool outage = verdict->answer == FIRE_UNAVAILABLE;
	bool tell = !outage || outage_is_told(s, verdict);
	s->outage = outage;
	if (s->trouble == outage || !tell)
		return;
	s->trouble = outage;
	host->trouble(host->context, verdict->trouble);
}

struct turning_away {
	struct sender *sender;
	const struct http_verdict *verdict;
};

static void turn_away(void *context, const struct fire *fire)
{
	const struct turning_away *away = context;
	result_add(away->sender, fire, clock_now(), away->verdict, g_strdup(away->verdict->detail));
}

/* Others that have no connection yet and have tried none: they wait for the name, or for the connection that
 * could not be made. */
static void turn_away_begun(struct sender *s, struct turning_away *away)
{
	for (guint i = 0; i < s->transfers->len; i++) {
		struct http_transfer *transfer = s->transfers->pdata[i];
		struct fire_request *request = transfer->request;
		if (!http_transfer_is_waiting(transfer))
			continue;
		http_transfer_abandon(transfer);
		g_ptr_array_add(s->idle, transfer);
		turn_away(away, &request->fire);
		fire_queue_done(&s->queue, request);
	}
}

static void transfer_ended(struct sender *s, struct http_transfer *transfer, CURLcode code)
{
	struct fire_request *request = transfer->request;
	struct http_verdict verdict = http_transfer_end(transfer, code);
	g_ptr_array_add(s->idle, transfer);
	trouble_say(s, &verdict);
	if (verdict.unreachable) {
		struct turning_away away = {s, &verdict};
		fire_queue_drain(&s->queue, turn_away, &away);
		turn_away_begun(s, &away);
	}
	result_add(s, &request->fire, transfer->started_at, &verdict, verdict.detail);
	fire_queue_done(&s->queue, request);
	g_free(verdict.trouble);
}

/* Tells the answers, and that there is room again. */
static void results_tell(struct sender *s)
{
	struct callback *http = s->http;
	const struct callback_host *host = &http->host;
	if (s->results->len == 0)
		return;
	host->resolved(host->context, (const struct fire_result *)(void *)s->results->data, s->results->len);
	pthread_mutex_lock(&http->lock);
	http->open -= s->results->len;
	bool room = http->refused && http->open <= http->open_max / 2;
	if (room)
		http->refused = false;
	pthread_mutex_unlock(&http->lock);
	g_array_set_size(s->results, 0);
	if (room)
		host->ready(host->context);
}

/* --- requests --- */

static void incoming_take(struct sender *s)
{
	struct callback *http = s->http;
	pthread_mutex_lock(&http->lock);
	for (guint i = 0; i < http->incoming->len; i++)
		fire_queue_put(&s->queue, &g_array_index(http->incoming, struct fire, i));
	g_array_set_size(http->incoming, 0);
	s->stopping = http->stopping;
	s->deadline = http->deadline;
	pthread_mutex_unlock(&http->lock);
}

/* One that is idle, or a new one; NULL where as many as may be are under way. */
static struct http_transfer *transfer_get(struct sender *s)
{
	if (s->idle->len > 0)
		return g_ptr_array_steal_index_fast(s->idle, s->idle->len - 1);
	if (s->transfers->len == s->http->concurrency)
		return NULL;
	struct http_transfer *transfer = http_transfer_new(s->http->target, s->http->multi, NULL);
	if (transfer)
		g_ptr_array_add(s->transfers, transfer);
	return transfer;
}

static void requests_begin(struct sender *s)
{
	struct http_transfer *transfer;
	while (s->queue.next.length > 0 && (transfer = transfer_get(s)))
		if (!http_transfer_begin(transfer, fire_queue_take(&s->queue), s->multiplexes))
			transfer_ended(s, transfer, CURLE_OK);
}

static void message_apply(struct sender *s, CURL *easy, CURLcode code)
{
	struct http_transfer *transfer;
	long version = 0;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	if (version)
		s->multiplexes = version == CURL_HTTP_VERSION_2_0;
	if (!http_transfer_redirect(transfer, code))
		transfer_ended(s, transfer, code);
}

static void messages_apply(struct sender *s)
{
	int left;
	CURLMsg *message;
	while ((message = curl_multi_info_read(s->http->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			message_apply(s, message->easy_handle, message->data.result);
}

/* --- the thread --- */

static bool is_finished(const struct sender *s)
{
	return s->stopping && (s->queue.count == 0 || clock_monotonic() >= s->deadline);
}

static int wait_max(const struct sender *s)
{
	if (s->results->len > 0)
		return 0;
	if (!s->stopping)
		return POLL_MAX;
	dur_us left = s->deadline - clock_monotonic();
	return (int)CLAMP((left + US_PER_MS - 1) / US_PER_MS, 0, POLL_MAX);
}

static void work(struct sender *s)
{
	CURLM *multi = s->http->multi;
	for (;;) {
		results_tell(s);
		incoming_take(s);
		if (is_finished(s))
			return;
		requests_begin(s);
		int running;
		bool done = curl_multi_perform(multi, &running) == CURLM_OK;
		messages_apply(s);
		requests_begin(s);
		/* They fail for want of memory. */
		if (curl_multi_poll(multi, NULL, 0, wait_max(s), NULL) != CURLM_OK || !done)
			g_usleep(10 * US_PER_MS);
	}
}

gpointer http_sender_run(gpointer data)
{
	struct sender s = {.http = data};
	s.multiplexes = g_str_has_prefix(s.http->target->origin, "https:");
	s.transfers = g_ptr_array_new_with_free_func((GDestroyNotify)http_transfer_free);
	s.idle = g_ptr_array_new();
	s.results = g_array_new(false, false, sizeof(struct fire_result));
	fire_queue_init(&s.queue);
	work(&s);
	g_ptr_array_unref(s.idle);
	g_ptr_array_unref(s.transfers);
	for (guint i = 0; i < s.results->len; i++)
		g_free(g_array_index(s.results, struct fire_result, i).detail);
	g_array_unref(s.results);
	fire_queue_clear(&s.queue);
	return NULL;
}
