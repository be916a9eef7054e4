/* kafka.exactly_once on a mock cluster of librdkafka: what becomes of fires when a call of a transaction
 * fails, and what a restart reads back. The mock neither fences nor isolates; that fires come once is shown
 * by tests/e2e/test_kafka_exactly_once.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "callback/backends.h"
#include "callback/kafka_progress.h"
#include "kafka_rig.h"

#define NOMINAL  (INT64_C(1704067500) * US_PER_SECOND)
#define PROGRESS "progress"
#define ACTIONS  20

/* Numbers of requests in the protocol. */
enum { PRODUCE = 0, INIT_PRODUCER_ID = 22, ADD_PARTITIONS = 24, END_TXN = 26 };

struct bench {
	struct kafka_rig *rig;
	struct callback *kafka;
	struct action *actions[ACTIONS];
	bool left_behind;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	unsigned counts[3];
	unsigned ready, trouble, trouble_over, broken;
	uint64_t rejected; /* the last ticket */
	char *message;     /* of the last trouble, or that it is broken */
};

static void heard_resolved(void *context, const struct fire_result *results, size_t count)
{
	struct bench *b = context;
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < count; i++) {
		b->counts[results[i].answer]++;
		if (results[i].answer == FIRE_REJECTED)
			b->rejected = results[i].ticket;
		g_free(results[i].detail);
	}
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static void count_up(struct bench *b, unsigned *counter, const char *message)
{
	pthread_mutex_lock(&b->lock);
	++*counter;
	if (message) {
		g_free(b->message);
		b->message = g_strdup(message);
	}
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static void heard_ready(void *context)
{
	struct bench *b = context;
	count_up(b, &b->ready, NULL);
}

static void heard_trouble(void *context, const char *message)
{
	struct bench *b = context;
	count_up(b, message ? &b->trouble : &b->trouble_over, message);
}

static void heard_broken(void *context, const char *message)
{
	struct bench *b = context;
	count_up(b, &b->broken, message);
}

static void bench_open(struct bench *b)
{
	g_autoptr(GError) error = NULL;
	const struct callback_open open = {.name = "kafka",
		.settings = b->rig->settings,
		.host = {heard_resolved, heard_ready, heard_trouble, heard_broken, NULL, b}};
	b->kafka = callback_kafka.open(&open, &error);
	if (!b->kafka)
		fail_msg("%s", error->message);
}

static void bench_close_within(struct bench *b, dur_us left)
{
	if (!b->kafka || b->left_behind)
		return;
	b->left_behind = !callback_kafka.close(b->kafka, clock_monotonic() + left);
	if (b->left_behind)
		kafka_rig_keep(b);
	else
		b->kafka = NULL;
}

static void bench_close(struct bench *b)
{
	bench_close_within(b, 30 * US_PER_SECOND);
}

static int bench_setup(void **state)
{
	struct bench *b = g_new0(struct bench, 1);
	b->rig = kafka_rig_new("bench", true);
	assert_int_equal(rd_kafka_mock_topic_create(b->rig->cluster, PROGRESS, KAFKA_SHARDS, 1), 0);
	kafka_rig_option(b->rig, "reconnect.backoff.max.ms", "200");
	b->rig->settings->kafka.value = KAFKA_VALUE_RAW;
	b->rig->settings->kafka.exactly_once = true;
	b->rig->settings->kafka.progress_topic = g_strdup(PROGRESS);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	for (int64_t i = 0; i < ACTIONS; i++) {
		static const char text[] = "name\0command";
		b->actions[i] = g_malloc0(sizeof *b->actions[i] + sizeof text);
		b->actions[i]->id = i + 1;
		b->actions[i]->name_length = 4;
		b->actions[i]->command_length = 7;
		memcpy(b->actions[i]->text, text, sizeof text);
	}
	*state = b;
	return 0;
}

static int bench_teardown(void **state)
{
	struct bench *b = *state;
	bench_close(b);
	if (b->left_behind)
		return 0;
	g_free(b->rig->settings->kafka.progress_topic);
	kafka_rig_free(b->rig);
	for (int i = 0; i < ACTIONS; i++)
		g_free(b->actions[i]);
	g_free(b->message);
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->changed);
	g_free(b);
	return 0;
}

