#include "callback/kafka_config.h"

#include <string.h>

#include "model/action.h"

struct property {
	const char *name, *value;
};

/* What kafka.options may change. */
static const struct property defaults[] = {
	{"client.id", "action-scheduler"},
	/* Long enough to gather what comes due together, short beside the way to a broker and back. */
	{"linger.ms", "2"},
	/* The partition that a Java producer would choose for the same key. */
	{"partitioner", "murmur2_random"},
	/* A request that gets no answer is sent again on a new connection within the life of a message. */
	{"socket.timeout.ms", "30000"},
	{"request.timeout.ms", "20000"},
	{"message.timeout.ms", "120000"},
	{"reconnect.backoff.max.ms", "2000"},
	/* Commands may be large; what waits for a broker is bounded. */
	{"queue.buffering.max.kbytes", "65536"},
	/* How soon it is seen that a missing topic is there now; and how long a new one may take to be known.
	 */
	{"topic.metadata.refresh.interval.ms", "30000"},
	{"topic.metadata.propagation.max.ms", "10000"},
	{"log.connection.close", "false"},
};

/* What it may not. */
static const struct property fixed[] = {
	{"enable.idempotence", "true"},
	{"log.queue", "true"},
};

#define DURABLE "a message could be lost"
#define ORDER   "the order of an action's messages could be lost"
#define OWN     "it is chosen by the scheduler"
#define SERVER  "brokers are given in kafka.server"

/* Properties with the only values that they may have (NULL: none), or with a range. */
static const struct rule {
	const char *name;
	const char *allowed; /* separated by spaces */
	int64_t least, most; /* where least < most */
	const char *reason;
} rules[] = {
	{"acks", "all -1", 0, 0, DURABLE},
	{"request.required.acks", "all -1", 0, 0, DURABLE},
	{"enable.idempotence", "true", 0, 0, ORDER},
	{"max.in.flight", NULL, 1, 5, ORDER},
	{"max.in.flight.requests.per.connection", NULL, 1, 5, ORDER},
	{"queuing.strategy", "fifo", 0, 0, ORDER},
	{"partitioner", "consistent consistent_random murmur2 murmur2_random fnv1a fnv1a_random", 0, 0,
		ORDER},
	{"retries", NULL, 1, INT32_MAX, DURABLE},
	{"message.send.max.retries", NULL, 1, INT32_MAX, DURABLE},
	{"delivery.report.only.error", "false", 0, 0, "what was delivered could not be told"},
	{"bootstrap.servers", NULL, 0, 0, SERVER},
	{"metadata.broker.list", NULL, 0, 0, SERVER},
	{"transactional.id", NULL, 0, 0, OWN},
	{"enabled_events", NULL, 0, 0, OWN},
	{"log.queue", NULL, 0, 0, OWN},
};

static bool is_one_of(const char *words, const char *value)
{
	g_auto(GStrv) allowed = g_strsplit(words, " ", -1);
	for (size_t i = 0; allowed[i]; i++)
		if (!g_ascii_strcasecmp(allowed[i], value))
			return true;
	return false;
}

static bool rule_allows(const struct rule *rule, const char *value)
{
	if (rule->allowed)
		return is_one_of(rule->allowed, value);
	gint64 number;
	return rule->least < rule->most &&
	       g_ascii_string_to_signed(value, 10, rule->least, rule->most, &number, NULL);
}

static bool rule_refuse(const struct rule *rule, GError **error)
{
	g_autofree char *may = NULL;
	if (rule->allowed) {
		g_auto(GStrv) allowed = g_strsplit(rule->allowed, " ", -1);
		g_autofree char *list = g_strjoinv(", ", allowed);
		may = g_strdup_printf("may only be %s", list);
	} else if (rule->least < rule->most) {
		may = g_strdup_printf("may only be from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
			rule->least, rule->most);
	} else {
		may = g_strdup("cannot be set");
	}
	g_set_error(
		error, AS_ERROR, AS_ERROR_INVALID, "kafka.options: %s %s: %s", rule->name, may, rule->reason);
	return false;
}

static bool options_check(const struct kafka_settings *settings, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
		const char *value = g_hash_table_lookup(settings->options, rules[i].name);
		if (value && !rule_allows(&rules[i], value))
			return rule_refuse(&rules[i], error);
	}
	bool twice = (settings->username && g_hash_table_contains(settings->options, "sasl.username")) ||
		     (settings->password && g_hash_table_contains(settings->options, "sasl.password"));
	if (twice)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"kafka.options: sasl.username and sasl.password may not stand beside kafka.username "
			"and kafka.password");
	return !twice;
}

