/* The callback `kafka`: what the configuration means, what a message holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "callback/backends.h"
#include "callback/kafka_config.h"
#include "callback/kafka_message.h"
#include "callback/kafka_once.h"

static struct callback_settings settings_new(void)
{
	struct callback_settings settings = {0};
	settings.kafka.server = "localhost:9092";
	settings.kafka.topic = "actions";
	settings.kafka.options = g_hash_table_new(g_str_hash, g_str_equal);
	return settings;
}

static void check(const char *name, const char *value, const char *expected)
{
	struct callback_settings settings = settings_new();
	g_autoptr(GError) error = NULL;
	g_hash_table_insert(settings.kafka.options, (char *)name, (char *)value);
	bool good = callback_kafka.check(&settings, NULL, &error);
	g_hash_table_unref(settings.kafka.options);
	if (!expected && !good)
		fail_msg("%s: %s was refused: %s", name, value, error->message);
	if (expected && good)
		fail_msg("%s: %s was accepted", name, value);
	if (!expected)
		return;
	assert_int_equal(error->code, AS_ERROR_INVALID);
	if (!strstr(error->message, expected) || !strstr(error->message, name))
		fail_msg("%s: %s: %s", name, value, error->message);
}

/* Repeats are what bounds it; with exactly_once there are none. */
static void more_may_be_on_its_way_with_exactly_once(void **state)
{
	(void)state;
	struct callback_settings settings = settings_new();
	assert_int_equal(callback_kafka.limits(&settings).max_open, 0);
	settings.kafka.exactly_once = true;
	assert_int_equal(callback_kafka.limits(&settings).max_open, KAFKA_ONCE_OPEN);
	settings.kafka.limits.max_open = 100;
	settings.kafka.limits.per_hour = 7;
	assert_int_equal(callback_kafka.limits(&settings).max_open, 100);
	assert_int_equal(callback_kafka.limits(&settings).per_hour, 7);
	g_hash_table_unref(settings.kafka.options);
}

static void properties_that_break_the_promise_are_refused(void **state)
{
	(void)state;
	check("acks", "1", "may only be all, -1: a message could be lost");
	check("acks", "0", "may only be all");
	check("request.required.acks", "1", "may only be all");
	check("enable.idempotence", "false", "may only be true: the order");
	check("max.in.flight", "6", "may only be from 1 to 5");
	check("max.in.flight.requests.per.connection", "1000", "may only be from 1 to 5");
	check("queuing.strategy", "lifo", "may only be fifo");
	check("partitioner", "random", "order");
	check("retries", "0", "could be lost");
	check("message.send.max.retries", "0", "could be lost");
	check("delivery.report.only.error", "true", "may only be false");
	check("bootstrap.servers", "a:1", "cannot be set: brokers are given in kafka.server");
	check("metadata.broker.list", "a:1", "kafka.server");
	check("transactional.id", "x", "cannot be set");
	check("enabled_events", "0", "cannot be set");
	check("log.queue", "false", "cannot be set");
	/* What wants a pointer. */
	check("dr_msg_cb", "1", "must be set through");
	check("opaque", "1", "must be set through");
	check("log_cb", "1", "must be set through");
}

static void properties_that_keep_it_are_taken(void **state)
{
	(void)state;
	check("acks", "all", NULL);
	check("acks", "-1", NULL);
	check("enable.idempotence", "true", NULL);
	check("max.in.flight", "1", NULL);
	check("partitioner", "fnv1a", NULL);
	check("linger.ms", "50", NULL);
	check("compression.type", "lz4", NULL);
	check("message.max.bytes", "5000000", NULL);
	check("security.protocol", "sasl_ssl", NULL);
	check("sasl.password", "x", NULL);
	check("message.timeout.ms", "0", NULL);
}

static void properties_that_there_are_not_are_told(void **state)
{
	(void)state;
	check("linger.msec", "1", "No such configuration property");
	check("linger.ms", "soon", "Invalid value");
	check("compression.type", "rar", "Invalid value");
}

