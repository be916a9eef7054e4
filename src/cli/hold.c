#include "cli/hold.h"

#include "base/json.h"
#include "cli/control_client.h"
#include "cli/own_journal.h"
#include "cli/time_arg.h"
#include "config/control_path.h"

#include <string.h>

struct asked {
	struct cli *cli;
	bool release, skip;
	const char *reason;
};

/* --- what is said --- */

static void say_held(const struct asked *asked, bool changed, time_us since, const char *reason)
{
	struct cli *cli = asked->cli;
	char at[TIME_TEXT_MAX], span[SPAN_TEXT_MAX];
	zone_format(cli_shown_zone(cli), floor_div(since, US_PER_SECOND) * US_PER_SECOND, at);
	g_autofree char *why = reason ? g_strdup_printf(" (%s)", reason) : g_strdup("");
	if (changed)
		cli_say(cli, "all is held%s: nothing fires until `resume --all`", why);
	else
		cli_say(cli, "all is held already, since %s, %s%s", at,
			span_format_from(since, cli->now, span), why);
}

static void say(const struct asked *asked, bool changed, time_us since, const char *reason)
{
	if (!asked->release)
		say_held(asked, changed, since, reason);
	else if (!changed)
		cli_say(asked->cli, "nothing is held");
	else
		cli_say(asked->cli, "the hold is over: what was due meanwhile %s",
			asked->skip ? "is dropped" : "is missed, and made up for as the rules have it");
}

static int answered(const struct asked *asked, const json_t *answer)
{
	const json_t *held = json_object_get(answer, "held");
	const char *text = json_string_value(json_object_get(held, "since"));
	time_us since = asked->cli->now;
	bool has_offset;
	if (text)
		time_parse(text, &since, &has_offset);
	say(asked, json_is_true(json_object_get(answer, "changed")), since,
		json_string_value(json_object_get(held, "reason")));
	return EXIT_DONE;
}

/* --- where no scheduler runs --- */

static struct commit *commit_of(const struct asked *asked, const struct hold *known)
{
	struct commit *commit = commit_new();
	time_us now = asked->cli->now;
	char since[TIME_TEXT_MAX];
	struct history_note note = {.at = now};
	commit->sequence = 1;
	commit->hold_changed = true;
	if (!asked->release) {
		commit->hold.since = now;
		commit->hold.reason = g_strdup(asked->reason);
		note.text = g_strdup_printf("held%s%s, while no scheduler ran: nothing is handed out until "
					    "`resume --all`",
			asked->reason ? ": " : "", asked->reason ? asked->reason : "");
	} else {
		/* What is dropped is for the start to find: it knows the actions. */
		commit->hold = asked->skip ? hold_copy(known) : HOLD_NONE;
		commit->hold.skip_until = asked->skip ? now : TIME_US_MIN;
		note.text = g_strdup_printf("the hold since %s is over, ended while no scheduler ran%s",
			time_format_utc(known->since, since),
			asked->skip ? ", what was due meanwhile is dropped" : "");
	}
	g_array_append_val(commit->notes, note);
	return commit;
}

static int write_hold(const struct asked *asked, struct journal *journal, const struct hold *known)
{
	GError *error = NULL;
	bool ended = known->skip_until != TIME_US_MIN;
	bool held = known->since != TIME_US_MIN && !ended;
	if (!asked->release && ended) {
		cli_error(asked->cli,
			"a hold has ended with --skip, and what it drops is for the next start to "
			"find: start the scheduler first");
		return EXIT_FAILED;
	}
	if (held != asked->release) {
		say(asked, false, known->since, known->reason);
		return EXIT_DONE;
	}
	struct commit *commit = commit_of(asked, known);
	bool done = journal_commit(journal, commit, &error);
	commit_free(commit);
	if (!done)
		return cli_fail(asked->cli, error, "internal_db");
	say(asked, true, asked->cli->now, asked->reason);
	return EXIT_DONE;
}

static int without_journal(const struct asked *asked, const char *path, GError *error)
{
	const struct cli *cli = asked->cli;
	if (g_error_matches(error, AS_ERROR, AS_ERROR_BUSY))
		cli_error(cli,
			"internal_db: %s; it does not answer on %s: it is starting or ending, could not make "
			"the "
			"socket (its log says so), or has another server.socket",
			error->message, path);
	else if (g_error_matches(error, AS_ERROR, AS_ERROR_MISSING))
		cli_error(cli, "no scheduler answers on %s, and internal_db could not keep a hold: %s", path,
			error->message);
	else
		cli_error(cli, "internal_db: %s", error->message);
	g_error_free(error);
	return EXIT_FAILED;
}

static int write_here(const struct asked *asked, const char *path)
{
	GError *error = NULL;
	struct progress *progress;
	struct journal *journal = own_journal(asked->cli, NULL, NULL, &progress, &error);
	if (!journal)
		return without_journal(asked, path, error);
	int status = write_hold(asked, journal, &progress->hold);
	progress_free(progress);
	journal_close(journal);
	return status;
}

/* --- asking --- */

/* Free with free(). */
static char *request_of(const struct asked *asked)
{
	g_autoptr(json_t) request = control_request(asked->cli->config, asked->release ? "release" : "hold");
	if (asked->reason)
		json_object_set_new(request, "reason", json_text(asked->reason, strlen(asked->reason)));
	if (asked->skip)
		json_object_set_new(request, "skip", json_true());
	return json_write(request);
}

static int ask(const struct asked *asked)
{
	g_autoptr(json_t) answer = NULL;
	g_autoptr(GError) error = NULL;
	if (!cli_prepare(asked->cli))
		return EXIT_FAILED;
	g_autofree char *path = config_control_path(asked->cli->config);
	char *request = request_of(asked);
	enum control_reply reply = control_ask(path, request, &answer, &error);
	free(request);
	switch (reply) {
	case CONTROL_ANSWERED: return answered(asked, answer);
	case CONTROL_NOBODY: return write_here(asked, path);
	default: cli_error(asked->cli, "%s", error->message); return EXIT_FAILED;
	}
}

int hold_all(struct cli *cli, const char *reason)
{
	struct asked asked = {.cli = cli, .reason = reason && *reason ? reason : NULL};
	if (asked.reason && strlen(asked.reason) > HOLD_REASON_MAX)
		return cli_usage(cli, "--reason takes at most %d bytes", HOLD_REASON_MAX);
	if (asked.reason && !g_utf8_validate(asked.reason, -1, NULL))
		return cli_usage(cli, "--reason is not valid UTF-8");
	return ask(&asked);
}

int release_all(struct cli *cli, bool skip)
{
	struct asked asked = {.cli = cli, .release = true, .skip = skip};
	return ask(&asked);
}
