#include "config/options.h"

#include <assert.h>

static_assert(sizeof(enum config_dialect) == sizeof(unsigned), "enums are read as unsigned");

/* The longest duration that can be asked for; far from the end of 64 bits. */
#define YEARS_100_US (36525 * US_PER_DAY)
#define SECONDS_MAX  INT64_C(1000000000000)
#define AT(field)    offsetof(struct config, field)

static const char *const dialects[] = {"sqlite", "postgresql", "mysql", "mariadb", NULL};
static const char *const unix_dialects[] = {"standard", "apscheduler", NULL};
static const char *const dst_policies[] = {"wall_clock", "vixie", NULL};
static const char *const history_levels[] = {"all", "exceptions", "off", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};

const struct option_section option_sections[] = {
	{"actions_db", true, false, "The database with the table `action`."},
	{"internal_db", true, true,
		"The database of progress and history. Optional; without it nothing is remembered over a "
		"restart, and fires missed while the program was down are lost."},
	{"action", true, false, "What is called for an action, and what applies where a row says nothing."},
	{"action.defaults", true, false,
		"For every action whose row leaves the column NULL or has no such column."},
	{"kafka", true, true, "Where the callback `kafka` sends to."},
	{"history", false, false, "What is kept of past fires, in internal_db."},
	{"log", false, false, "The log on stderr."},
	{"test", true, false, "Switches for trying things out."},
};
const size_t option_sections_count = G_N_ELEMENTS(option_sections);

/* The rows that both databases have. */
#define DATABASE(db, file)                                                                             \
	{.key = #db ".dialect",                                                                        \
		.type = OPTION_ENUM,                                                                   \
		.offset = AT(db.dialect),                                                              \
		.names = dialects,                                                                     \
		.python = true,                                                                        \
		.required = true,                                                                      \
		.written = "sqlite",                                                                   \
		.help = "The kind of database."},                                                      \
		{.key = #db ".driver",                                                                 \
			.type = OPTION_STRING,                                                         \
			.offset = AT(db.driver),                                                       \
			.python = true,                                                                \
			.example = "psycopg2",                                                         \
			.help = "Accepted as SQLAlchemy names drivers; has no effect."},               \
		{.key = #db ".username",                                                               \
			.type = OPTION_STRING,                                                         \
			.offset = AT(db.username),                                                     \
			.python = true,                                                                \
			.example = "scheduler",                                                        \
			.help = "The role to log in as. SQLite needs none."},                          \
		{.key = #db ".password",                                                               \
			.type = OPTION_SECRET,                                                         \
			.offset = AT(db.password),                                                     \
			.python = true,                                                                \
			.example = "secret",                                                           \
			.help = "Its password. Better kept out of this file: in `password_file` or a " \
				"variable."},                                                          \
		{.key = #db ".password_file",                                                          \
			.type = OPTION_PATH,                                                           \
			.offset = AT(db.password_file),                                                \
			.filled = true,                                                                \
			.example = "/run/secrets/" #db,                                                \
			.help = "A file that holds the password, instead of `password`; a newline at " \
				"its end is dropped. A relative path is looked up in "                 \
				"`$CREDENTIALS_DIRECTORY` where systemd sets that, else in the "       \
				"working directory."},                                                 \
		{.key = #db ".host",                                                                   \
			.type = OPTION_STRING,                                                         \
			.offset = AT(db.host),                                                         \
			.python = true,                                                                \
			.example = "localhost",                                                        \
			.help = "The server's name or address. SQLite needs none."},                   \
		{.key = #db ".port",                                                                   \
			.type = OPTION_INT,                                                            \
			.offset = AT(db.port),                                                         \
			.least = 1,                                                                    \
			.most = 65535,                                                                 \
			.python = true,                                                                \
			.example = "5432",                                                             \
			.help = "The server's port; the usual one of the dialect where it is "         \
				"absent."},                                                            \
		{.key = #db ".database",                                                               \
			.type = OPTION_STRING,                                                         \
			.offset = AT(db.database),                                                     \
			.python = true,                                                                \
			.required = true,                                                              \
			.filled = true,                                                                \
			.written = file,                                                               \
			.help = "The name of the database; for SQLite the path of its file, relative " \
				"to the working directory."},                                          \
	{                                                                                              \
		.key = #db ".options", .type = OPTION_MAP, .offset = AT(db.options),                   \
		.example = "{sslmode: require}",                                                       \
		.help = "Parameters passed on to the client library, by its own names. Not used with " \
			"SQLite."                                                                      \
	}

