/* Purpose: one request under way, over an easy handle of libcurl that is used again for the next one.
 * Redirects are followed here, not by the library: so the token, the configured headers and the client
 * certificate stay at the origin of http.url. One thread, the sender's. */
#pragma once

#include "callback/http_answer.h"
#include "callback/fire_queue.h"

struct http_transfer {
	const struct http_target *target; /* borrowed */
	CURLM *multi;                     /* borrowed */
	CURL *easy;
	struct fire_request *request; /* NULL: idle */
	char *url, *body;
	char key[FIRE_ID_MAX + 20]; /* Idempotency-Key: … */
	struct curl_slist headers;  /* the key, then those of the target */
	char *origin;               /* of the last redirect; NULL: that of the target */
	unsigned redirects;
	bool away;      /* at another origin than the target's */
	bool reads;     /* a GET instead of the configured method, after a 303 */
	bool added;     /* to the multi handle */
	CURLcode begun; /* why it could not be begun */
	bool connected; /* there is a connection for it */
	bool tried;     /* a connection was tried */
	bool refused;   /* an address was refused */
	time_us started_at;
	time_us deadline; /* CLOCK_MONOTONIC */
	dur_us timeout;
	GByteArray *answer; /* the first part of the body */
	size_t received;
	char message[CURL_ERROR_SIZE];
};

/* Errors: AS_ERROR_UNAVAILABLE. */
struct http_transfer *http_transfer_new(const struct http_target *target, CURLM *multi, GError **error);
/* Abandons the request that it may have, and frees it. */
void http_transfer_free(struct http_transfer *transfer);

/* Begins a request. `shares`: rather wait for a connection that others use than make one, as the receiver
 * speaks HTTP/2. False where it could not be begun; it has ended then. */
bool http_transfer_begin(struct http_transfer *transfer, struct fire_request *request, bool shares);
/* It has no connection and has tried none. */
bool http_transfer_is_waiting(const struct http_transfer *transfer);
/* Takes it back; it is idle then, the request is the caller's again. */
void http_transfer_abandon(struct http_transfer *transfer);
/* The library has ended it. True where it goes on with a redirect. */
bool http_transfer_redirect(struct http_transfer *transfer, CURLcode code);
/* What came of it. The transfer is idle afterwards; the request is the caller's again. */
struct http_verdict http_transfer_end(struct http_transfer *transfer, CURLcode code);
