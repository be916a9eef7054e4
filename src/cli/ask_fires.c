#include "cli/ask_fires.h"

#include "base/json.h"
#include "cli/control_client.h"
#include "cli/run_view.h"
#include "config/control_path.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Asked for at a time; below what a request may have. */
#define PART_MAX 500

struct asking {
	struct cli *cli;
	struct output *output;
	bool by_scheduler; /* a running one was asked */
	int status;
};

/* --- what could not be done --- */

/* What keeps the action of a row from firing. */
struct explanation {
	struct cli *cli;
	char *text; /* NULL: nothing */
};

static bool explain_row(void *context, const struct action_row *row)
{
	struct explanation *explanation = context;
	struct cli *cli = explanation->cli;
	struct lane_names lanes = cli_lanes(cli);
	struct action_defaults defaults;
	struct action *action = NULL;
	g_autoptr(GByteArray) packed = g_byte_array_new();
	g_autoptr(GError) error = NULL;
	cli_defaults(cli, &defaults);
	action_pack(row, &defaults, packed);
	switch (action_build(
		packed->data, packed->len, &defaults, &lanes, cli_schedules(cli), &action, &error)) {
	case ACTION_ACTIVE: break;
	case ACTION_DISABLED:
		explanation->text = g_strdup("it is paused (its column enabled is false): resume it first");
		break;
	case ACTION_BAD: explanation->text = g_strdup_printf("its row is bad: %s", error->message); break;
	}
	action_unref(action);
	return true;
}

/* Why an action does not fire, as the table has it. NULL where that does not tell. Free with g_free. */
static char *explain_action(struct cli *cli, int64_t id)
{
	struct explanation explanation = {cli, NULL};
	bool found = false;
	struct store *store = cli_open_store(cli, CLI_STORE_READ, NULL);
	bool read = store && store_read_one(store, id, explain_row, &explanation, &found, NULL);
	store_close(store);
	if (read && !found)
		return g_strdup("there is no such action");
	return explanation.text;
}

static void say_refusal(struct asking *asking, const json_t *fire)
{
	const char *code = json_string_value(json_object_get(fire, "code"));
	const char *reason = json_string_value(json_object_get(fire, "error"));
	const char *fire_id = json_string_value(json_object_get(fire, "fire_id"));
	int64_t id = json_integer_value(json_object_get(fire, "action_id"));
	g_autofree char *subject = fire_id ? g_strdup_printf("fire %s", fire_id)
					   : g_strdup_printf("action %" G_GINT64_FORMAT, id);
	g_autofree char *why = g_strcmp0(code, "no_action") ? NULL : explain_action(asking->cli, id);
	const char *about = fire_id && why ? "its action: " : "";
	if (!g_strcmp0(code, "no_action") && !why && asking->by_scheduler)
		reason =
			"the running scheduler has not seen its row yet; it looks every track_changes_period";
	cli_error(asking->cli, "%s: %s%s", subject, about, why ? why : reason ? reason : "refused");
	asking->status = EXIT_FAILED;
}

/* --- what was done --- */

static void show_queued(struct asking *asking, const json_t *fire)
{
	const char *id = json_string_value(json_object_get(fire, "fire_id"));
	const char *at = json_string_value(json_object_get(fire, "scheduled_at"));
	char manual[FIRE_MANUAL_MAX] = "";
	bool has_offset;
	struct history_entry entry = {.count = 1,
		.merged_into = TIME_US_MIN,
		.started_at = TIME_US_MIN,
		.finished_at = TIME_US_MIN,
		.scheduled_at = TIME_US_MIN,
		.attempts = (uint16_t)json_integer_value(json_object_get(fire, "attempts"))};
	if (!id || !fire_id_parse(id, &entry.action_id, &entry.scheduled_at, manual))
		return;
	if (at)
		time_parse(at, &entry.scheduled_at, &has_offset);
	entry.last = entry.scheduled_at;
	entry.manual = *manual ? manual : NULL;
	struct run_view view = {
		asking->cli, &entry, json_string_value(json_object_get(fire, "action_name")), "queued"};
	output_row(asking->output, &view);
}

