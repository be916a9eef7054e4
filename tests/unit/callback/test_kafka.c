/* The callback `kafka` on a mock cluster of librdkafka: what a message holds, and what becomes of fires when
 * something is wrong. What every callback must do is in contract_kafka.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "callback/backends.h"
#include "kafka_rig.h"

#define NOMINAL (INT64_C(1704067500) * US_PER_SECOND)

/* A rig, an instance, and what the host was told. Tickets count from 0. */
struct bench {
	struct kafka_rig *rig;
	struct callback *kafka;
	GPtrArray *actions;
	GArray *reads;
	uint64_t next_ticket;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	GArray *answers; /* struct fire_result by ticket; the last one of each */
	unsigned counts[3], answered;
	unsigned ready, trouble, trouble_over;
	char *message; /* of the last trouble */
	GString *said;
};

static void heard_resolved(void *context, const struct fire_result *results, size_t count)
{
	struct bench *b = context;
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < count; i++) {
		if (b->answers->len <= results[i].ticket)
			g_array_set_size(b->answers, (guint)results[i].ticket + 1);
		struct fire_result *slot = &g_array_index(b->answers, struct fire_result, results[i].ticket);
		g_free(slot->detail);
		*slot = results[i];
		b->counts[results[i].answer]++;
		b->answered++;
	}
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static void heard_ready(void *context)
{
	struct bench *b = context;
	pthread_mutex_lock(&b->lock);
	b->ready++;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static void heard_trouble(void *context, const char *message)
{
	struct bench *b = context;
	pthread_mutex_lock(&b->lock);
	++*(message ? &b->trouble : &b->trouble_over);
	if (message) {
		g_free(b->message);
		b->message = g_strdup(message);
	}
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static void heard_say(void *context, const char *line)
{
	struct bench *b = context;
	pthread_mutex_lock(&b->lock);
	g_string_append_printf(b->said, "%s\n", line);
	pthread_mutex_unlock(&b->lock);
}

static void bench_open(struct bench *b)
{
	g_autoptr(GError) error = NULL;
	const struct callback_open open = {.name = "kafka",
		.settings = b->rig->settings,
		.host = {heard_resolved, heard_ready, heard_trouble, NULL, heard_say, b}};
	b->kafka = callback_kafka.open(&open, &error);
	if (!b->kafka)
		fail_msg("%s", error->message);
}

static int bench_setup(void **state)
{
	struct bench *b = g_new0(struct bench, 1);
	b->rig = kafka_rig_new("bench", true);
	kafka_rig_option(b->rig, "reconnect.backoff.max.ms", "200");
	kafka_rig_option(b->rig, "topic.metadata.propagation.max.ms", "300");
	b->actions = g_ptr_array_new_with_free_func(g_free);
	b->reads = g_array_new(false, false, sizeof(struct kafka_read));
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	b->answers = g_array_new(false, true, sizeof(struct fire_result));
	b->said = g_string_new(NULL);
	*state = b;
	return 0;
}

static int bench_teardown(void **state)
{
	struct bench *b = *state;
	if (b->kafka && !callback_kafka.close(b->kafka, clock_monotonic() + US_PER_SECOND)) {
		kafka_rig_keep(b);
		return 0;
	}
	kafka_rig_free(b->rig);
	kafka_rig_read_free(b->reads);
	g_ptr_array_unref(b->actions);
	for (guint i = 0; i < b->answers->len; i++)
		g_free(g_array_index(b->answers, struct fire_result, i).detail);
	g_array_unref(b->answers);
	g_string_free(b->said, true);
	g_free(b->message);
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->changed);
	g_free(b);
	return 0;
}

static struct action *action_add(struct bench *b, int64_t id, const char *command, const char *topic)
{
	static const char name[] = "имя";
	size_t topic_size = topic ? strlen(topic) + 1 : 0;
	struct action *action = g_malloc0(sizeof *action + sizeof name + strlen(command) + 1 + topic_size);
	action->id = id;
	action->name_length = sizeof name - 1;
	action->command_length = (uint32_t)strlen(command);
	memcpy(action->text, name, sizeof name);
	strcpy(action->text + sizeof name, command);
	action->has_topic = topic != NULL;
	if (topic)
		strcpy(action->text + sizeof name + strlen(command) + 1, topic);
	g_ptr_array_add(b->actions, action);
	return action;
}

/* Submits a fire; it must be accepted. Its ticket is the how many-th it is. */
static void submit_to(struct bench *b, const char *topic, int64_t id, const char *command, const char *manual)
{
	struct fire fire = {.ticket = b->next_ticket++,
		.action = action_add(b, id, command, topic),
		.nominal = NOMINAL + (time_us)b->next_ticket * US_PER_SECOND,
		.attempt = 1,
		.manual = manual};
	assert_int_equal(callback_kafka.submit(b->kafka, &fire, 1), 1);
}

static void submit(struct bench *b, int64_t id, const char *command, const char *manual)
{
	submit_to(b, NULL, id, command, manual);
}

/* So many fires at once, of actions 0 to 6; commands are their tickets. */
static void submit_many(struct bench *b, size_t count)
{
	g_autofree struct fire *fires = g_new0(struct fire, count);
	for (size_t i = 0; i < count; i++) {
		g_autofree char *command = g_strdup_printf("%" G_GUINT64_FORMAT, b->next_ticket);
		fires[i] = (struct fire){.ticket = b->next_ticket++,
			.action = action_add(b, (int64_t)i % 7, command, NULL),
			.nominal = NOMINAL,
			.attempt = 1};
	}
	assert_int_equal(callback_kafka.submit(b->kafka, fires, count), count);
}

static void wait_at_least(struct bench *b, const unsigned *counter, unsigned least)
{
	struct timespec until = {clock_monotonic() / US_PER_SECOND + 60, 0};
	pthread_mutex_lock(&b->lock);
	while (*counter < least)
		if (pthread_cond_clockwait(&b->changed, &b->lock, CLOCK_MONOTONIC, &until))
			fail_msg("waited in vain: %u delivered, %u rejected, %u unavailable, trouble %u: %s; "
				 "said: %s",
				b->counts[FIRE_DELIVERED], b->counts[FIRE_REJECTED],
				b->counts[FIRE_UNAVAILABLE], b->trouble, b->message ? b->message : "",
				b->said->str);
	pthread_mutex_unlock(&b->lock);
}

static void wait_answers(struct bench *b, enum fire_answer answer, unsigned least)
{
	wait_at_least(b, &b->counts[answer], least);
}

static void wait_answered(struct bench *b, unsigned least)
{
	wait_at_least(b, &b->answered, least);
}

static const struct fire_result *answer_of(struct bench *b, uint64_t ticket)
{
	return &g_array_index(b->answers, struct fire_result, ticket);
}

static void assert_detail(struct bench *b, uint64_t ticket, const char *part)
{
	const char *detail = answer_of(b, ticket)->detail;
	if (!detail || !strstr(detail, part))
		fail_msg("fire %u: %s", (unsigned)ticket, detail ? detail : "no detail");
}

/* Each of the values from 0 to count - 1 was read once, those of an action in order. */
static void assert_read_once_in_order(struct bench *b, size_t count)
{
	int64_t last[7] = {-1, -1, -1, -1, -1, -1, -1};
	kafka_rig_read(b->rig, b->reads);
	assert_int_equal(b->reads->len, count);
	for (guint i = 0; i < b->reads->len; i++) {
		const struct kafka_read *read = &g_array_index(b->reads, struct kafka_read, i);
		int64_t key = g_ascii_strtoll(read->key, NULL, 10);
		int64_t value = g_ascii_strtoll(read->value, NULL, 10);
		assert_true(value > last[key]);
		last[key] = value;
	}
}

static const struct kafka_read *read_one(struct bench *b)
{
	kafka_rig_read(b->rig, b->reads);
	assert_int_equal(b->reads->len, 1);
	return &g_array_index(b->reads, struct kafka_read, 0);
}

/* --- messages --- */

static void a_message_holds_key_value_and_headers(void **state)
{
	struct bench *b = *state;
	bench_open(b);
	submit(b, 17, "say \"привет\"", NULL);
	wait_answers(b, FIRE_DELIVERED, 1);
	const struct kafka_read *read = read_one(b);
	assert_string_equal(read->key, "17");
	assert_string_equal(
		read->value, "{\"command\": \"say \\\"\\u043f\\u0440\\u0438\\u0432\\u0435\\u0442\\\"\"}");
	assert_string_equal(read->fire_id, "17@2024-01-01T00:05:01Z");
	assert_string_equal(read->action_name, "имя");
	assert_string_equal(read->scheduled_at, "2024-01-01T00:05:01Z");
}

static void a_raw_value_is_the_command(void **state)
{
	struct bench *b = *state;
	b->rig->settings->kafka.value = KAFKA_VALUE_RAW;
	bench_open(b);
	submit(b, 1, "{fire_id} отчёт\n", "d2c1b0a9-0000-4000-8000-000000000001");
	wait_answers(b, FIRE_DELIVERED, 1);
	const struct kafka_read *read = read_one(b);
	assert_string_equal(read->value, "{fire_id} отчёт\n");
	assert_string_equal(read->fire_id, "1!d2c1b0a9-0000-4000-8000-000000000001");
}

static void placeholders_are_replaced_where_it_is_asked_for(void **state)
{
	struct bench *b = *state;
	b->rig->settings->placeholders = true;
	bench_open(b);
	submit(b, 3, "{action_id} {name} \"{other}\"", NULL);
	wait_answers(b, FIRE_DELIVERED, 1);
	assert_string_equal(read_one(b)->value, "{\"command\": \"3 \\u0438\\u043c\\u044f \\\"{other}\\\"\"}");
}

static void messages_of_an_action_are_in_one_partition(void **state)
{
	struct bench *b = *state;
	b->rig->settings->kafka.value = KAFKA_VALUE_RAW;
	bench_open(b);
	submit_many(b, 700);
	wait_answers(b, FIRE_DELIVERED, 700);
	assert_read_once_in_order(b, 700);
	int32_t partition[7] = {-1, -1, -1, -1, -1, -1, -1};
	for (guint i = 0; i < b->reads->len; i++) {
		const struct kafka_read *read = &g_array_index(b->reads, struct kafka_read, i);
		int32_t *seen = &partition[g_ascii_strtoll(read->key, NULL, 10)];
		assert_true(*seen == -1 || *seen == read->partition);
		*seen = read->partition;
	}
}

static void a_row_may_have_a_topic_of_its_own(void **state)
{
	struct bench *b = *state;
	b->rig->settings->kafka.value = KAFKA_VALUE_RAW;
	assert_int_equal(rd_kafka_mock_topic_create(b->rig->cluster, "other", KAFKA_RIG_PARTITIONS, 1), 0);
	bench_open(b);
	submit_to(b, "other", 1, "there", NULL);
	submit(b, 1, "here", NULL);
	wait_answers(b, FIRE_DELIVERED, 2);
	assert_string_equal(read_one(b)->value, "here");
	g_free(b->rig->topic);
	b->rig->topic = g_strdup("other");
	kafka_rig_read(b->rig, b->reads);
	assert_int_equal(b->reads->len, 2);
	assert_string_equal(g_array_index(b->reads, struct kafka_read, 1).value, "there");
}

/* --- refusals of single messages --- */

/* Nobody waits for a topic that one row names. */
static void a_topic_of_a_row_that_is_not_there_refuses_its_fires_only(void **state)
{
	struct bench *b = *state;
	rd_kafka_mock_topic_set_error(b->rig->cluster, "other", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	bench_open(b);
	submit_to(b, "other", 1, "there", NULL);
	submit(b, 1, "here", NULL);
	wait_answers(b, FIRE_DELIVERED, 1);
	wait_answers(b, FIRE_REJECTED, 1);
	assert_detail(b, 0, "there is no topic other at ");
	assert_detail(b, 0, "correct the row");
	/* Known to be missing by now. */
	submit_to(b, "other", 1, "there", NULL);
	wait_answers(b, FIRE_REJECTED, 2);
	/* And seen once it is there. */
	rd_kafka_mock_topic_set_error(b->rig->cluster, "other", RD_KAFKA_RESP_ERR_NO_ERROR);
	unsigned delivered = 1;
	for (unsigned rejected = 2; rejected < 200 && delivered < 2;) {
		submit_to(b, "other", 1, "there", NULL);
		wait_answered(b, rejected + delivered + 1);
		pthread_mutex_lock(&b->lock);
		rejected = b->counts[FIRE_REJECTED];
		delivered = b->counts[FIRE_DELIVERED];
		pthread_mutex_unlock(&b->lock);
		nanosleep(&(struct timespec){0, 100 * 1000 * 1000}, NULL);
	}
	assert_int_equal(b->counts[FIRE_DELIVERED], 2);
	assert_int_equal(b->counts[FIRE_UNAVAILABLE], 0);
	assert_int_equal(b->trouble, 0);
}

/* At every size around the limit a message is delivered or rejected, and none is left lying. */
static void a_message_that_is_too_large_is_rejected_alone(void **state)
{
	struct bench *b = *state;
	b->rig->settings->kafka.value = KAFKA_VALUE_RAW;
	kafka_rig_option(b->rig, "message.max.bytes", "2000");
	kafka_rig_option(b->rig, "batch.size", "2000");
	bench_open(b);
	unsigned count = 0;
	for (size_t size = 1500; size < 2100; size += 3, count++) {
		g_autofree char *command = g_strnfill(size, 'x');
		submit(b, 1, command, NULL);
	}
	submit(b, 1, "small", NULL);
	wait_answered(b, count + 1);
	assert_true(callback_kafka.close(b->kafka, clock_monotonic() + 60 * US_PER_SECOND));
	b->kafka = NULL;
	assert_int_equal(b->counts[FIRE_DELIVERED] + b->counts[FIRE_REJECTED], count + 1);
	assert_int_equal(answer_of(b, 0)->answer, FIRE_DELIVERED);
	assert_int_equal(answer_of(b, count - 1)->answer, FIRE_REJECTED);
	assert_int_equal(answer_of(b, count)->answer, FIRE_DELIVERED);
	assert_detail(b, count - 1, "the message is too large for the topic bench");
	assert_int_equal(b->trouble, 0);
}

static void a_message_larger_than_the_whole_queue_is_rejected(void **state)
{
	struct bench *b = *state;
	kafka_rig_option(b->rig, "message.max.bytes", "1000000");
	kafka_rig_option(b->rig, "queue.buffering.max.kbytes", "2");
	bench_open(b);
	g_autofree char *large = g_strnfill(5000, 'x');
	submit(b, 1, large, NULL);
	submit(b, 1, "small", NULL);
	wait_answers(b, FIRE_REJECTED, 1);
	wait_answers(b, FIRE_DELIVERED, 1);
	assert_detail(b, 0, "larger than queue.buffering.max.kbytes");
}

/* The broker refuses a batch once: every message of it arrives, once and in order. */
static void a_refused_batch_is_sent_again_singly(void **state)
{
	struct bench *b = *state;
	b->rig->settings->kafka.value = KAFKA_VALUE_RAW;
	kafka_rig_option(b->rig, "linger.ms", "200");
	kafka_rig_push(b->rig, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1);
	bench_open(b);
	submit_many(b, 70);
	wait_answers(b, FIRE_DELIVERED, 70);
	assert_non_null(strstr(b->said->str, "refused a batch (Broker: Message size too large)"));
	assert_int_equal(b->counts[FIRE_REJECTED] + b->counts[FIRE_UNAVAILABLE], 0);
	/* And then in batches again. */
	submit_many(b, 70);
	wait_answers(b, FIRE_DELIVERED, 140);
	assert_int_equal(b->trouble, 0);
}

/* It refuses the batch, and then one of the single messages, too: that one is at fault. */
static void of_a_refused_batch_only_the_one_at_fault_is_rejected(void **state)
{
	struct bench *b = *state;
	b->rig->settings->kafka.value = KAFKA_VALUE_RAW;
	kafka_rig_option(b->rig, "linger.ms", "200");
	kafka_rig_push(b->rig, RD_KAFKA_RESP_ERR_INVALID_RECORD, 2);
	bench_open(b);
	for (unsigned i = 0; i < 50; i++)
		submit(b, 1, "c", NULL);
	wait_answers(b, FIRE_REJECTED, 1);
	wait_answers(b, FIRE_DELIVERED, 49);
	assert_int_equal(b->counts[FIRE_REJECTED], 1);
	assert_int_equal(answer_of(b, 0)->answer, FIRE_REJECTED);
	assert_detail(b, 0, "the message is refused");
	kafka_rig_read(b->rig, b->reads);
	assert_int_equal(b->reads->len, 49);
}

/* --- errors that pass --- */

static void errors_that_pass_are_not_seen(void **state)
{
	struct bench *b = *state;
	b->rig->settings->kafka.value = KAFKA_VALUE_RAW;
	kafka_rig_push(b->rig, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 2);
	kafka_rig_push(b->rig, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 2);
	bench_open(b);
	submit_many(b, 500);
	wait_answers(b, FIRE_DELIVERED, 500);
	assert_read_once_in_order(b, 500);
	assert_int_equal(b->counts[FIRE_REJECTED] + b->counts[FIRE_UNAVAILABLE], 0);
}

/* --- the broker or the topic is not there --- */

/* After the fires were given back, the first submit is not accepted, so that nothing overtakes them. */
static void submit_after_all_came_back(struct bench *b)
{
	struct fire fire = {
		.ticket = b->next_ticket, .action = action_add(b, 1, "later", NULL), .attempt = 1};
	unsigned ready = b->ready;
	assert_int_equal(callback_kafka.submit(b->kafka, &fire, 1), 0);
	wait_at_least(b, &b->ready, ready + 1);
	assert_int_equal(callback_kafka.submit(b->kafka, &fire, 1), 1);
	b->next_ticket++;
}

static void an_outage_that_lasts_gives_everything_back(void **state)
{
	struct bench *b = *state;
	kafka_rig_option(b->rig, "message.timeout.ms", "5000");
	kafka_rig_down(b->rig, true);
	bench_open(b);
	submit_many(b, 100);
	wait_at_least(b, &b->trouble, 1);
	assert_int_equal(b->counts[FIRE_UNAVAILABLE], 0);
	assert_non_null(strstr(b->message, "does not answer"));
	assert_non_null(strstr(b->message, "Connection refused"));
	wait_answers(b, FIRE_UNAVAILABLE, 100);
	assert_detail(b, 0, "has not taken a message within its time");
	assert_int_equal(b->counts[FIRE_DELIVERED] + b->counts[FIRE_REJECTED], 0);
	kafka_rig_down(b->rig, false);
	submit_after_all_came_back(b);
	wait_answers(b, FIRE_DELIVERED, 1);
	wait_at_least(b, &b->trouble_over, 1);
	assert_int_equal(b->trouble, 1);
	kafka_rig_read(b->rig, b->reads);
	assert_int_equal(b->reads->len, 1);
}

/* All comes back, again and again, and trouble is said once, until it is over. */
static void assert_waits(struct bench *b, const char *text, void (*end)(struct bench *b))
{
	bench_open(b);
	submit_many(b, 20);
	wait_answers(b, FIRE_UNAVAILABLE, 20);
	assert_detail(b, 0, text);
	assert_non_null(strstr(b->message, text));
	submit_after_all_came_back(b);
	wait_answers(b, FIRE_UNAVAILABLE, 21);
	assert_int_equal(b->trouble, 1);
	end(b);
	submit_after_all_came_back(b);
	wait_answers(b, FIRE_DELIVERED, 1);
	wait_at_least(b, &b->trouble_over, 1);
	assert_int_equal(b->trouble, 1);
	assert_int_equal(b->counts[FIRE_REJECTED], 0);
}

static void topic_set_error(struct bench *b, rd_kafka_resp_err_t error)
{
	rd_kafka_mock_topic_set_error(b->rig->cluster, "bench", error);
}

static void topic_comes(struct bench *b)
{
	topic_set_error(b, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void a_missing_topic_is_waited_for(void **state)
{
	topic_set_error(*state, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	assert_waits(*state, "there is no topic bench at ", topic_comes);
}

static void right_is_granted(struct bench *b)
{
	kafka_rig_clear(b->rig);
}

static void a_forbidden_topic_is_waited_for(void **state)
{
	struct bench *b = *state;
	kafka_rig_push(b->rig, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1000);
	assert_waits(b, "does not allow writing to the topic bench; grant it", right_is_granted);
}

/* The producer cannot go on: its fires come back, and a new one is made. */
static void a_fatal_error_ends_the_producer_and_not_the_callback(void **state)
{
	struct bench *b = *state;
	kafka_rig_push(b->rig, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, 1);
	bench_open(b);
	submit(b, 1, "c", NULL);
	wait_answers(b, FIRE_UNAVAILABLE, 1);
	assert_detail(b, 0, "a new producer is made");
	submit_after_all_came_back(b);
	wait_answers(b, FIRE_DELIVERED, 1);
	wait_at_least(b, &b->trouble_over, 1);
}

/* A queue of librdkafka that is full holds fires back; they go when there is room. */
static void a_full_queue_is_waited_for(void **state)
{
	struct bench *b = *state;
	b->rig->settings->kafka.value = KAFKA_VALUE_RAW;
	kafka_rig_option(b->rig, "queue.buffering.max.messages", "10");
	bench_open(b);
	submit_many(b, 2000);
	wait_answers(b, FIRE_DELIVERED, 2000);
	assert_read_once_in_order(b, 2000);
}

static void what_librdkafka_cannot_read_is_an_error_of_open(void **state)
{
	struct bench *b = *state;
	g_autoptr(GError) error = NULL;
	kafka_rig_option(b->rig, "security.protocol", "ssl");
	kafka_rig_option(b->rig, "ssl.ca.location", "/nonexistent/ca.pem");
	const struct callback_open open = {.name = "kafka", .settings = b->rig->settings};
	assert_null(callback_kafka.open(&open, &error));
	assert_int_equal(error->code, AS_ERROR_UNAVAILABLE);
	assert_non_null(strstr(error->message, "ssl.ca.location"));
}

/* --- probing --- */

static void probing_tells_what_is_wrong(void **state)
{
	struct bench *b = *state;
	const struct callback_settings *settings = b->rig->settings;
	g_autoptr(GError) error = NULL;
	assert_true(callback_kafka.probe(settings, NULL, &error));
	assert_null(error);
	topic_set_error(b, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	assert_false(callback_kafka.probe(settings, NULL, &error));
	assert_non_null(strstr(error->message, "there is no topic bench"));
	g_clear_error(&error);
	rd_kafka_mock_topic_set_error(b->rig->cluster, "bench", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	assert_false(callback_kafka.probe(settings, NULL, &error));
	assert_non_null(strstr(error->message, "authorization failed"));
	g_clear_error(&error);
	kafka_rig_down(b->rig, true);
	assert_false(callback_kafka.probe(settings, NULL, &error));
	assert_int_equal(error->code, AS_ERROR_UNAVAILABLE);
	assert_non_null(strstr(error->message, "does not answer: "));
}

#define ON_A_MOCK(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_MOCK(a_message_holds_key_value_and_headers),
		ON_A_MOCK(a_raw_value_is_the_command),
		ON_A_MOCK(placeholders_are_replaced_where_it_is_asked_for),
		ON_A_MOCK(messages_of_an_action_are_in_one_partition),
		ON_A_MOCK(a_row_may_have_a_topic_of_its_own),
		ON_A_MOCK(a_topic_of_a_row_that_is_not_there_refuses_its_fires_only),
		ON_A_MOCK(a_message_that_is_too_large_is_rejected_alone),
		ON_A_MOCK(a_message_larger_than_the_whole_queue_is_rejected),
		ON_A_MOCK(a_refused_batch_is_sent_again_singly),
		ON_A_MOCK(of_a_refused_batch_only_the_one_at_fault_is_rejected),
		ON_A_MOCK(errors_that_pass_are_not_seen),
		ON_A_MOCK(an_outage_that_lasts_gives_everything_back),
		ON_A_MOCK(a_missing_topic_is_waited_for),
		ON_A_MOCK(a_forbidden_topic_is_waited_for),
		ON_A_MOCK(a_fatal_error_ends_the_producer_and_not_the_callback),
		ON_A_MOCK(a_full_queue_is_waited_for),
		ON_A_MOCK(what_librdkafka_cannot_read_is_an_error_of_open),
		ON_A_MOCK(probing_tells_what_is_wrong),
	};
	return cmocka_run_group_tests_name("kafka", tests, NULL, NULL);
}