static void login_is_given_once(void **state)
{
	(void)state;
	struct callback_settings settings = settings_new();
	g_autoptr(GError) error = NULL;
	settings.kafka.username = "u";
	settings.kafka.password = "p";
	rd_kafka_conf_t *conf = kafka_config_producer(&settings.kafka, NULL);
	char value[64];
	size_t size = sizeof value;
	assert_int_equal(rd_kafka_conf_get(conf, "sasl.username", value, &size), RD_KAFKA_CONF_OK);
	assert_string_equal(value, "u");
	size = sizeof value;
	assert_int_equal(rd_kafka_conf_get(conf, "sasl.password", value, &size), RD_KAFKA_CONF_OK);
	assert_string_equal(value, "p");
	rd_kafka_conf_destroy(conf);
	g_hash_table_insert(settings.kafka.options, "sasl.password", "q");
	assert_false(callback_kafka.check(&settings, NULL, &error));
	assert_null(strstr(error->message, "q\""));
	assert_non_null(strstr(error->message, "may not stand beside kafka.username and kafka.password"));
	g_hash_table_unref(settings.kafka.options);
}

static void server_and_topic_are_needed(void **state)
{
	(void)state;
	static const struct {
		const char *server, *topic, *expected;
	} cases[] = {
		{NULL, "t", "needs kafka.server"},
		{"a", NULL, "needs kafka.topic"},
		{"a", "with space", "kafka.topic: Kafka has no topics of this name"},
		{"a", "", "kafka.topic"},
		{"a", "..", "kafka.topic"},
		{"a", "ok.-_9", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct callback_settings settings = settings_new();
		g_autoptr(GError) error = NULL;
		settings.kafka.server = (char *)cases[i].server;
		settings.kafka.topic = (char *)cases[i].topic;
		bool good = callback_kafka.check(&settings, NULL, &error);
		assert_int_equal(good, cases[i].expected == NULL);
		if (!good && !strstr(error->message, cases[i].expected))
			fail_msg("%s", error->message);
		g_hash_table_unref(settings.kafka.options);
	}
}

static void servers_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expected; /* NULL: refused */
	} cases[] = {
		{"localhost:1234", "localhost:1234"},
		{"a:1, b:2 ,c", "a:1,b:2,c"},
		{"kafka://broker:9092", "broker:9092"},
		{"KAFKA://broker:9092/", "broker:9092"},
		{"kafka://a:1,kafka://b:2", "a:1,b:2"},
		{"kafka://a:1,b:2", "a:1,b:2"},
		{"[::1]:9092", "[::1]:9092"},
		{"10.0.0.1", "10.0.0.1"},
		{"", NULL},
		{"a:1,", NULL},
		{"a:", NULL},
		{"a:0", NULL},
		{"a:70000", NULL},
		{"a:1x", NULL},
		{"http://a:1", NULL},
		{"kafka://user@a:1", NULL},
		{"a b:1", NULL},
		{"[::1:9092", NULL},
		{"a/b:1", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *servers = kafka_config_servers(cases[i].text, &error);
		if (g_strcmp0(servers, cases[i].expected))
			fail_msg("\"%s\" was read as %s", cases[i].text, servers ? servers : "nothing");
		assert_int_equal(error != NULL, cases[i].expected == NULL);
	}
}

/* What json.dumps of Python gives for each. */
static void json_is_as_python_writes_it(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"", "\"\""},
		{"command1", "\"command1\""},
		{"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
		{"\n\r\t\f\b", "\"\\n\\r\\t\\f\\b\""},
		{"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
		{"отчёт", "\"\\u043e\\u0442\\u0447\\u0451\\u0442\""},
		{"é€😀", "\"\\u00e9\\u20ac\\ud83d\\ude00\""},
		{"\xef\xbf\xbf", "\"\\uffff\""},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		GString *out = g_string_new(NULL);
		kafka_json_append(out, cases[i].text, strlen(cases[i].text));
		assert_string_equal(out->str, cases[i].expected);
		g_string_free(out, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(properties_that_break_the_promise_are_refused),
		cmocka_unit_test(properties_that_keep_it_are_taken),
		cmocka_unit_test(properties_that_there_are_not_are_told),
		cmocka_unit_test(login_is_given_once),
		cmocka_unit_test(more_may_be_on_its_way_with_exactly_once),
		cmocka_unit_test(server_and_topic_are_needed),
		cmocka_unit_test(servers_are_read),
		cmocka_unit_test(json_is_as_python_writes_it),
	};
	return cmocka_run_group_tests_name("kafka config", tests, NULL, NULL);
}
