/* Purpose: what the configuration says about callbacks, as plain data, so that the folder of callbacks needs
 * to know nothing of configurations. The keys, ranges and defaults are in config/options.c. Strings that are
 * not given are NULL; a map (char * → char *) is never NULL. The holder owns what hangs on it; constant once
 * made, so any thread may read it. */
#pragma once

#include <glib.h>

#include "base/time_us.h"

/* What every callback has. */
struct callback_limits {
	int64_t max_open; /* fires handed out and not yet answered for good; 0: the engine's own bound */
	int64_t per_hour; /* the rate, in fires an hour; 0: none */
};

struct exec_settings {
	struct callback_limits limits;
	bool enabled;
	bool shell;              /* /bin/sh -c COMMAND instead of words */
	unsigned at_most_once;   /* 1: exec.delivery is at_most_once */
	GHashTable *programs;    /* name → words that stand for it; empty: any program */
	char *directory;         /* the working directory; NULL: / */
	char *user, *group;      /* NULL: those of the scheduler */
	char *pass_environment;  /* names of variables that are passed on, separated by spaces or commas */
	GHashTable *environment; /* more variables */
	int64_t concurrency;     /* processes at a time */
	dur_us kill_after;       /* from SIGTERM to SIGKILL */
	int64_t output_bytes;    /* of the output of a run that are kept */
	bool log_output;         /* each line into the log, too */
	/* Resource limits; 0: those of the scheduler. */
	int64_t limit_memory_bytes, limit_file_bytes, limit_open_files, limit_processes;
	dur_us limit_cpu;
};

struct http_settings {
	struct callback_limits limits;
	char *url;
	char *method;
	GHashTable *headers;
	char *token; /* Authorization: Bearer; given as it is or read from token_file */
	char *token_file;
	char *body;      /* with placeholders; NULL: {"command": "…"} */
	char *ca_file;   /* NULL: the system's authorities */
	char *cert_file; /* client certificate, PEM */
	char *key_file;
	bool follow_redirects;
	bool allow_link_local; /* 169.254.0.0/16, fe80::/10 and the clouds' metadata addresses */
	int64_t concurrency;   /* requests at a time */
	dur_us connect_timeout;
	dur_us timeout;         /* of a request where the action has no timeout of its own */
	int64_t response_bytes; /* of an answer that are kept in the history */
};

struct python_settings {
	struct callback_limits limits;
	char *interpreter;
	char *path; /* directories that modules are looked up in first, separated by colons; NULL: the working
		       directory */
	char *worker;    /* the worker script; NULL: the one that came with the program */
	int64_t workers; /* processes of each function */
};

struct plugin_settings {
	struct callback_limits limits;
	GHashTable *options; /* SYMBOL.NAME → value, handed to the plugin of that symbol as NAME */
};

struct kafka_settings {
	struct callback_limits limits;
	char *server; /* host:port, several with commas between, or kafka://host:port */
	char *topic;
	unsigned value; /* enum kafka_value */
	char *username; /* SASL */
	char *password; /* given as it is or read from password_file */
	char *password_file;
	bool exactly_once;
	char *transactional_id; /* NULL: made of the topic */
	char *progress_topic;
	GHashTable *options; /* of librdkafka */
};
enum kafka_value { KAFKA_VALUE_JSON, KAFKA_VALUE_RAW };

struct callback_settings {
	bool placeholders; /* {fire_id} and others are replaced in commands */
	struct callback_limits print;
	struct exec_settings exec;
	struct http_settings http;
	struct python_settings python;
	struct plugin_settings plugin;
	struct kafka_settings kafka;
};