/* `count` fires, of action 1 where `alone`, else of all in turn. Tickets and seconds count from `first`. */
static void submit(struct bench *b, unsigned first, unsigned count, bool alone)
{
	g_autofree struct fire *fires = g_new0(struct fire, count);
	for (unsigned i = 0; i < count; i++)
		fires[i] = (struct fire){.ticket = first + i,
			.action = b->actions[alone ? 0 : (first + i) % ACTIONS],
			.nominal = NOMINAL + (first + i) * US_PER_SECOND,
			.due_at = NOMINAL + (first + i) * US_PER_SECOND,
			.attempt = 1};
	assert_int_equal(callback_kafka.submit(b->kafka, fires, count), count);
}

static void wait_least(struct bench *b, const unsigned *counter, unsigned least)
{
	struct timespec until = {clock_monotonic() / US_PER_SECOND + 90, 0};
	pthread_mutex_lock(&b->lock);
	while (*counter < least)
		if (pthread_cond_clockwait(&b->changed, &b->lock, CLOCK_MONOTONIC, &until))
			fail_msg("waited in vain: %u delivered, %u rejected, trouble %u: %s",
				b->counts[FIRE_DELIVERED], b->counts[FIRE_REJECTED], b->trouble,
				b->message ? b->message : "");
	pthread_mutex_unlock(&b->lock);
}

static void assert_message(struct bench *b, const char *part)
{
	pthread_mutex_lock(&b->lock);
	if (!b->message || !strstr(b->message, part))
		fail_msg("%s", b->message ? b->message : "nothing was said");
	pthread_mutex_unlock(&b->lock);
}

static unsigned read_count(struct bench *b)
{
	GArray *reads = g_array_new(false, false, sizeof(struct kafka_read));
	kafka_rig_read(b->rig, reads);
	unsigned count = reads->len;
	kafka_rig_read_free(reads);
	return count;
}

static void push(struct bench *b, int16_t request, rd_kafka_resp_err_t error, size_t count)
{
	g_autofree rd_kafka_resp_err_t *errors = g_new(rd_kafka_resp_err_t, count);
	for (size_t i = 0; i < count; i++)
		errors[i] = error;
	rd_kafka_mock_push_request_errors_array(b->rig->cluster, request, count, errors);
}

/* --- the start --- */

static void start(struct bench *b)
{
	bench_open(b);
	callback_kafka.start(b->kafka);
}

/* Each shard tries until it can; that it cannot is told although nothing waits yet. */
static void producers_are_made_before_there_are_fires(void **state)
{
	struct bench *b = *state;
	push(b, INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, KAFKA_SHARDS);
	start(b);
	wait_least(b, &b->trouble, 1);
	assert_message(b, "start of transactions");
	wait_least(b, &b->trouble_over, 1);
	submit(b, 0, 50, false);
	wait_least(b, &b->counts[FIRE_DELIVERED], 50);
	assert_int_equal(read_count(b), 50);
}

static void the_end_does_not_wait_for_a_start(void **state)
{
	struct bench *b = *state;
	kafka_rig_down(b->rig, true);
	start(b);
	wait_least(b, &b->trouble, 1);
	time_us begun = clock_monotonic();
	callback_kafka.close(b->kafka, begun + 60 * US_PER_SECOND);
	b->kafka = NULL;
	assert_true(clock_monotonic() - begun < 30 * US_PER_SECOND);
	kafka_rig_down(b->rig, false);
}

/* --- what a restart reads back --- */

