/* Purpose: what an answer to a request means for its fire. Pure; any thread.
 *
 * A status that was received decides, whatever became of the body: 2xx is delivered; 408, 429 and 5xx say
 * that the receiver cannot just now; all others refuse. Without a status: a request that took too long once
 * it was under way is refused; everything else is an outage, as the receiver has said nothing against the
 * fire. */
#pragma once

#include "callback/http_target.h"

/* The longest that a receiver may ask for. */
#define HTTP_RETRY_AFTER_MAX US_PER_DAY

/* How a request ended. All borrowed. */
struct http_outcome {
	CURLcode code;
	long status;          /* the last one; 0: none */
	bool connected;       /* there was a connection to send it on */
	bool address;         /* a connection was refused by http_address, and none was tried */
	int errno_value;      /* of the connection; 0: none */
	const char *message;  /* of the library; may be empty */
	const char *origin;   /* where it was sent last */
	const char *location; /* of a redirect that is not followed; may be NULL */
	unsigned redirects;
	int64_t retry_after_s; /* as the receiver asks; 0: it does not */
	dur_us timeout;        /* that the request had */
	const char *body;      /* the first part of the answer */
	size_t body_length;
};

struct http_verdict {
	enum fire_answer answer;
	bool unreachable;   /* nothing could be sent: others will not get through either */
	dur_us retry_after; /* 0: none */
	char *detail;       /* NULL where it is delivered; free with g_free */
	char *trouble;      /* the same in a line, where it is an outage; free with g_free */
};

struct http_verdict http_answer(const struct http_target *target, const struct http_outcome *outcome);
