#include "callback/http_answer.h"

#include <string.h>

static bool status_is_outage(long status)
{
	return status == 408 || status == 429 || (status >= 500 && status < 600);
}

static dur_us retry_after(int64_t seconds)
{
	return CLAMP(seconds, 0, HTTP_RETRY_AFTER_MAX / US_PER_SECOND) * US_PER_SECOND;
}

/* `HTTP 404: no such job`. */
static char *status_detail(const struct http_target *target, const struct http_outcome *outcome)
{
	g_autofree char *body = http_target_excerpt(
		target, outcome->body, outcome->body_length, (size_t)target->settings->http.response_bytes);
	GString *detail = g_string_new(NULL);
	g_string_printf(detail, "HTTP %ld", outcome->status);
	if (outcome->location && outcome->redirects >= HTTP_REDIRECT_MAX)
		g_string_append_printf(detail, ", after %d redirects", HTTP_REDIRECT_MAX);
	if (outcome->location) {
		g_autofree char *location =
			http_target_excerpt(target, outcome->location, strlen(outcome->location), 1000);
		g_string_append_printf(detail, ", a redirect to %s", location);
	}
	if (*body)
		g_string_append_printf(detail, ": %s", body);
	return g_string_free(detail, false);
}

static struct http_verdict status_verdict(
	const struct http_target *target, const struct http_outcome *outcome)
{
	struct http_verdict verdict = {.answer = FIRE_REJECTED};
	if (outcome->status < 300) {
		verdict.answer = FIRE_DELIVERED;
		return verdict;
	}
	verdict.detail = status_detail(target, outcome);
	if (status_is_outage(outcome->status)) {
		verdict.answer = FIRE_UNAVAILABLE;
		verdict.retry_after = retry_after(outcome->retry_after_s);
		verdict.trouble = g_strdup_printf("%s answers HTTP %ld", outcome->origin, outcome->status);
	}
	return verdict;
}

static char *seconds_text(dur_us time)
{
	return time % US_PER_SECOND ? g_strdup_printf("%.3g", (double)time / US_PER_SECOND)
				    : g_strdup_printf("%" G_GINT64_FORMAT, time / US_PER_SECOND);
}

/* `https://jobs.example.com:443: Failed to connect …: Connection refused`. */
static char *failure_text(const struct http_outcome *outcome)
{
	const char *message = *outcome->message ? outcome->message : curl_easy_strerror(outcome->code);
	g_autofree char *valid = g_utf8_make_valid(message, -1);
	if (outcome->code == CURLE_COULDNT_CONNECT && outcome->errno_value)
		return g_strdup_printf(
			"%s: %s: %s", outcome->origin, valid, g_strerror(outcome->errno_value));
	return g_strdup_printf("%s: %s", outcome->origin, valid);
}

/* What is wrong is the request: it will not get better by waiting. */
static bool is_unsendable(CURLcode code)
{
	return code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
	       code == CURLE_BAD_FUNCTION_ARGUMENT;
}

static struct http_verdict failure_verdict(const struct http_outcome *outcome)
{
	struct http_verdict verdict = {.answer = FIRE_REJECTED};
	if (outcome->address) {
		verdict.detail =
			g_strdup_printf("%s has a link-local address, or one where clouds keep the "
					"machine's credentials; set http.allow_link_local where that "
					"is meant",
				outcome->origin);
	} else if (outcome->code == CURLE_OPERATION_TIMEDOUT && outcome->connected) {
		g_autofree char *seconds = seconds_text(outcome->timeout);
		verdict.detail = g_strdup_printf("timed out after %s s", seconds);
	} else if (is_unsendable(outcome->code)) {
		verdict.detail = failure_text(outcome);
	} else {
		verdict.answer = FIRE_UNAVAILABLE;
		verdict.unreachable = !outcome->connected && outcome->redirects == 0;
		verdict.detail = failure_text(outcome);
		verdict.trouble = g_strdup(verdict.detail);
	}
	return verdict;
}

struct http_verdict http_answer(const struct http_target *target, const struct http_outcome *outcome)
{
	return outcome->status >= 200 ? status_verdict(target, outcome) : failure_verdict(outcome);
}
