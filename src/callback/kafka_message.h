/* Purpose: a fire as a message: its key, value and headers, handed to a producer. One thread. */
#pragma once

#include <librdkafka/rdkafka.h>

#include "model/callback_settings.h"
#include "model/fire.h"

/* What is needed to write messages one after the other. */
struct kafka_message {
	bool raw;          /* the command's bytes; else {"command": "…"} */
	bool placeholders; /* of commands are replaced */
	GString *value;    /* of the message being written */
	time_us at;        /* the nominal time of the one before, and its text */
	char at_text[TIME_TEXT_MAX];
};

void kafka_message_init(struct kafka_message *message, const struct callback_settings *settings);
void kafka_message_clear(struct kafka_message *message);

/* Puts the fire into the queue of the producer, which copies everything; the opaque comes back in the
 * delivery report. Returns why not, RD_KAFKA_RESP_ERR_NO_ERROR where it is there. */
rd_kafka_resp_err_t kafka_message_produce(struct kafka_message *message, rd_kafka_t *producer,
	rd_kafka_topic_t *topic, const struct fire *fire, void *opaque);

/* Appends the text as json.dumps of Python writes a string: in ASCII. It must be valid UTF-8. */
void kafka_json_append(GString *out, const char *text, size_t length);