static void fires_of_a_record_are_not_sent_again(void **state)
{
	struct bench *b = *state;
	bench_open(b);
	submit(b, 0, 100, false);
	wait_least(b, &b->counts[FIRE_DELIVERED], 100);
	bench_close(b);
	assert_int_equal(read_count(b), 100);
	bench_open(b);
	submit(b, 50, 100, false);
	wait_least(b, &b->counts[FIRE_DELIVERED], 200);
	assert_int_equal(read_count(b), 50);
	assert_int_equal(b->trouble, 0);
}

static bool is_even(void *context, struct position position, const char *manual)
{
	(void)context;
	(void)manual;
	return position.action_id % 2 == 0;
}

/* What is settled is forgotten with the next transaction; what is not stays over any number of restarts. */
static void settled_fires_are_forgotten(void **state)
{
	struct bench *b = *state;
	bench_open(b);
	for (unsigned i = 0; i < ACTIONS; i++) {
		submit(b, i, 1, false);
		wait_least(b, &b->counts[FIRE_DELIVERED], i + 1);
	}
	callback_kafka.settle(b->kafka, is_even, NULL);
	bench_close(b);
	assert_int_equal(read_count(b), ACTIONS);
	for (unsigned turn = 0; turn < 2; turn++) {
		bench_open(b);
		submit(b, 0, ACTIONS, false);
		wait_least(b, &b->counts[FIRE_DELIVERED], (turn + 2) * ACTIONS);
		bench_close(b);
		assert_int_equal(read_count(b), turn == 0 ? ACTIONS / 2 : 0);
	}
}

static void a_strange_record_is_told(void **state)
{
	struct bench *b = *state;
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(
		conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(b->rig->cluster), NULL, 0);
	rd_kafka_t *writer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(writer, PROGRESS, NULL);
	for (int32_t i = 0; i < KAFKA_SHARDS; i++) {
		g_autofree char *key = g_strdup_printf("action-scheduler.bench-%d/1", i);
		rd_kafka_produce(
			topic, i, RD_KAFKA_MSG_F_COPY, (char[]){"\x7fstrange"}, 8, key, strlen(key), NULL);
	}
	assert_int_equal(rd_kafka_flush(writer, 10000), 0);
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(writer);
	bench_open(b);
	submit(b, 0, 1, false);
	wait_least(b, &b->trouble, 1);
	assert_message(b, "a record in it is none of this program, or of a newer one");
	assert_int_equal(read_count(b), 0);
	bench_close_within(b, US_PER_SECOND);
}

/* --- calls that fail --- */

/* One shard; a request is answered `count` times by an error. All fires are delivered in the end. */
static void fails_and_goes_on(struct bench *b, int16_t request, rd_kafka_resp_err_t error, size_t count)
{
	bench_open(b);
	submit(b, 0, 10, true);
	wait_least(b, &b->counts[FIRE_DELIVERED], 10);
	push(b, request, error, count);
	submit(b, 10, 10, true);
	wait_least(b, &b->counts[FIRE_DELIVERED], 20);
	assert_int_equal(b->counts[FIRE_REJECTED], 0);
	assert_int_equal(b->broken, 0);
	rd_kafka_mock_clear_request_errors(b->rig->cluster, request);
}

static void the_coordinator_moves(void **state)
{
	fails_and_goes_on(*state, END_TXN, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, 3);
	assert_int_equal(((struct bench *)*state)->trouble, 0);
}

static void a_topic_may_not_be_written_for_a_while(void **state)
{
	struct bench *b = *state;
	fails_and_goes_on(b, ADD_PARTITIONS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 2);
	wait_least(b, &b->trouble_over, 1);
	assert_message(b, "authorization failed");
}

/* The outcome is unknown to the client: the ledger tells. */
static void a_commit_is_refused(void **state)
{
	struct bench *b = *state;
	fails_and_goes_on(b, END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, 1);
	wait_least(b, &b->trouble_over, 1);
}

