/* The floor of the callback kafka: bare producers of librdkafka that send the messages that the scheduler
 * would (key, value, headers) with its settings, and wait for the report of each.
 *
 *   kafka_floor send SERVER TOPIC COUNT
 *       one producer
 *   kafka_floor transact SERVER TOPIC COUNT PRODUCERS SIZE
 *       as many producers, each in a thread, each with one transaction of SIZE messages after the other
 *   kafka_floor mock TOPIC PARTITIONS [RTT_MS]
 *       a mock cluster of librdkafka, which answers after so long; prints its address, until stdin ends
 *
 * The first two print a JSON line: count, ms, per_s, cpu_us a message, rss_mb. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* So many messages make the connections that a scheduler has before its fires are due. */
#define WARM_UP 100

static atomic_long delivered, failed;

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double cpu_us(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[256];
	if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
		fprintf(stderr, "kafka_floor: %s\n", why);
		exit(1);
	}
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	(void)rk;
	(void)opaque;
	atomic_fetch_add(message->err ? &failed : &delivered, 1);
}

/* As src/callback/kafka_config.c has it. */
static rd_kafka_t *producer_new(const char *server, const char *transactional_id)
{
	char why[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "bootstrap.servers", server);
	set(conf, "enable.idempotence", "true");
	set(conf, "linger.ms", "2");
	set(conf, "partitioner", "murmur2_random");
	set(conf, "queue.buffering.max.kbytes", "65536");
	if (transactional_id)
		set(conf, "transactional.id", transactional_id);
	rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (!rk) {
		fprintf(stderr, "kafka_floor: %s\n", why);
		exit(1);
	}
	return rk;
}

static void send_one(rd_kafka_t *rk, rd_kafka_topic_t *topic, long number)
{
	char key[24], name[48], id[64], value[96];
	int key_length = snprintf(key, sizeof key, "%ld", number);
	int name_length = snprintf(name, sizeof name, "action %ld", number);
	int id_length = snprintf(id, sizeof id, "%ld@2024-01-01T00:05:00Z", number);
	int length = snprintf(value, sizeof value, "{\"command\": \"command %ld --with arguments\"}", number);
	while (rd_kafka_producev(rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		       RD_KAFKA_V_KEY(key, (size_t)key_length), RD_KAFKA_V_VALUE(value, (size_t)length),
		       RD_KAFKA_V_HEADER("fire-id", id, (ssize_t)id_length),
		       RD_KAFKA_V_HEADER("action-name", name, (ssize_t)name_length),
		       RD_KAFKA_V_HEADER("scheduled-at", "2024-01-01T00:05:00Z", (ssize_t)20),
		       RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		rd_kafka_poll(rk, 100);
}

static void wait_for(rd_kafka_t *rk, long count)
{
	double until = now_ms() + 120000;
	while (delivered + failed < count && now_ms() < until)
		rd_kafka_poll(rk, 100);
}

static int print_figures(long count, double began, double cpu)
{
	struct rusage usage;
	double took = now_ms() - began;
	getrusage(RUSAGE_SELF, &usage);
	if (delivered != count + WARM_UP) {
		fprintf(stderr, "kafka_floor: %ld of %ld delivered, %ld failed\n", delivered, count + WARM_UP,
			failed);
		return 1;
	}
	printf("{\"count\": %ld, \"ms\": %.1f, \"per_s\": %.0f, \"cpu_us\": %.3f, \"rss_mb\": %.1f}\n", count,
		took, (double)count / took * 1e3, (cpu_us() - cpu) / (double)count,
		(double)usage.ru_maxrss / 1024);
	return 0;
}

static int run_send(const char *server, const char *name, long count)
{
	rd_kafka_t *rk = producer_new(server, NULL);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
	for (long i = 0; i < WARM_UP; i++)
		send_one(rk, topic, i);
	wait_for(rk, WARM_UP);
	double began = now_ms(), cpu = cpu_us();
	for (long i = 0; i < count; i++) {
		send_one(rk, topic, i);
		if (i % 256 == 0)
			rd_kafka_poll(rk, 0);
	}
	wait_for(rk, count + WARM_UP);
	int status = print_figures(count, began, cpu);
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(rk);
	return status;
}

/* --- transactions --- */

struct transactor {
	pthread_t thread;
	rd_kafka_t *rk;
	rd_kafka_topic_t *topic;
	long first, step, end, size;
};

static void must(rd_kafka_error_t *error)
{
	if (!error)
		return;
	fprintf(stderr, "kafka_floor: %s\n", rd_kafka_error_string(error));
	exit(1);
}

/* Of the messages from *at on as many as there are, at most so many. */
static void transact(const struct transactor *t, long *at, long most)
{
	must(rd_kafka_begin_transaction(t->rk));
	for (long i = 0; i < most && *at < t->end; i++, *at += t->step)
		send_one(t->rk, t->topic, *at);
	must(rd_kafka_commit_transaction(t->rk, 60000));
}

static void *transactor_run(void *data)
{
	const struct transactor *t = data;
	for (long at = t->first; at < t->end;)
		transact(t, &at, t->size);
	return NULL;
}

static void transactor_open(struct transactor *t, const char *server, const char *name, long index)
{
	char id[64];
	snprintf(id, sizeof id, "floor-%ld-%ld", (long)getpid(), index);
	t->rk = producer_new(server, id);
	t->topic = rd_kafka_topic_new(t->rk, name, NULL);
	must(rd_kafka_init_transactions(t->rk, 60000));
}

static int run_transact(const char *server, const char *name, long count, long producers, long size)
{
	struct transactor *all = calloc((size_t)producers, sizeof *all);
	for (long i = 0; i < producers; i++) {
		all[i] = (struct transactor){.first = i, .step = producers, .end = WARM_UP, .size = size};
		transactor_open(&all[i], server, name, i);
		transactor_run(&all[i]);
		all[i].end = count;
	}
	double began = now_ms(), cpu = cpu_us();
	for (long i = 0; i < producers; i++)
		pthread_create(&all[i].thread, NULL, transactor_run, &all[i]);
	for (long i = 0; i < producers; i++)
		pthread_join(all[i].thread, NULL);
	int status = print_figures(count, began, cpu);
	for (long i = 0; i < producers; i++) {
		rd_kafka_topic_destroy(all[i].topic);
		rd_kafka_destroy(all[i].rk);
	}
	free(all);
	return status;
}

static int run_mock(const char *topic, int partitions, int rtt_ms)
{
	char byte, why[256];
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, why, sizeof why);
	rd_kafka_mock_cluster_t *cluster = rk ? rd_kafka_mock_cluster_new(rk, 1) : NULL;
	if (!cluster || rd_kafka_mock_topic_create(cluster, topic, partitions, 1) ||
		rd_kafka_mock_broker_set_rtt(cluster, 1, rtt_ms))
		return 1;
	printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(rk);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "send"))
		return run_send(argv[2], argv[3], atol(argv[4]));
	if (argc == 7 && !strcmp(argv[1], "transact"))
		return run_transact(argv[2], argv[3], atol(argv[4]), atol(argv[5]), atol(argv[6]));
	if ((argc == 4 || argc == 5) && !strcmp(argv[1], "mock"))
		return run_mock(argv[2], atoi(argv[3]), argc == 5 ? atoi(argv[4]) : 0);
	fprintf(stderr,
		"usage: kafka_floor send SERVER TOPIC COUNT | kafka_floor transact SERVER TOPIC COUNT "
		"PRODUCERS SIZE | kafka_floor mock TOPIC PARTITIONS [RTT_MS]\n");
	return 2;
}