bool kafka_config_set(rd_kafka_conf_t *conf, const char *name, const char *value, GError **error)
{
	char why[512];
	if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
		return true;
	g_autofree char *text = g_utf8_make_valid(why, -1);
	g_set_error(error, AS_ERROR, AS_ERROR_INVALID, "kafka.options: %s: %s", name, text);
	return false;
}

static bool set_pairs(rd_kafka_conf_t *conf, const struct property *pairs, size_t count, GError **error)
{
	for (size_t i = 0; i < count; i++)
		if (!kafka_config_set(conf, pairs[i].name, pairs[i].value, error))
			return false;
	return true;
}

static bool set_options(rd_kafka_conf_t *conf, GHashTable *options, GError **error)
{
	GHashTableIter iter;
	gpointer name, value;
	g_hash_table_iter_init(&iter, options);
	while (g_hash_table_iter_next(&iter, &name, &value))
		if (!kafka_config_set(conf, name, value, error))
			return false;
	return true;
}

static bool set_all(rd_kafka_conf_t *conf, const struct kafka_settings *settings, GError **error)
{
	g_autofree char *servers = kafka_config_servers(settings->server, error);
	return servers && set_pairs(conf, defaults, G_N_ELEMENTS(defaults), error) &&
	       set_options(conf, settings->options, error) &&
	       set_pairs(conf, fixed, G_N_ELEMENTS(fixed), error) &&
	       kafka_config_set(conf, "bootstrap.servers", servers, error) &&
	       (!settings->username || kafka_config_set(conf, "sasl.username", settings->username, error)) &&
	       (!settings->password || kafka_config_set(conf, "sasl.password", settings->password, error));
}

rd_kafka_conf_t *kafka_config_producer(const struct kafka_settings *settings, GError **error)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	if (set_all(conf, settings, error))
		return conf;
	rd_kafka_conf_destroy(conf);
	return NULL;
}

rd_kafka_conf_t *kafka_config_observer(const struct kafka_settings *settings, GError **error)
{
	rd_kafka_conf_t *conf = kafka_config_producer(settings, error);
	if (!conf || kafka_config_set(conf, "allow.auto.create.topics", "false", error))
		return conf;
	rd_kafka_conf_destroy(conf);
	return NULL;
}

static bool is_missing(const char *value, const char *key, GError **error)
{
	if (!value)
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"the callback kafka needs %s, which is not in the configuration", key);
	return !value;
}

bool kafka_config_check(const struct kafka_settings *settings, GError **error)
{
	if (is_missing(settings->server, "kafka.server", error) ||
		is_missing(settings->topic, "kafka.topic", error))
		return false;
	if (!topic_is_valid(settings->topic)) {
		g_set_error_literal(error, AS_ERROR, AS_ERROR_INVALID,
			"kafka.topic: Kafka has no topics of this name (letters, digits, dots, underscores "
			"and "
			"hyphens)");
		return false;
	}
	if (!options_check(settings, error))
		return false;
	rd_kafka_conf_t *conf = kafka_config_producer(settings, error);
	if (conf)
		rd_kafka_conf_destroy(conf);
	return conf != NULL;
}

/* --- addresses --- */

/* Whether it is a host with an optional port; a host with colons stands in brackets. */
static bool is_address(const char *text)
{
	const char *end = *text == '[' ? strchr(text, ']') : text + strcspn(text, ":");
	if (!end || end == text)
		return false;
	if (*end == ']')
		end++;
	for (const char *at = text; at < end; at++)
		if (!g_ascii_isgraph(*at) || strchr("/@,", *at))
			return false;
	guint64 port;
	return !*end || (*end == ':' && g_ascii_string_to_unsigned(end + 1, 10, 1, 65535, &port, NULL));
}

/* `kafka://host:9092/` without what librdkafka does not take. */
static char *address_of(const char *text)
{
	static const char scheme[] = "kafka://";
	g_autofree char *address = g_strstrip(g_strdup(text));
	bool has_scheme = !g_ascii_strncasecmp(address, scheme, strlen(scheme));
	char *rest = g_strdup(address + (has_scheme ? strlen(scheme) : 0));
	if (has_scheme && g_str_has_suffix(rest, "/"))
		rest[strlen(rest) - 1] = '\0';
	return rest;
}

char *kafka_config_servers(const char *text, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(*text ? text : " ", ",", -1);
	for (size_t i = 0; parts[i]; i++) {
		char *address = address_of(parts[i]);
		g_free(parts[i]);
		parts[i] = address;
		if (is_address(address))
			continue;
		g_set_error(error, AS_ERROR, AS_ERROR_INVALID,
			"kafka.server: \"%s\" is no address of a broker: host:port, several with commas "
			"between, or kafka://host:port",
			address);
		return NULL;
	}
	return g_strjoinv(",", parts);
}
