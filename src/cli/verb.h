/* Purpose: the table of verbs, and what every verb may use: configuration, databases, zones, messages.
 * One thread; a struct cli lives as long as the command. What is opened through it is the caller's unless it
 * says otherwise. */
#pragma once

#include "cli/cli.h"
#include "cli/output.h"
#include "cron/zone_cache.h"
#include "journal/journal.h"
#include "store/store.h"

struct cli {
	const struct cli_host *host;
	const struct verb *verb;
	time_us now;
	struct output_style style;
	struct pager *pager; /* what style.file leads to; NULL: nothing is paged */
	/* Global options as given; NULL or false where they were not. */
	char *config_path, *env_path;
	bool quiet, verbose, has_log_format;
	enum log_format log_format;
	char **environment;
	/* Made on demand, freed at the end. */
	struct config *config;
	GHashTable *callbacks; /* names that are good */
	struct zone_cache *zones;
	struct schedule_cache *schedules;
	struct zone *zone;
	char *zone_name;
	struct zone *shown_zone; /* of times in tables; NULL: zone */
	struct journal_setting *journal_settings;
};

struct verb {
	const char *name;
	const char *arguments; /* for the usage, after the options; NULL: none */
	const char *summary;   /* a clause for the list of verbs */
	const char *help;      /* sentences; lines are kept as they are */
	const char *examples;  /* a command a line, without the program's name; # begins a comment */
	const GOptionEntry *options;
	bool listing; /* has -o */
	/* Returns the exit status; arguments are NULL-terminated. */
	int (*run)(struct cli *cli, char **arguments);
};

/* NULL-terminated. */
extern const struct verb *const verbs[];
extern const struct verb verb_run, verb_init, verb_list, verb_show, verb_next, verb_explain, verb_check,
	verb_history, verb_import, verb_export, verb_add, verb_edit, verb_remove, verb_pause, verb_resume,
	verb_simulate, verb_status, verb_trigger, verb_retry, verb_progress, verb_completion;

extern const GOptionEntry cli_global_options[];
extern const GOptionEntry cli_output_options[];
/* --help of a verb; of the program where verb is NULL. Free with g_free. */
char *cli_help(const struct verb *verb);

/* --- messages, on stderr --- */

/* The text of the error with what it is about in front; takes the error. Returns EXIT_FAILED. */
int cli_fail(const struct cli *cli, GError *error, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Wrong command line. Returns EXIT_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);
void cli_error(const struct cli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Left out with -q. */
void cli_warn(const struct cli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);
void cli_say(const struct cli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* --- what stands behind the verbs --- */

struct config_sources cli_sources(const struct cli *cli);
/* Reads the configuration into cli->config and says all that is wrong with it. */
bool cli_load_config(struct cli *cli);
/* The same where a verb can do without: with no config.yaml and none asked for, what `init` would write
 * stands for it, below the environment. */
bool cli_load_config_or_default(struct cli *cli);

const struct zone_source *cli_zones(struct cli *cli);
struct schedule_cache *cli_schedules(struct cli *cli);
/* Sets cli->zone and zone_name to the named zone, or where name is NULL to the configured one, else the
 * machine's. */
bool cli_choose_zone(struct cli *cli, const char *name, GError **error);
/* The zone of times in tables becomes the named one; where name is NULL it stays cli->zone. False with what
 * is wrong said: exit status 2. */
bool cli_show_times_in(struct cli *cli, const char *name);
/* Borrowed; after cli_choose_zone. */
const struct zone *cli_shown_zone(const struct cli *cli);
/* The option that chooses it. */
#define SHOWN_ZONE_OPTION(place)                                                            \
	{                                                                                   \
		"timezone", 0, 0, G_OPTION_ARG_FILENAME, &(place),                          \
			"the zone of times in tables (default: the configured one)", "ZONE" \
	}
/* What NULL means in a row; the strings live as long as cli. Needs config and zone. */
void cli_defaults(const struct cli *cli, struct action_defaults *out);
struct lane_names cli_lanes(struct cli *cli);
/* The same to look for what is wrong with rows: the callback of the configuration passes, as what is wrong
 * with it is no row's fault. */
struct lane_names cli_row_lanes(struct cli *cli);

enum cli_store_mode { CLI_STORE_READ, CLI_STORE_WRITE, CLI_STORE_CREATE };
struct store *cli_open_store(const struct cli *cli, enum cli_store_mode mode, GError **error);
/* internal_db for reading. NULL without an error where none is configured, or where it is not there yet. */
struct journal *cli_open_journal(struct cli *cli, GError **error);
/* The options of the journal as configured; their settings are valid until the next call. */
struct journal_options cli_journal_options(struct cli *cli);
/* `sqlite /absolute/path` or `postgresql host:5432/name`. Free with g_free. */
char *cli_database_place(const struct config_database *database);

/* From here on style.file is stdout itself: for what comes bit by bit, or is no table. */
void cli_unpage(struct cli *cli);

/* Config and zone: what most verbs begin with. False with everything said. */
bool cli_prepare(struct cli *cli);

/* Reads an integer of an option or an id. */
bool cli_parse_int(const char *text, int64_t *out);
/* The place in a NULL-terminated list of what may stand for an option; -1 with the error said where it is
 * none of them. NULL is the first. */
int cli_choose(const struct cli *cli, const char *option, const char *value, const char *const *allowed);
/* The member of a NULL-terminated list that a mistyped text probably meant; NULL where none is near. */
const char *cli_nearest(const char *text, const char *const *names);
