#include "cli/schedule_arg.h"

#include <string.h>

#include "base/json.h"
#include "cli/row_build.h"

/* --- one expression --- */

json_t *schedule_arg_unix(const char *expression)
{
	g_autoptr(json_t) value = json_text(expression, strlen(expression));
	return json_pack("{sss{sO}}", "format", "unix", "params", "value", value);
}

static struct schedule *parse_expression(struct cli *cli, const struct schedule_args *args, GError **error)
{
	struct schedule_context context = {
		.timezone = cli->zone,
		.zones = cli_zones(cli),
		.dialect = (enum unix_dialect)cli->config->unix_dialect,
		.dst = (enum dst_policy)cli->config->action.defaults.dst,
	};
	if (args->schedule)
		return schedule_parse(args->schedule, strlen(args->schedule), &context, error);
	g_autoptr(json_t) document = schedule_arg_unix(args->cron);
	return schedule_parse_json(document, &context, error);
}

static bool names_zone(const char *document)
{
	g_autoptr(json_t) value = document ? json_read(document, strlen(document), NULL) : NULL;
	return json_object_get(json_object_get(value, "params"), "timezone") != NULL;
}

static int each_expression(
	struct cli *cli, const struct schedule_args *args, schedule_arg_fn each, void *context)
{
	GError *error = NULL;
	struct schedule *schedule = parse_expression(cli, args, &error);
	if (!schedule) {
		cli_fail(cli, error, args->schedule ? "--schedule" : "--cron");
		return EXIT_USAGE;
	}
	each(context, schedule, NULL, args->timezone || names_zone(args->schedule));
	schedule_unref(schedule);
	return EXIT_DONE;
}

/* --- actions --- */

struct actions {
	struct cli *cli;
	const struct schedule_args *args;
	schedule_arg_fn each;
	void *context;
	bool failed;
};

static bool row_names_zone(const struct action_row *row)
{
	g_autofree char *document = g_strndup(row->cron.data, row->cron.length);
	return (row->timezone.data && row->timezone.length) || names_zone(document);
}

static bool each_row(void *context, const struct action_row *row)
{
	struct actions *actions = context;
	g_autoptr(GError) error = NULL;
	struct action *action = row_build(actions->cli, row, &error);
	if (!action) {
		cli_error(actions->cli, "action %" G_GINT64_FORMAT ": %s", row->id, error->message);
		actions->failed = true;
		return true;
	}
	/* What it would do is shown all the same. */
	if (row->enabled.set && !row->enabled.value)
		cli_warn(actions->cli, "action %" G_GINT64_FORMAT " is paused: it does not fire", row->id);
	actions->each(
		actions->context, action->schedule, &row->id, actions->args->timezone || row_names_zone(row));
	action_unref(action);
	return true;
}

static bool each_id(struct actions *actions, struct store *store, int64_t id)
{
	bool found = false;
	GError *error = NULL;
	if (!store_read_one(store, id, each_row, actions, &found, &error)) {
		cli_fail(actions->cli, error, "actions_db");
		return false;
	}
	if (!found) {
		cli_error(actions->cli, "there is no action %" G_GINT64_FORMAT, id);
		actions->failed = true;
	}
	return true;
}

static int each_action(
	struct cli *cli, const struct schedule_args *args, char **ids, schedule_arg_fn each, void *context)
{
	GError *error = NULL;
	guint count = g_strv_length(ids);
	g_autofree int64_t *numbers = g_new(int64_t, count);
	for (guint i = 0; i < count; i++)
		if (!cli_parse_int(ids[i], &numbers[i]))
			return cli_usage(cli, "'%s' is not an id", ids[i]);
	struct store *store = cli_open_store(cli, CLI_STORE_READ, &error);
	if (!store)
		return cli_fail(cli, error, "actions_db");
	struct actions actions = {cli, args, each, context, false};
	bool going = true;
	for (guint i = 0; going && i < count; i++)
		going = each_id(&actions, store, numbers[i]);
	store_close(store);
	return going && !actions.failed ? EXIT_DONE : EXIT_FAILED;
}

/* --- both --- */

int schedule_args_prepare(struct cli *cli, const struct schedule_args *args, char **ids)
{
	GError *error = NULL;
	if (!(*ids ? cli_load_config(cli) : cli_load_config_or_default(cli)))
		return EXIT_FAILED;
	if (cli_choose_zone(cli, args->timezone, &error))
		return EXIT_DONE;
	cli_fail(cli, error, args->timezone ? "--timezone" : "timezone");
	return args->timezone ? EXIT_USAGE : EXIT_FAILED;
}

int schedule_args_each(
	struct cli *cli, const struct schedule_args *args, char **ids, schedule_arg_fn each, void *context)
{
	return *ids ? each_action(cli, args, ids, each, context) : each_expression(cli, args, each, context);
}
