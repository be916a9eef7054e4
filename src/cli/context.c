/* What stands behind the verbs: configuration, zones, databases. */
#include "cli/verb.h"

#include "base/tzfile.h"
#include "config/options.h"

#include <string.h>

struct config_sources cli_sources(const struct cli *cli)
{
	return (struct config_sources){cli->config_path, cli->env_path, cli->environment};
}

static bool load_config(struct cli *cli, const struct config_sources *sources)
{
	g_autoptr(GPtrArray) problems = config_problems_new();
	cli->config = config_load(sources, problems);
	for (guint i = 0; !cli->config && i < problems->len; i++) {
		g_autofree char *text = config_problem_text(g_ptr_array_index(problems, i));
		cli_error(cli, "%s", text);
	}
	return cli->config != NULL;
}

bool cli_load_config(struct cli *cli)
{
	struct config_sources sources = cli_sources(cli);
	return cli->config || load_config(cli, &sources);
}

bool cli_load_config_or_default(struct cli *cli)
{
	if (cli->config_path || config_find())
		return cli_load_config(cli);
	struct config_sources sources = cli_sources(cli);
	g_auto(GStrv) environment = g_strdupv(cli->environment);
	for (size_t i = 0; i < options_count; i++) {
		g_autofree char *name = options[i].required ? option_variable(options[i].key) : NULL;
		bool wanted = name && options[i].written && !option_key_within(options[i].key, "internal_db");
		if (wanted && !g_environ_getenv(environment, name))
			environment = g_environ_setenv(environment, name, options[i].written, FALSE);
	}
	sources.environment = environment;
	return load_config(cli, &sources);
}

const struct zone_source *cli_zones(struct cli *cli)
{
	if (!cli->zones)
		cli->zones = zone_cache_new(tzfile_read);
	return zone_cache_source(cli->zones);
}

struct schedule_cache *cli_schedules(struct cli *cli)
{
	if (!cli->schedules)
		cli->schedules = schedule_cache_new(cli_zones(cli));
	return cli->schedules;
}

bool cli_choose_zone(struct cli *cli, const char *name, GError **error)
{
	const struct zone_source *source = cli_zones(cli);
	const char *configured = cli->config ? cli->config->timezone : NULL;
	g_autofree char *machine = name || configured ? NULL : tzfile_machine_zone_name();
	const char *chosen = name ? name : configured ? configured : machine;
	struct zone *zone = source->load(source->context, chosen, error);
	if (!zone)
		return false;
	char *copy = g_strdup(chosen);
	zone_unref(cli->zone);
	g_free(cli->zone_name);
	cli->zone = zone;
	cli->zone_name = copy;
	return true;
}

bool cli_show_times_in(struct cli *cli, const char *name)
{
	const struct zone_source *source = cli_zones(cli);
	g_autoptr(GError) error = NULL;
	if (!name)
		return true;
	cli->shown_zone = source->load(source->context, name, &error);
	if (!cli->shown_zone)
		cli_usage(cli, "--timezone: %s", error->message);
	return cli->shown_zone != NULL;
}

const struct zone *cli_shown_zone(const struct cli *cli)
{
	return cli->shown_zone ? cli->shown_zone : cli->zone;
}

void cli_defaults(const struct cli *cli, struct action_defaults *out)
{
	const struct config *config = cli->config;
	*out = (struct action_defaults){
		.timezone = cli->zone_name,
		.callback = config->action.callback,
		.dialect = (enum unix_dialect)config->unix_dialect,
		.dst = (enum dst_policy)config->action.defaults.dst,
		.merge_missed = config->action.defaults.merge_missed,
		.actuality_s = config->action.defaults.actuality_s,
		.catch_up_limit = config->action.defaults.catch_up_limit,
		.timeout_s = config->action.defaults.timeout_s,
		.max_instances = config->action.defaults.max_instances,
		.max_attempts = config->action.defaults.max_attempts,
	};
}

