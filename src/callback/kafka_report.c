/* Events of librdkafka to answers. */
#include "callback/kafka_sender_internal.h"

#include "base/clock.h"

#include <string.h>

/* Events served before what is new is looked at. */
#define EVENTS_MAX  64
#define REPORTS_MAX 1024
/* Without any report for so long, fires are said to wait. */
#define SILENCE     (3 * US_PER_SECOND)
/* Of what librdkafka logs, so many lines in a minute are passed on. */
#define LINES_MAX   20
/* Log levels of syslog. */
#define LOG_WARNING 4

/* --- messages that were not delivered --- */

/* It is this message, or another one in its batch, that the broker will not have. */
static bool is_about_records(rd_kafka_resp_err_t error)
{
	switch (error) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
	case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION: return true;
	default: return false;
	}
}

static bool is_no_topic(rd_kafka_resp_err_t error)
{
	return error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
	       error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

/* A topic that cannot be written to is the receiver being away, but for one that the row has chosen: that is
 * the row's fault, and no other fires have to wait for it. */
static bool is_about_the_row(const struct kafka_entry *entry, rd_kafka_resp_err_t error)
{
	return action_topic(entry->fire.action) &&
	       (is_no_topic(error) || error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
}

static const char *topic_of(const struct kafka_sender *sender, const struct kafka_entry *entry)
{
	const char *own = action_topic(entry->fire.action);
	return own ? own : sender->settings->kafka.topic;
}

/* The reason for the user. Free with g_free. */
static char *refusal_text(
	const struct kafka_sender *sender, const struct kafka_entry *entry, rd_kafka_resp_err_t error)
{
	const char *server = sender->settings->kafka.server, *topic = topic_of(sender, entry);
	const char *last = sender->last_error ? sender->last_error : rd_kafka_err2str(error);
	if (is_no_topic(error))
		return g_strdup_printf("there is no topic %s at %s; create it, or correct %s", topic, server,
			action_topic(entry->fire.action) ? "the row" : "kafka.topic");
	if (error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		return g_strdup_printf("%s does not allow writing to the topic %s; grant it", server, topic);
	if (error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
		return g_strdup_printf("%s has not taken a message within its time: %s", server, last);
	if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		return g_strdup_printf("the message is too large for the topic %s", topic);
	if (is_about_records(error))
		return g_strdup_printf("the message is refused: %s", rd_kafka_err2str(error));
	return g_strdup_printf("%s: %s", server, rd_kafka_err2str(error));
}

static char *batch_text(const char *topic, rd_kafka_resp_err_t error)
{
	const char *advice = error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
				     ? "; message.max.bytes in kafka.options should not be more than "
				       "max.message.bytes of the topic"
				     : "";
	return g_strdup_printf("the topic %s refused a batch (%s), its messages are sent singly%s", topic,
		rd_kafka_err2str(error), advice);
}

void kafka_refused(
	struct kafka_sender *sender, struct kafka_entry *entry, rd_kafka_resp_err_t error, bool alone)
{
	bool batch = is_about_records(error) && !alone;
	g_autofree char *text =
		batch ? batch_text(topic_of(sender, entry), error) : refusal_text(sender, entry, error);
	if ((is_about_records(error) && alone) || is_about_the_row(entry, error)) {
		kafka_answer(sender, entry, FIRE_REJECTED, text);
		return;
	}
	if (entry->sent)
		kafka_fires_returned(&sender->fires, entry);
	kafka_fail(sender, batch ? KAFKA_BATCH_REFUSED : KAFKA_AWAY, text);
}

/* --- events --- */

static void report(struct kafka_sender *sender, const rd_kafka_message_t *message, bool alone)
{
	struct kafka_entry *entry = message->_private;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		kafka_answer(sender, entry, FIRE_DELIVERED, NULL);
	else if (sender->failure)
		kafka_fires_returned(&sender->fires, entry);
	else
		kafka_refused(sender, entry, message->err, alone);
}

/* The broker has answered: what was wrong is over. */
static void progress(struct kafka_sender *sender)
{
	sender->progress_at = clock_monotonic();
	g_clear_pointer(&sender->last_error, g_free);
	kafka_trouble(sender, NULL);
}

static void reports(struct kafka_sender *sender, rd_kafka_event_t *event)
{
	const rd_kafka_message_t *messages[REPORTS_MAX];
	size_t total = rd_kafka_event_message_count(event), answered = sender->results->len, count;
	while ((count = rd_kafka_event_message_array(event, messages, REPORTS_MAX)) > 0)
		for (size_t i = 0; i < count; i++)
			report(sender, messages[i], total == 1 || sender->handle->single);
	if (sender->results->len > answered)
		progress(sender);
}

static void fatal(struct kafka_sender *sender)
{
	char why[512];
	rd_kafka_fatal_error(sender->handle->producer, why, sizeof why);
	g_autofree char *valid = g_utf8_make_valid(why, -1);
	g_autofree char *text =
		g_strdup_printf("%s: %s; a new producer is made", sender->settings->kafka.server, valid);
	kafka_fail(sender, KAFKA_AWAY, text);
}

static void error_note(struct kafka_sender *sender, rd_kafka_event_t *event)
{
	if (rd_kafka_event_error_is_fatal(event)) {
		fatal(sender);
	} else if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
		g_free(sender->last_error);
		sender->last_error = g_utf8_make_valid(rd_kafka_event_error_string(event), -1);
	}
}

/* That a broker cannot be reached comes as an error, too, and is told as trouble. */
static bool is_told_elsewhere(const char *facility)
{
	return !strcmp(facility, "FAIL") || !strcmp(facility, "ERROR");
}

/* A client library that repeats itself must not fill the log; who asks for debugging wants it all. */
static bool line_is_welcome(struct kafka_sender *sender)
{
	time_us now = clock_monotonic();
	if (now - sender->lines_since >= US_PER_MINUTE) {
		sender->lines_since = now;
		sender->lines = 0;
	}
	return sender->lines++ < LINES_MAX;
}

static void line_say(struct kafka_sender *sender, rd_kafka_event_t *event)
{
	const char *facility, *text;
	int level;
	/* A producer that is thrown away has messages left, which is no news. */
	if (rd_kafka_event_log(event, &facility, &text, &level) < 0)
		return;
	if (!sender->wordy && (sender->failure || level > LOG_WARNING || is_told_elsewhere(facility) ||
				      !line_is_welcome(sender)))
		return;
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	kafka_say(sender, valid);
}

static void event_serve(struct kafka_sender *sender, rd_kafka_event_t *event)
{
	switch (rd_kafka_event_type(event)) {
	case RD_KAFKA_EVENT_DR: reports(sender, event); break;
	case RD_KAFKA_EVENT_ERROR: error_note(sender, event); break;
	case RD_KAFKA_EVENT_LOG: line_say(sender, event); break;
	default: break;
	}
	rd_kafka_event_destroy(event);
}

void kafka_serve(struct kafka_sender *sender, int timeout_ms)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(sender->handle->queue, timeout_ms);
	for (int i = 0; event; i++) {
		event_serve(sender, event);
		event = i < EVENTS_MAX ? rd_kafka_queue_poll(sender->handle->queue, 0) : NULL;
	}
}

void kafka_watch(struct kafka_sender *sender)
{
	if (!sender->fires.sent || sender->trouble || clock_monotonic() - sender->progress_at < SILENCE)
		return;
	g_autofree char *text = g_strdup_printf("%s does not answer%s%s", sender->settings->kafka.server,
		sender->last_error ? ": " : "", sender->last_error ? sender->last_error : "");
	kafka_trouble(sender, text);
}
