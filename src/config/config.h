/* Purpose: the configuration as plain data, read from config.yaml, a .env file and the environment.
 * The keys, their ranges and defaults are in one table (config/options.h), documented in
 * docs/configuration.md. Invariant: a struct config is complete and checked; every string in it is valid
 * UTF-8. Any thread, as long as nobody changes the struct. The struct owns all that it points to. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/time_us.h"
#include "model/callback_settings.h"

/* The first two count as enum unix_dialect and enum dst_policy of the schedules do. */
enum config_unix_dialect { CONFIG_UNIX_STANDARD, CONFIG_UNIX_APSCHEDULER };
enum config_dst { CONFIG_DST_WALL_CLOCK, CONFIG_DST_VIXIE };
enum config_history_level { CONFIG_HISTORY_ALL, CONFIG_HISTORY_EXCEPTIONS, CONFIG_HISTORY_OFF };
enum config_dialect { CONFIG_SQLITE, CONFIG_POSTGRESQL, CONFIG_MYSQL, CONFIG_MARIADB };

/* "sqlite", "postgresql", ... */
const char *config_dialect_name(enum config_dialect dialect);

/* Strings that are not given are NULL. */
struct config_database {
	bool set; /* false only for internal_db: there is none */
	enum config_dialect dialect;
	char *driver; /* accepted as SQLAlchemy names it, no effect */
	char *username;
	char *password; /* given as it is or read from password_file */
	char *password_file;
	char *host;
	int64_t port; /* 0: the dialect's own */
	char *database;
	GHashTable *options; /* char * -> char *; never NULL */
};

/* Name and value of an option of a client library. */
struct config_pair {
	const char *name, *value;
};
/* The options of a database as an array, borrowed strings. Free with g_free. */
struct config_pair *config_database_pairs(const struct config_database *database, size_t *count);

struct config {
	char *path; /* the config.yaml that was read, NULL where there was none */
	bool debug;
	char *timezone; /* NULL: the machine's own */
	enum config_unix_dialect unix_dialect;
	dur_us track_changes_period;
	dur_us shutdown_timeout;
	struct config_database actions_db;
	struct config_database internal_db;
	struct {
		char *callback;
		struct {
			bool merge_missed;
			int64_t actuality_s; /* negative: never too old */
			enum config_dst dst;
			int64_t max_instances;
			int64_t timeout_s; /* 0: none */
			int64_t max_attempts;
			int64_t catch_up_limit; /* negative: none */
		} defaults;
	} action;
	struct callback_settings callback;
	struct {
		char *callback; /* NULL: none */
		char *command;
		int64_t per_hour;
	} on_failure;
	struct {
		char *socket; /* NULL: where the program puts it */
	} server;
	struct {
		enum config_history_level level;
		dur_us max_age;
		int64_t max_bytes;
	} history;
	struct {
		enum log_level level;
		enum log_format format;
	} log;
	struct {
		bool write_sample_actions_to_db;
		bool print_apscheduler_jobs;
		bool echo_actions_db_engine;
	} test;
	GPtrArray *settings; /* of struct config_setting, in the order of the table */
};

/* A value in force, for people: secrets are masked. */
struct config_setting {
	const char *key; /* actions_db.port; static */
	char *value;     /* as one would write it; NULL where there is none */
	char *source;    /* "default", "config.yaml:3:11", "environment variable DEBUG" */
	bool is_default;
};

/* One error of a configuration. */
struct config_problem {
	char *place;  /* "config.yaml:3:11", ".env:2", "environment variable DEBUG", "config" */
	char *key;    /* actions_db.port; NULL where it is about no single key */
	char *reason; /* a clause: "must be a whole number from 1 to 65535, not 'x'" */
};

/* Where a configuration comes from. All borrowed. */
struct config_sources {
	const char *config_path; /* NULL: what config_find finds; none is fine */
	const char *env_path; /* NULL: .env beside config.yaml, else in the working directory; none is fine */
	char **environment;   /* "NAME=value", NULL at the end, as g_get_environ() gives; NULL: empty */
};

/* The config.yaml that is read where none is asked for: in the working directory, then in
 * /etc/action-scheduler; NULL where there is none. Static. */
const char *config_find(void);

/* Reads, merges and checks everything. Returns NULL where there are errors, all of which are then appended to
 * problems (made with config_problems_new); else the caller owns the result. */
struct config *config_load(const struct config_sources *sources, GPtrArray *problems);
void config_free(struct config *config); /* NULL is fine */

/* An array that owns its struct config_problem. Free with g_ptr_array_unref. */
GPtrArray *config_problems_new(void);
/* "config.yaml:3:11: actions_db.port: must be ..." Free with g_free. */
char *config_problem_text(const struct config_problem *problem);

/* The text with each secret value of the configuration masked. Free with g_free. */
char *config_hide_secrets(const struct config *config, const char *text);
/* `sqlite /absolute/path` or `postgresql host/name`. Free with g_free. */
char *config_database_place(const struct config_database *database);

/* The configuration in force, one setting a line with its source, secrets masked. Free with g_free. */
char *config_render(const struct config *config);
