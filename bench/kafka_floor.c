/* The floor of the callback kafka: a bare producer of librdkafka that sends the messages that the scheduler
 * would (key, value, headers) with its settings, and waits for the report of each. kafka_floor send SERVER
 * TOPIC COUNT   prints a JSON line: count, ms, per_s, cpu_us a message, rss_mb kafka_floor mock TOPIC
 * PARTITIONS     a mock cluster of librdkafka; prints its address, until stdin ends */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static long delivered, failed;

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
	*(message->err ? &failed : &delivered) += 1;
}

/* As src/callback/kafka_config.c has it. */
static rd_kafka_t *producer_new(const char *server)
{
	char why[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "bootstrap.servers", server);
	set(conf, "enable.idempotence", "true");
	set(conf, "linger.ms", "2");
	set(conf, "partitioner", "murmur2_random");
	set(conf, "queue.buffering.max.kbytes", "65536");
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
	if (delivered != count) {
		fprintf(stderr, "kafka_floor: %ld of %ld delivered, %ld failed\n", delivered, count, failed);
		exit(1);
	}
}

static int run_send(const char *server, const char *name, long count)
{
	rd_kafka_t *rk = producer_new(server);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
	/* The connections of a scheduler are there before its fires are. */
	for (long i = 0; i < 100; i++)
		send_one(rk, topic, i);
	wait_for(rk, 100);
	double began = now_ms(), cpu = cpu_us();
	for (long i = 0; i < count; i++) {
		send_one(rk, topic, i);
		if (i % 256 == 0)
			rd_kafka_poll(rk, 0);
	}
	wait_for(rk, count + 100);
	double took = now_ms() - began;
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"count\": %ld, \"ms\": %.1f, \"per_s\": %.0f, \"cpu_us\": %.3f, \"rss_mb\": %.1f}\n", count,
		took, (double)count / took * 1e3, (cpu_us() - cpu) / (double)count,
		(double)usage.ru_maxrss / 1024);
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(rk);
	return 0;
}

static int run_mock(const char *topic, int partitions)
{
	char byte, why[256];
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, why, sizeof why);
	rd_kafka_mock_cluster_t *cluster = rk ? rd_kafka_mock_cluster_new(rk, 1) : NULL;
	if (!cluster || rd_kafka_mock_topic_create(cluster, topic, partitions, 1))
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
	if (argc == 4 && !strcmp(argv[1], "mock"))
		return run_mock(argv[2], atoi(argv[3]));
	fprintf(stderr, "usage: kafka_floor send SERVER TOPIC COUNT | kafka_floor mock TOPIC PARTITIONS\n");
	return 2;
}