/* Of the scheduler: what will be done. Of this process: that is shown once it has ended. */
static void take_answer(void *context, const struct json_t *answer)
{
	struct asking *asking = context;
	if (asking->by_scheduler && json_object_get(answer, "held"))
		cli_say(asking->cli, "all is held: what is queued runs after `resume --all`");
	const json_t *fires = json_object_get(answer, "fires"), *fire;
	size_t i;
	json_array_foreach(fires, i, fire)
	{
		if (json_object_get(fire, "error"))
			say_refusal(asking, fire);
		else if (asking->by_scheduler)
			show_queued(asking, fire);
	}
}

static void take_end(void *context, const struct history_entry *entry, const char *action_name)
{
	struct asking *asking = context;
	struct run_view view = {asking->cli, entry, action_name, NULL};
	output_row(asking->output, &view);
}

/* --- asking --- */

/* stdout is for the results; what the callback `print` says goes the way of all else. */
static int run_here(struct asking *asking, const char *request)
{
	struct cli *cli = asking->cli;
	struct config_sources sources = cli_sources(cli);
	struct cli_manual manual = {.sources = &sources,
		.request = request,
		.answered = take_answer,
		.ended = take_end,
		.context = asking};
	enum log_level level = cli->quiet ? LOG_ERROR : cli->verbose ? LOG_DEBUG : cli->config->log.level;
	log_setup(level, cli->has_log_format ? cli->log_format : cli->config->log.format);
	manual.config = g_steal_pointer(&cli->config);
	/* It belongs to the run, and what is said of a refusal needs one. */
	if (!cli_load_config(cli)) {
		config_free(manual.config);
		return EXIT_FAILED;
	}
	fflush(stdout);
	int out = dup(STDOUT_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	int status = cli->host->manual(cli->host->context, &manual);
	dup2(out, STDOUT_FILENO);
	close(out);
	return status;
}

static int ask_part(struct asking *asking, const char *path, const char *request)
{
	g_autoptr(json_t) answer = NULL;
	g_autoptr(GError) error = NULL;
	switch (control_ask(path, request, &answer, &error)) {
	case CONTROL_ANSWERED:
		asking->by_scheduler = true;
		take_answer(asking, answer);
		return EXIT_DONE;
	case CONTROL_NOBODY: asking->by_scheduler = false; return run_here(asking, request);
	default: cli_error(asking->cli, "%s", error->message); return EXIT_FAILED;
	}
}

/* The request line for some of the subjects. Free with free(). */
static char *request_of(const struct cli *cli, const char *command, const char *key, json_t *subjects)
{
	g_autoptr(json_t) request = control_request(cli->config, command);
	json_object_set(request, key, subjects);
	return json_write(request);
}

/* The others are done, whatever one part came to. */
static void ask_all(struct asking *asking, const char *command, const char *key, const json_t *subjects)
{
	g_autofree char *path = config_control_path(asking->cli->config);
	for (size_t at = 0; at < json_array_size(subjects); at += PART_MAX) {
		g_autoptr(json_t) part = json_array();
		for (size_t i = at; i < json_array_size(subjects) && i < at + PART_MAX; i++)
			json_array_append(part, json_array_get(subjects, i));
		if (!asking->cli->config)
			return;
		char *request = request_of(asking->cli, command, key, part);
		if (ask_part(asking, path, request) != EXIT_DONE)
			asking->status = EXIT_FAILED;
		free(request);
	}
}

int ask_fires(struct cli *cli, const char *command, const char *key, json_t *subjects)
{
	g_autoptr(json_t) all = subjects;
	if (!cli_prepare(cli))
		return EXIT_FAILED;
	/* stdout is for the results, whatever becomes of its descriptor meanwhile. */
	FILE *results = fdopen(dup(STDOUT_FILENO), "w");
	struct output_style style = cli->style;
	style.file = results ? results : stdout;
	struct asking asking = {cli, output_new(&style, run_columns, run_columns_count), false, EXIT_DONE};
	ask_all(&asking, command, key, all);
	output_end(asking.output);
	if (results && fclose(results) != 0) {
		cli_error(cli, "cannot write to stdout: %s", g_strerror(errno));
		asking.status = EXIT_FAILED;
	}
	return asking.status;
}