static void fenced_by_the_broker_itself(void **state)
{
	fails_and_goes_on(*state, END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
}

static void the_producer_id_is_forgotten(void **state)
{
	fails_and_goes_on(*state, ADD_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, 1);
}

static void sequences_are_out_of_order(void **state)
{
	fails_and_goes_on(*state, PRODUCE, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, 1);
}

static void the_start_is_refused(void **state)
{
	struct bench *b = *state;
	push(b, INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 2);
	bench_open(b);
	submit(b, 0, 10, true);
	wait_least(b, &b->trouble, 1);
	assert_message(b, "start of transactions");
	wait_least(b, &b->counts[FIRE_DELIVERED], 10);
	wait_least(b, &b->trouble_over, 1);
	assert_int_equal(read_count(b), 10);
}

static void the_start_is_put_off(void **state)
{
	struct bench *b = *state;
	push(b, INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 3);
	bench_open(b);
	submit(b, 0, 10, true);
	wait_least(b, &b->counts[FIRE_DELIVERED], 10);
	assert_int_equal(b->trouble, 0);
}

/* The broker refuses a batch, or the record, once: none is rejected. */
static void a_refused_batch_goes_singly(void **state)
{
	fails_and_goes_on(*state, PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1);
}

static struct action *large_action(size_t length)
{
	struct action *large = g_malloc0(sizeof *large + length + 2);
	large->id = 1;
	large->command_length = (uint32_t)length;
	memset(large->text + 1, 'x', length);
	return large;
}

static void a_message_that_is_too_large_is_rejected_alone(void **state)
{
	struct bench *b = *state;
	g_autofree struct action *large = large_action(4000);
	kafka_rig_option(b->rig, "message.max.bytes", "2000");
	bench_open(b);
	submit(b, 0, 50, true);
	const struct fire fire = {.ticket = 50, .action = large, .nominal = NOMINAL - 1, .attempt = 1};
	assert_int_equal(callback_kafka.submit(b->kafka, &fire, 1), 1);
	submit(b, 51, 50, true);
	wait_least(b, &b->counts[FIRE_DELIVERED], 100);
	assert_int_equal(b->counts[FIRE_REJECTED], 1);
	assert_int_equal(b->rejected, 50);
	assert_int_equal(b->trouble, 0);
	bench_close(b);
}

/* --- sizes --- */

/* Records in all partitions of the progress topic. */
static size_t record_count(struct bench *b)
{
	size_t count = 0;
	for (unsigned i = 0; i < KAFKA_SHARDS; i++) {
		struct kafka_progress progress;
		g_autoptr(GError) error = NULL;
		g_autofree char *id = g_strdup_printf("action-scheduler.bench-%u", i);
		if (!kafka_progress_read(&b->rig->settings->kafka, i, id, &progress, &error))
			fail_msg("%s", error->message);
		count += ledger_record_count(progress.ledger);
		ledger_free(progress.ledger);
		g_free(progress.owner);
	}
	return count;
}

/* 8 MiB of commands are enough for one. */
static void a_transaction_is_bounded_in_bytes(void **state)
{
	struct bench *b = *state;
	enum { COUNT = 20 };
	g_autofree struct action *large = large_action(900000);
	struct fire fires[COUNT];
	for (unsigned i = 0; i < COUNT; i++)
		fires[i] = (struct fire){.ticket = i, .action = large, .nominal = NOMINAL + i, .attempt = 1};
	bench_open(b);
	assert_int_equal(callback_kafka.submit(b->kafka, fires, COUNT), COUNT);
	wait_least(b, &b->counts[FIRE_DELIVERED], COUNT);
	bench_close(b);
	assert_true(record_count(b) >= 3);
}

static void a_message_for_which_there_is_never_room_is_rejected_alone(void **state)
{
	struct bench *b = *state;
	g_autofree struct action *large = large_action(4000);
	kafka_rig_option(b->rig, "queue.buffering.max.kbytes", "2");
	bench_open(b);
	submit(b, 0, 50, true);
	const struct fire fire = {.ticket = 50, .action = large, .nominal = NOMINAL - 1, .attempt = 1};
	assert_int_equal(callback_kafka.submit(b->kafka, &fire, 1), 1);
	submit(b, 51, 50, true);
	wait_least(b, &b->counts[FIRE_DELIVERED], 100);
	assert_int_equal(b->counts[FIRE_REJECTED], 1);
	assert_int_equal(b->rejected, 50);
	bench_close(b);
}

/* --- another owner --- */

static void owner_write(struct bench *b)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(
		conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(b->rig->cluster), NULL, 0);
	rd_kafka_t *writer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(writer, PROGRESS, NULL);
	for (unsigned i = 0; i < KAFKA_SHARDS; i++) {
		g_autofree char *id = g_strdup_printf("action-scheduler.bench-%u", i);
		assert_int_equal(kafka_progress_put_owner(writer, topic, i, id, "another"), 0);
	}
	assert_int_equal(rd_kafka_flush(writer, 10000), 0);
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(writer);
}

