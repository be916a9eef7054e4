/* Purpose: what the settings say about requests, read once: where they go, with which headers, what of them
 * is secret. Constant once made; any thread. */
#pragma once

#include <curl/curl.h>

#include "base/error.h"
#include "callback/callback.h"

/* Of the body of an answer so much is read at most; the rest is not waited for. */
#define HTTP_DRAIN_MAX    ((size_t)1 << 20)
#define HTTP_REDIRECT_MAX 5

struct http_target {
	const struct callback_settings *settings; /* borrowed */
	char *origin;                             /* https://jobs.example.com:443 */
	bool url_varies;                          /* it has placeholders */
	char *method;
	bool has_body;
	struct curl_slist *headers; /* those of every request but Idempotency-Key */
	struct curl_slist
		*foreign;   /* the same for a redirect to another origin: nothing of the configuration */
	GPtrArray *secrets; /* texts that must not be repeated in details */
	size_t secret_max;  /* the longest of them */
};

/* Whether the settings can be used. Errors: AS_ERROR_INVALID, naming the key and never a secret. */
bool http_target_check(const struct callback_settings *settings, GError **error);
/* The settings must have passed the check. */
struct http_target *http_target_new(const struct callback_settings *settings);
void http_target_free(struct http_target *target);

/* Scheme, host and port of a URL, as in http_target.origin; NULL where it is none of http or https. Free with
 * g_free. */
char *http_origin(const char *url);
/* The URL and the body of a fire; free with g_free. The body is NULL where there is none. */
char *http_target_url(const struct http_target *target, const struct fire *fire);
char *http_target_body(const struct http_target *target, const struct fire *fire);
/* What was received, as text for people: valid UTF-8, at most `most` bytes, secrets blotted out, no white
 * space at its end. Free with g_free. */
char *http_target_excerpt(const struct http_target *target, const char *data, size_t length, size_t most);