/* In the order in which they are documented and written: top-level keys first, a section's keys together. */
const struct option options[] = {
	{.key = "debug",
		.type = OPTION_BOOL,
		.offset = AT(debug),
		.fallback = "false",
		.python = true,
		.written = "false",
		.help = "Logs in detail, as `log.level: debug` does."},
	{.key = "timezone",
		.type = OPTION_STRING,
		.offset = AT(timezone),
		.filled = true,
		.example = "Europe/Berlin",
		.help = "The time zone of schedules that name none, as the tz database calls it; the "
			"machine's own where it is absent."},
	{.key = "unix_dialect",
		.type = OPTION_ENUM,
		.offset = AT(unix_dialect),
		.fallback = "standard",
		.names = unix_dialects,
		.help = "How expressions of the format `unix` are read. `standard` is crontab(5): 0 and 7 "
			"are "
			"Sunday, and where both day fields are restricted either may match. `apscheduler` "
			"is how the Python program really read them: 0 is Monday, and both must match."},
	{.key = "track_changes_period",
		.type = OPTION_DURATION,
		.offset = AT(track_changes_period),
		.fallback = "30",
		.least = US_PER_SECOND / 10,
		.most = 365 * US_PER_DAY,
		.python = true,
		.written = "15",
		.help = "The longest time until a change of the table `action` is noticed. Where the "
			"database "
			"tells of changes they are seen at once."},
	{.key = "shutdown_timeout",
		.type = OPTION_DURATION,
		.offset = AT(shutdown_timeout),
		.fallback = "30",
		.least = 0,
		.most = 365 * US_PER_DAY,
		.help = "How long the program waits for running actions when it is told to end."},
	DATABASE(actions_db, "database.db"),
	DATABASE(internal_db, "database.db"),
	{.key = "action.callback",
		.type = OPTION_STRING,
		.offset = AT(action.callback),
		.python = true,
		.required = true,
		.filled = true,
		.written = "print",
		.help = "What is called with the command of an action. `print` (also "
			"`action_scheduler.callbacks:print_command`) writes the time and the command to "
			"stdout."},
	{.key = "action.defaults.merge_missed",
		.type = OPTION_BOOL,
		.offset = AT(action.defaults.merge_missed),
		.fallback = "false",
		.python = true,
		.written = "false",
		.help = "Whether only the latest of an action's missed fires is made up for."},
	{.key = "action.defaults.actuality_time",
		.type = OPTION_SECONDS,
		.offset = AT(action.defaults.actuality_s),
		.fallback = "-1",
		.least = -SECONDS_MAX,
		.most = SECONDS_MAX,
		.python = true,
		.written = "-1",
		.help = "How old a missed fire may be to be made up for. 0 drops every missed fire, a "
			"negative "
			"number means never too old."},
	{.key = "action.defaults.dst",
		.type = OPTION_ENUM,
		.offset = AT(action.defaults.dst),
		.fallback = "wall_clock",
		.names = dst_policies,
		.help = "What happens when clocks change. `wall_clock`: a time that is skipped does not "
			"fire, one "
			"that comes twice fires twice. `vixie`: as cron(8) does, schedules of fixed times "
			"fire "
			"right after a gap, and once in an overlap."},
	{.key = "action.defaults.max_instances",
		.type = OPTION_INT,
		.offset = AT(action.defaults.max_instances),
		.fallback = "3",
		.least = 1,
		.most = 1000000,
		.help = "How many runs of one action may go on at a time. A live fire over it is skipped."},
	{.key = "action.defaults.timeout",
		.type = OPTION_SECONDS,
		.offset = AT(action.defaults.timeout_s),
		.least = 1,
		.most = SECONDS_MAX,
		.example = "60",
		.help = "How long a run may take before it is ended; unlimited where it is absent."},
	{.key = "action.defaults.max_attempts",
		.type = OPTION_INT,
		.offset = AT(action.defaults.max_attempts),
		.fallback = "1",
		.least = 1,
		.most = 1000000,
		.help = "How often a fire is tried before it counts as failed. Waiting for a receiver that "
			"cannot "
			"be reached uses up no attempt."},
	{.key = "action.defaults.catch_up_limit",
		.type = OPTION_INT,
		.offset = AT(action.defaults.catch_up_limit),
		.absent = -1,
		.least = 0,
		.most = 1000000000,
		.example = "100",
		.help = "The most missed fires of an action that are made up for, the newest ones; unlimited "
			"where it is absent."},
	{.key = "kafka.server",
		.type = OPTION_STRING,
		.offset = AT(kafka.server),
		.python = true,
		.filled = true,
		.example = "\"localhost:9092\"",
		.help = "The address of a broker."},
	{.key = "kafka.topic",
		.type = OPTION_STRING,
		.offset = AT(kafka.topic),
		.python = true,
		.filled = true,
		.example = "actions",
		.help = "The topic that commands are sent to."},
	{.key = "history.level",
		.type = OPTION_ENUM,
		.offset = AT(history.level),
		.fallback = "all",
		.names = history_levels,
		.help = "What is recorded: `all` fires, `exceptions` (all but the delivered ones), or "
			"`off`."},
	{.key = "history.max_age",
		.type = OPTION_DURATION,
		.offset = AT(history.max_age),
		.fallback = "30d",
		.least = US_PER_SECOND,
		.most = YEARS_100_US,
		.help = "How long it is kept."},
	{.key = "history.max_bytes",
		.type = OPTION_SIZE,
		.offset = AT(history.max_bytes),
		.fallback = "1GiB",
		.least = 65536,
		.most = INT64_C(1) << 50,
		.help = "How much room it may take; beyond it the oldest part is removed."},
	{.key = "log.level",
		.type = OPTION_ENUM,
		.offset = AT(log.level),
		.fallback = "info",
		.names = log_levels,
		.help = "The least important events that are logged."},
	{.key = "log.format",
		.type = OPTION_ENUM,
		.offset = AT(log.format),
		.fallback = "text",
		.names = log_formats,
		.help = "`text` for people, `json` for machines: one object a line."},
	{.key = "test.write_sample_actions_to_db",
		.type = OPTION_BOOL,
		.offset = AT(test.write_sample_actions_to_db),
		.fallback = "false",
		.python = true,
		.help = "Fills an empty table `action` from `sample_actions.yaml` at the start."},
	{.key = "test.print_apscheduler_jobs",
		.type = OPTION_BOOL,
		.offset = AT(test.print_apscheduler_jobs),
		.fallback = "false",
		.python = true,
		.help = "Writes every action with its next fire to stderr, once each "
			"`track_changes_period`."},
	{.key = "test.echo_actions_db_engine",
		.type = OPTION_BOOL,
		.offset = AT(test.echo_actions_db_engine),
		.fallback = "false",
		.python = true,
		.help = "Logs every SQL statement sent to actions_db."},
};
const size_t options_count = G_N_ELEMENTS(options);

struct config_pair *config_database_pairs(const struct config_database *database, size_t *count)
{
	struct config_pair *pairs = g_new(struct config_pair, g_hash_table_size(database->options) + 1);
	GHashTableIter iter;
	gpointer name, value;
	*count = 0;
	g_hash_table_iter_init(&iter, database->options);
	while (g_hash_table_iter_next(&iter, &name, &value))
		pairs[(*count)++] = (struct config_pair){name, value};
	return pairs;
}

const char *config_dialect_name(enum config_dialect dialect)
{
	return dialects[dialect];
}