static void fenced_by_another_scheduler(void **state)
{
	struct bench *b = *state;
	bench_open(b);
	submit(b, 0, 10, true);
	wait_least(b, &b->counts[FIRE_DELIVERED], 10);
	owner_write(b);
	push(b, END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
	submit(b, 10, 10, true);
	wait_least(b, &b->broken, 1);
	assert_message(b, "kafka.transactional_id");
	assert_int_equal(b->counts[FIRE_DELIVERED], 10);
}

/* --- the end --- */

static void the_end_does_not_wait_for_a_broker(void **state)
{
	struct bench *b = *state;
	bench_open(b);
	submit(b, 0, 10, true);
	wait_least(b, &b->counts[FIRE_DELIVERED], 10);
	kafka_rig_down(b->rig, true);
	submit(b, 10, 10, true);
	wait_least(b, &b->trouble, 1);
	time_us begun = clock_monotonic();
	bench_close_within(b, US_PER_SECOND);
	assert_true(clock_monotonic() - begun < 20 * US_PER_SECOND);
	assert_int_equal(b->counts[FIRE_DELIVERED], 10);
	kafka_rig_down(b->rig, false);
}

/* More than is taken in: host.ready tells when there is room. */
static void more_than_there_is_room_for(void **state)
{
	struct bench *b = *state;
	enum { COUNT = 20000 };
	g_autofree struct fire *fires = g_new0(struct fire, COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		fires[i] = (struct fire){
			.ticket = i, .action = b->actions[0], .nominal = NOMINAL + i, .attempt = 1};
	bench_open(b);
	size_t taken = 0;
	while (taken < COUNT) {
		unsigned ready = b->ready;
		taken += callback_kafka.submit(b->kafka, fires + taken, COUNT - taken);
		if (taken < COUNT)
			wait_least(b, &b->ready, ready + 1);
	}
	wait_least(b, &b->counts[FIRE_DELIVERED], COUNT);
	assert_true(b->ready > 0);
	assert_int_equal(read_count(b), COUNT);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(producers_are_made_before_there_are_fires),
		ROW(the_end_does_not_wait_for_a_start),
		ROW(fires_of_a_record_are_not_sent_again),
		ROW(settled_fires_are_forgotten),
		ROW(a_strange_record_is_told),
		ROW(the_coordinator_moves),
		ROW(a_topic_may_not_be_written_for_a_while),
		ROW(a_commit_is_refused),
		ROW(fenced_by_the_broker_itself),
		ROW(the_producer_id_is_forgotten),
		ROW(sequences_are_out_of_order),
		ROW(the_start_is_refused),
		ROW(the_start_is_put_off),
		ROW(a_refused_batch_goes_singly),
		ROW(a_message_that_is_too_large_is_rejected_alone),
		ROW(a_transaction_is_bounded_in_bytes),
		ROW(a_message_for_which_there_is_never_room_is_rejected_alone),
		ROW(fenced_by_another_scheduler),
		ROW(the_end_does_not_wait_for_a_broker),
		ROW(more_than_there_is_room_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
