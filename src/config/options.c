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
static const char *const deliveries[] = {"at_least_once", "at_most_once", NULL};
static const char *const kafka_values[] = {"json", "raw", NULL};
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
	{"action.on_failure", false, true,
		"What is called when a fire ends as failed, or a row cannot be understood. At most once "
		"for each of them, not again for its own failures, and not promised over a crash."},
	{"print", false, false, "The callback `print`."},
	{"kafka", true, true, "Where the callback `kafka` sends to (docs/kafka.md)."},
	{"exec", false, false, "The callback `exec`, which runs programs (docs/exec.md)."},
	{"http", false, false, "The callback `http`, which sends a request for each fire (docs/http.md)."},
	{"python", false, false,
		"The callbacks `python:module:function`, which call functions in Python (docs/python.md)."},
	{"plugin", false, false,
		"The callbacks `plugin:/path/lib.so:symbol`, which call shared libraries (docs/plugin.md)."},
	{"history", false, false, "What is kept of past fires, in internal_db."},
	{"server", false, false, "What the running scheduler answers on."},
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

/* The rows that every callback has. `unset`: what max_open is where it is absent, in words. */
#define LIMITS(section, field, unset)                                                                   \
	{.key = #section ".max_open",                                                                   \
		.type = OPTION_INT,                                                                     \
		.offset = AT(callback.field.max_open),                                                  \
		.least = 1,                                                                             \
		.most = 1000000,                                                                        \
		.example = "100",                                                                       \
		.help = "How many of its fires may be on their way at a time; " unset                   \
			" where it is absent. "                                                         \
			"It bounds what a crash can repeat, too."},                                     \
	{                                                                                               \
		.key = #section ".rate", .type = OPTION_RATE, .offset = AT(callback.field.per_hour),    \
		.least = 1, .most = INT64_C(3600) * 1000000, .example = "100/s",                        \
		.help = "How many fires are handed to it at most in a time, evenly spread. Those that " \
			"come more than a second late for it are missed fires, as others are."          \
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
	{.key = "action.placeholders",
		.type = OPTION_BOOL,
		.offset = AT(callback.placeholders),
		.fallback = "false",
		.help = "Whether `{fire_id}`, `{action_id}`, `{name}`, `{scheduled_at}` and `{attempt}` in "
			"commands are replaced. Quoted as the place needs it; other braces stay as they "
			"are."},
	{.key = "action.on_failure.callback",
		.type = OPTION_STRING,
		.offset = AT(on_failure.callback),
		.required = true,
		.filled = true,
		.example = "http",
		.help = "The callback that is told."},
	{.key = "action.on_failure.command",
		.type = OPTION_STRING,
		.offset = AT(on_failure.command),
		.fallback = "{status} {fire_id} {name}: {error}",
		.help = "The command that it gets. `{status}` (`failed` or `bad_row`), `{error}`, "
			"`{fire_id}`, `{action_id}`, `{name}` and `{scheduled_at}` are replaced."},
	{.key = "action.on_failure.rate",
		.type = OPTION_RATE,
		.offset = AT(on_failure.per_hour),
		.fallback = "10/m",
		.least = 1,
		.most = INT64_C(3600) * 1000,
		.help = "How many failures are told at most in a time; how many were left out is told with "
			"the next one."},
	LIMITS(print, print, "8192"),
	{.key = "kafka.server",
		.type = OPTION_STRING,
		.offset = AT(callback.kafka.server),
		.python = true,
		.filled = true,
		.example = "\"localhost:9092\"",
		.help = "The address of a broker, or of several with commas between; with or without "
			"`kafka://` in front. The port is 9092 where none is given."},
	{.key = "kafka.topic",
		.type = OPTION_STRING,
		.offset = AT(callback.kafka.topic),
		.python = true,
		.filled = true,
		.example = "actions",
		.help = "The topic that commands are sent to."},
	{.key = "kafka.value",
		.type = OPTION_ENUM,
		.offset = AT(callback.kafka.value),
		.fallback = "json",
		.names = kafka_values,
		.help = "What a message holds: `json` is `{\"command\": \"…\"}`, `raw` the bytes of the "
			"command."},
	{.key = "kafka.username",
		.type = OPTION_STRING,
		.offset = AT(callback.kafka.username),
		.filled = true,
		.example = "scheduler",
		.help = "The name to log in with; sets `sasl.username`. `security.protocol` and "
			"`sasl.mechanism` are given in `kafka.options`."},
	{.key = "kafka.password",
		.type = OPTION_SECRET,
		.offset = AT(callback.kafka.password),
		.filled = true,
		.example = "secret",
		.help = "Its password; sets `sasl.password`. Better kept out of this file: in "
			"`password_file` or a variable."},
	{.key = "kafka.password_file",
		.type = OPTION_PATH,
		.offset = AT(callback.kafka.password_file),
		.filled = true,
		.example = "/run/secrets/kafka",
		.help = "A file that holds the password, as `password_file` of a database does."},
	{.key = "kafka.exactly_once",
		.type = OPTION_BOOL,
		.offset = AT(callback.kafka.exactly_once),
		.fallback = "false",
		.help = "Whether each fire becomes exactly one message for consumers with `isolation.level: "
			"read_committed`, whatever crashes come between. By transactions, beside which "
			"`kafka.progress_topic` tells what is delivered. Needs `internal_db`."},
	{.key = "kafka.transactional_id",
		.type = OPTION_STRING,
		.offset = AT(callback.kafka.transactional_id),
		.filled = true,
		.example = "action-scheduler.actions",
		.help = "What the transactional ids of `kafka.exactly_once` begin with, unlike those of "
			"every other "
			"scheduler on the cluster: one with the same takes over. `action-scheduler.` and the "
			"topic "
			"where it is absent."},
	{.key = "kafka.progress_topic",
		.type = OPTION_STRING,
		.offset = AT(callback.kafka.progress_topic),
		.fallback = "action-scheduler-progress",
		.filled = true,
		.help = "The topic of `kafka.exactly_once`'s own records, compacted, of 8 partitions. Made "
			"where it is "
			"absent; schedulers may share it."},
	{.key = "kafka.options",
		.type = OPTION_MAP,
		.offset = AT(callback.kafka.options),
		.example = "{security.protocol: sasl_ssl, sasl.mechanism: SCRAM-SHA-512}",
		.help = "Properties of librdkafka, by its own names. Those that would break what the "
			"callback promises are refused."},
	LIMITS(kafka, kafka.limits, "8192, or 131072 with `kafka.exactly_once`,"),
	{.key = "exec.enabled",
		.type = OPTION_BOOL,
		.offset = AT(callback.exec.enabled),
		.fallback = "false",
		.help = "Whether programs may be run at all. Whoever can write the table can then run what "
			"`exec.programs` allows, as the user of `exec.user`."},
	{.key = "exec.programs",
		.type = OPTION_MAP,
		.offset = AT(callback.exec.programs),
		.example = "{report: /usr/local/bin/report --quiet}",
		.help = "Where it is given, the first word of a command must be one of these names; the "
			"words that it stands for take its place. Any program may be run where it is empty."},
	{.key = "exec.shell",
		.type = OPTION_BOOL,
		.offset = AT(callback.exec.shell),
		.fallback = "false",
		.help = "Hands the command to `/bin/sh -c` instead of splitting it into words. Not together "
			"with `exec.programs`."},
	{.key = "exec.delivery",
		.type = OPTION_ENUM,
		.offset = AT(callback.exec.at_most_once),
		.fallback = "at_least_once",
		.names = deliveries,
		.help = "What a crash of the scheduler means for a program that was running. "
			"`at_least_once`: it is run again. `at_most_once`: that it starts is written down "
			"first, "
			"and it counts as failed."},
	{.key = "exec.directory",
		.type = OPTION_PATH,
		.offset = AT(callback.exec.directory),
		.fallback = "/",
		.filled = true,
		.help = "The working directory of programs."},
	{.key = "exec.user",
		.type = OPTION_STRING,
		.offset = AT(callback.exec.user),
		.filled = true,
		.example = "nobody",
		.help = "The user that programs run as, by name or number; the scheduler's own where it is "
			"absent. Needs a scheduler that runs as root."},
	{.key = "exec.group",
		.type = OPTION_STRING,
		.offset = AT(callback.exec.group),
		.filled = true,
		.example = "nogroup",
		.help = "Their group; the main one of `exec.user` where it is absent."},
	{.key = "exec.pass_environment",
		.type = OPTION_STRING,
		.offset = AT(callback.exec.pass_environment),
		.fallback = "PATH LANG LC_ALL TZ",
		.help = "The variables of the scheduler that programs get, by name. All others are kept from "
			"them."},
	{.key = "exec.environment",
		.type = OPTION_MAP,
		.offset = AT(callback.exec.environment),
		.example = "{HOME: /var/lib/jobs}",
		.help = "More variables for programs."},
	{.key = "exec.concurrency",
		.type = OPTION_INT,
		.offset = AT(callback.exec.concurrency),
		.fallback = "64",
		.least = 1,
		.most = 10000,
		.help = "How many programs run at a time."},
	{.key = "exec.kill_after",
		.type = OPTION_DURATION,
		.offset = AT(callback.exec.kill_after),
		.fallback = "10",
		.least = 0,
		.most = US_PER_DAY,
		.help = "How long a program and its children have between SIGTERM and SIGKILL, at a timeout "
			"and "
			"at the end of the scheduler."},
	{.key = "exec.output_bytes",
		.type = OPTION_SIZE,
		.offset = AT(callback.exec.output_bytes),
		.fallback = "4KiB",
		.least = 0,
		.most = INT64_C(1) << 20,
		.help = "How much of the output of a run is kept in the history; the first and the last part "
			"of "
			"a longer one. What is beyond is read and dropped."},
	{.key = "exec.log_output",
		.type = OPTION_BOOL,
		.offset = AT(callback.exec.log_output),
		.fallback = "true",
		.help = "Whether each line of output is logged as well."},
	{.key = "exec.limit_memory",
		.type = OPTION_SIZE,
		.offset = AT(callback.exec.limit_memory_bytes),
		.least = 1 << 20,
		.most = INT64_C(1) << 50,
		.example = "1GiB",
		.help = "The address space of each process (RLIMIT_AS)."},
	{.key = "exec.limit_file_size",
		.type = OPTION_SIZE,
		.offset = AT(callback.exec.limit_file_bytes),
		.least = 1,
		.most = INT64_C(1) << 50,
		.example = "1GiB",
		.help = "The largest file that a process may write (RLIMIT_FSIZE)."},
	{.key = "exec.limit_open_files",
		.type = OPTION_INT,
		.offset = AT(callback.exec.limit_open_files),
		.least = 3,
		.most = 1000000,
		.example = "1024",
		.help = "How many files a process may have open (RLIMIT_NOFILE)."},
	{.key = "exec.limit_processes",
		.type = OPTION_INT,
		.offset = AT(callback.exec.limit_processes),
		.least = 1,
		.most = 1000000,
		.example = "512",
		.help = "How many processes the user of programs may have (RLIMIT_NPROC)."},
	{.key = "exec.limit_cpu",
		.type = OPTION_DURATION,
		.offset = AT(callback.exec.limit_cpu),
		.least = US_PER_SECOND,
		.most = 365 * US_PER_DAY,
		.example = "10m",
		.help = "The processor time of each process, in whole seconds (RLIMIT_CPU)."},
	LIMITS(exec, exec.limits, "8192"),
	{.key = "http.url",
		.type = OPTION_STRING,
		.offset = AT(callback.http.url),
		.filled = true,
		.example = "https://jobs.example.com/run",
		.help = "Where requests go. Placeholders as in commands are replaced in its path and query."},
	{.key = "http.method",
		.type = OPTION_STRING,
		.offset = AT(callback.http.method),
		.fallback = "POST",
		.filled = true,
		.help = "Their method. GET and HEAD have no body."},
	{.key = "http.headers",
		.type = OPTION_MAP,
		.offset = AT(callback.http.headers),
		.example = "{X-Source: action-scheduler}",
		.help = "More headers, or others than `Content-Type: application/json`."},
	{.key = "http.token",
		.type = OPTION_SECRET,
		.offset = AT(callback.http.token),
		.filled = true,
		.example = "secret",
		.help = "Sent as `Authorization: Bearer …`. Better kept in `token_file` or a variable."},
	{.key = "http.token_file",
		.type = OPTION_PATH,
		.offset = AT(callback.http.token_file),
		.filled = true,
		.example = "/run/secrets/http-token",
		.help = "A file that holds the token, as `password_file` of a database holds the password."},
	{.key = "http.body",
		.type = OPTION_STRING,
		.offset = AT(callback.http.body),
		.example = "'{\"run\": {command}, \"id\": {fire_id}}'",
		.help = "The body, with `{command}` and the placeholders of commands replaced by JSON "
			"strings; "
			"`{\"command\": …}` where it is absent."},
	{.key = "http.ca_file",
		.type = OPTION_PATH,
		.offset = AT(callback.http.ca_file),
		.filled = true,
		.example = "/etc/ssl/private-ca.pem",
		.help = "The authorities by which the server's certificate is verified, instead of the "
			"system's."},
	{.key = "http.cert_file",
		.type = OPTION_PATH,
		.offset = AT(callback.http.cert_file),
		.filled = true,
		.example = "/etc/action-scheduler/client.pem",
		.help = "A client certificate, and its key where `key_file` is absent."},
	{.key = "http.key_file",
		.type = OPTION_PATH,
		.offset = AT(callback.http.key_file),
		.filled = true,
		.example = "/etc/action-scheduler/client.key",
		.help = "The key of the client certificate."},
	{.key = "http.follow_redirects",
		.type = OPTION_BOOL,
		.offset = AT(callback.http.follow_redirects),
		.fallback = "false",
		.help = "Whether a redirect is followed (at most 5, to http and https only); else it is a "
			"refusal."},
	{.key = "http.allow_link_local",
		.type = OPTION_BOOL,
		.offset = AT(callback.http.allow_link_local),
		.fallback = "false",
		.help = "Whether link-local addresses may be reached, among them those where clouds keep the "
			"machine's credentials."},
	{.key = "http.concurrency",
		.type = OPTION_INT,
		.offset = AT(callback.http.concurrency),
		.fallback = "64",
		.least = 1,
		.most = 10000,
		.help = "How many requests are under way at a time."},
	{.key = "http.connect_timeout",
		.type = OPTION_DURATION,
		.offset = AT(callback.http.connect_timeout),
		.fallback = "10",
		.least = US_PER_MS,
		.most = US_PER_DAY,
		.help = "How long a connection may take to be made."},
	{.key = "http.timeout",
		.type = OPTION_DURATION,
		.offset = AT(callback.http.timeout),
		.fallback = "30",
		.least = US_PER_MS,
		.most = US_PER_DAY,
		.help = "How long a request may take where the action has no `timeout`."},
	{.key = "http.response_bytes",
		.type = OPTION_SIZE,
		.offset = AT(callback.http.response_bytes),
		.fallback = "1KiB",
		.least = 0,
		.most = INT64_C(1) << 20,
		.help = "How much of the answer to a request that failed is kept in the history."},
	LIMITS(http, http.limits, "8192"),
	{.key = "python.interpreter",
		.type = OPTION_PATH,
		.offset = AT(callback.python.interpreter),
		.fallback = "python3",
		.filled = true,
		.help = "The interpreter, by name or path; that of a virtual environment brings its packages "
			"along."},
	{.key = "python.path",
		.type = OPTION_STRING,
		.offset = AT(callback.python.path),
		.filled = true,
		.example = "/srv/callbacks",
		.help = "Directories, separated by colons, in which modules are looked up first; the working "
			"directory where it is absent."},
	{.key = "python.worker",
		.type = OPTION_PATH,
		.offset = AT(callback.python.worker),
		.filled = true,
		.example = "/usr/lib/action-scheduler/worker.py",
		.help = "The script that calls the functions; the one that came with the program where it is "
			"absent."},
	{.key = "python.workers",
		.type = OPTION_INT,
		.offset = AT(callback.python.workers),
		.fallback = "4",
		.least = 1,
		.most = 1000,
		.help = "How many processes each function has, and so how many of its calls run at a time."},
	LIMITS(python, python.limits, "8192"),
	{.key = "plugin.options",
		.type = OPTION_MAP,
		.offset = AT(callback.plugin.options),
		.example = "{send_sms.gateway: https://sms.example.com}",
		.help = "What plugins are given at their start: the entries whose names begin with their "
			"symbol "
			"and a dot."},
	LIMITS(plugin, plugin.limits, "8192"),
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
	{.key = "server.socket",
		.type = OPTION_PATH,
		.offset = AT(server.socket),
		.filled = true,
		.example = "/run/action-scheduler/control.sock",
		.help = "The Unix socket on which the running scheduler answers the other verbs. Where it is "
			"absent it is `control.sock` beside the file of internal_db, else in the runtime "
			"directory under a hash of the configuration's path."},
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

char *config_database_place(const struct config_database *database)
{
	const char *dialect = config_dialect_name(database->dialect);
	g_autofree char *port =
		database->port ? g_strdup_printf(":%" G_GINT64_FORMAT, database->port) : g_strdup("");
	if (database->dialect != CONFIG_SQLITE)
		return g_strdup_printf("%s %s%s/%s", dialect, database->host ? database->host : "localhost",
			port, database->database);
	g_autofree char *path = g_canonicalize_filename(database->database, NULL);
	return g_strdup_printf("%s %s", dialect, path);
}

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