/* Asked for every row: what was found good is not looked at again. */
static bool find_callback(void *context, const char *name, uint16_t *lane, GError **error)
{
	struct cli *cli = context;
	*lane = 0;
	if (cli->callbacks && g_hash_table_contains(cli->callbacks, name))
		return true;
	if (!cli->host->callback_check(cli->host->context, &cli->config->callback, name, error))
		return false;
	if (!cli->callbacks)
		cli->callbacks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_hash_table_add(cli->callbacks, g_strdup(name));
	return true;
}

struct lane_names cli_lanes(struct cli *cli)
{
	return (struct lane_names){find_callback, cli};
}

static bool find_callback_of_row(void *context, const char *name, uint16_t *lane, GError **error)
{
	struct cli *cli = context;
	*lane = 0;
	return !strcmp(name, cli->config->action.callback) || find_callback(cli, name, lane, error);
}

struct lane_names cli_row_lanes(struct cli *cli)
{
	return (struct lane_names){find_callback_of_row, cli};
}

struct store *cli_open_store(const struct cli *cli, enum cli_store_mode mode, GError **error)
{
	const struct config_database *database = &cli->config->actions_db;
	size_t count;
	g_autofree struct config_pair *pairs = config_database_pairs(database, &count);
	g_autofree struct store_setting *settings = g_new(struct store_setting, count + 1);
	for (size_t i = 0; i < count; i++)
		settings[i] = (struct store_setting){pairs[i].name, pairs[i].value};
	struct store_options where = {
		.dialect = config_dialect_name(database->dialect),
		.database = database->database,
		.host = database->host,
		.port = database->port,
		.username = database->username,
		.password = database->password,
		.settings = settings,
		.setting_count = count,
		.create = mode == CLI_STORE_CREATE,
		.read_only = mode == CLI_STORE_READ,
	};
	return store_open(&where, error);
}

struct journal_options cli_journal_options(struct cli *cli)
{
	const struct config_database *database = &cli->config->internal_db;
	size_t count;
	g_autofree struct config_pair *pairs = config_database_pairs(database, &count);
	g_free(cli->journal_settings);
	cli->journal_settings = g_new(struct journal_setting, count + 1);
	for (size_t i = 0; i < count; i++)
		cli->journal_settings[i] = (struct journal_setting){pairs[i].name, pairs[i].value};
	return (struct journal_options){
		.dialect = database->set ? config_dialect_name(database->dialect) : NULL,
		.database = database->database,
		.driver = database->driver,
		.host = database->host,
		.port = database->port,
		.username = database->username,
		.password = database->password,
		.settings = cli->journal_settings,
		.setting_count = count,
		.history_level = (enum history_level)cli->config->history.level,
		.history_max_age = cli->config->history.max_age,
		.history_max_bytes = cli->config->history.max_bytes,
	};
}

struct journal *cli_open_journal(struct cli *cli, GError **error)
{
	g_autoptr(GError) reason = NULL;
	struct journal_options where = cli_journal_options(cli);
	if (!where.dialect)
		return NULL;
	where.read_only = true;
	struct journal *journal = journal_open(&where, &reason);
	if (!journal && !g_error_matches(reason, AS_ERROR, AS_ERROR_MISSING))
		g_propagate_error(error, g_steal_pointer(&reason));
	return journal;
}

char *cli_database_place(const struct config_database *database)
{
	return config_database_place(database);
}

bool cli_prepare(struct cli *cli)
{
	GError *error = NULL;
	if (!cli_load_config(cli))
		return false;
	if (!cli_choose_zone(cli, NULL, &error)) {
		cli_fail(cli, error, "timezone");
		return false;
	}
	return true;
}

bool cli_parse_int(const char *text, int64_t *out)
{
	gint64 value;
	if (!g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &value, NULL))
		return false;
	*out = value;
	return true;
}
