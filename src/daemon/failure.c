#include "daemon/failure.h"

#include "base/clock.h"
#include "base/log.h"
#include "callback/command.h"
#include "callback/exec_words.h"
#include "daemon/internal.h"

#include <string.h>

/* Tickets of the engine never have this bit. */
#define TICKET_MARK     (UINT64_C(1) << 63)
/* More than this wait for nobody. */
#define WAITING_MAX     1000
/* So often a receiver that is out of reach is tried, a second apart at least. */
#define TRIES_MAX       60
#define AGAIN_S         1
#define TEXT_MAX        1000
/* Failures in the log. */
#define LOGGED_PER_HOUR 36000.0
#define LOGGED_AT_ONCE  20.0

/* One failure to be told. */
struct telling {
	uint64_t ticket;
	struct action *action; /* made for it: id and name of what failed, and the command */
	char uuid[FIRE_MANUAL_MAX];
	time_us at;
	unsigned tries;
	bool handed; /* submitted and not answered */
};

/* A fire that failed in a commit that is not durable yet. */
struct failed {
	int64_t action_id;
	time_us nominal;
	unsigned attempts;
	char *manual, *name, *detail;
};

struct bucket {
	double tokens;
	time_us at; /* CLOCK_MONOTONIC */
};

struct failures {
	struct daemon *daemon;
	GArray *failed; /* struct failed */
	uint64_t sequence;
	GQueue waiting; /* struct telling, in order; handed ones stay until they are answered */
	uint64_t next_ticket;
	uint64_t left_out; /* since the last that was told */
	uint64_t not_logged;
	struct bucket told, logged;
	guint source;
	char *complaint; /* as it was logged last */
};

static void failed_clear(gpointer data)
{
	struct failed *failed = data;
	g_free(failed->manual);
	g_free(failed->name);
	g_free(failed->detail);
}

static void telling_free(struct telling *telling)
{
	action_unref(telling->action);
	g_free(telling);
}

static gboolean again(gpointer data)
{
	failures_hand_out(data);
	return G_SOURCE_CONTINUE;
}

struct failures *failures_new(struct daemon *d)
{
	struct failures *failures = g_new0(struct failures, 1);
	failures->daemon = d;
	failures->failed = g_array_new(FALSE, FALSE, sizeof(struct failed));
	g_array_set_clear_func(failures->failed, failed_clear);
	return failures;
}

void failures_free(struct failures *failures)
{
	if (!failures)
		return;
	struct telling *telling;
	while ((telling = g_queue_pop_head(&failures->waiting)))
		telling_free(telling);
	g_array_unref(failures->failed);
	if (failures->source)
		g_source_remove(failures->source);
	g_free(failures->complaint);
	g_free(failures);
}

bool failures_check(struct daemon *d, const struct config *config, GError **error)
{
	uint16_t lane;
	if (!config->on_failure.callback || lane_find(d, config->on_failure.callback, &lane, error))
		return true;
	g_prefix_error(error, "action.on_failure.callback: ");
	return false;
}

/* --- rates --- */

/* One out of the bucket; false where it is empty. */
static bool bucket_take(struct bucket *bucket, double per_hour, double most)
{
	time_us now = clock_monotonic();
	if (!bucket->at)
		bucket->tokens = most;
	else
		bucket->tokens += (double)(now - bucket->at) / (double)US_PER_HOUR * per_hour;
	bucket->tokens = MIN(bucket->tokens, most);
	bucket->at = now;
	if (bucket->tokens < 1)
		return false;
	bucket->tokens--;
	return true;
}

/* A minute's worth may come at once, one at least. */
static bool may_tell(struct failures *failures, int64_t per_hour)
{
	return bucket_take(&failures->told, (double)per_hour, MAX(1.0, (double)per_hour / 60));
}

/* Each failure is in the history; the log has the first ones of many. */
static void failed_log(struct failures *failures, const struct failed *failed, const char *id)
{
	if (!bucket_take(&failures->logged, LOGGED_PER_HOUR, LOGGED_AT_ONCE)) {
		failures->not_logged++;
		return;
	}
	if (failures->not_logged)
		log_error("fires that failed and are not told here, but in the history: %" G_GUINT64_FORMAT,
			failures->not_logged);
	failures->not_logged = 0;
	log_error("fire %s of action \"%s\" failed after attempts: %u; %s", id, failed->name,
		failed->attempts, failed->detail);
}

/* --- what is told --- */

static struct action *action_make(int64_t id, const char *name, const char *command)
{
	size_t name_length = strlen(name), command_length = strlen(command);
	struct action *action = g_malloc0(sizeof(*action) + name_length + command_length + 2);
	action->id = id;
	action->refs = 1;
	action->name_length = (uint32_t)name_length;
	action->command_length = (uint32_t)command_length;
	memcpy(action->text, name, name_length);
	memcpy(action->text + name_length + 1, command, command_length);
	return action;
}

/* Where the command becomes words, each placeholder stays within its word, whatever it holds. */
static char *expand_words(
	const char *template, const struct command_extra *extra, size_t count, GError **error)
{
	g_auto(GStrv) words = NULL;
	words = exec_words_split(template, error);
	if (!words)
		return NULL;
	GString *joined = g_string_new(NULL);
	for (char **word = words; *word; word++) {
		g_autofree char *text = command_expand(*word, NULL, COMMAND_PLAIN, extra, count);
		g_autofree char *quoted = g_shell_quote(text);
		g_string_append_printf(joined, "%s%s", joined->len ? " " : "", quoted);
	}
	return g_string_free(joined, FALSE);
}

static char *error_text(struct failures *failures, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
	const char *end = valid + MIN(strlen(valid), TEXT_MAX);
	if (*end)
		end = g_utf8_find_prev_char(valid, end + 1);
	GString *out = g_string_new_len(valid, end - valid);
	if (failures->left_out)
		g_string_append_printf(
			out, " (and %" G_GUINT64_FORMAT " more failures not told)", failures->left_out);
	return g_string_free(out, FALSE);
}

/* The command for these values, NULL (and said) where it cannot be made. */
static char *command_make(const struct config *config, const struct command_extra *values, size_t count)
{
	const char *template = config->on_failure.command;
	const struct callback_vtable *vtable = callback_find(config->on_failure.callback, NULL, NULL);
	if (!vtable || !vtable->words)
		return command_expand(template, NULL, COMMAND_PLAIN, values, count);
	g_autoptr(GError) error = NULL;
	char *command = expand_words(template, values, count, &error);
	if (!command)
		log_error("action.on_failure.command: %s", error->message);
	return command;
}

static void telling_queue(struct failures *failures, int64_t id, const char *name, const char *command)
{
	struct telling *telling = g_new0(struct telling, 1);
	g_autofree char *uuid = g_uuid_string_random();
	g_strlcpy(telling->uuid, uuid, sizeof telling->uuid);
	telling->ticket = TICKET_MARK | ++failures->next_ticket;
	telling->at = clock_now();
	telling->action = action_make(id, name, command);
	g_queue_push_tail(&failures->waiting, telling);
	if (!failures->source)
		failures->source = g_timeout_add_seconds(AGAIN_S, again, failures);
	failures_hand_out(failures);
}

/* fire_id is that of what failed, empty for a row. */
static void tell(struct failures *failures, const char *status, int64_t id, const char *name,
	const char *fire_id, time_us nominal, const char *reason)
{
	const struct config *config = failures->daemon->config;
	if (!config->on_failure.callback)
		return;
	if (failures->waiting.length >= WAITING_MAX || !may_tell(failures, config->on_failure.per_hour)) {
		failures->left_out++;
		return;
	}
	char scheduled_at[TIME_TEXT_MAX] = "";
	if (nominal != TIME_US_MIN)
		time_format_utc(nominal, scheduled_at);
	g_autofree char *text = error_text(failures, reason);
	g_autofree char *action_id = g_strdup_printf("%" G_GINT64_FORMAT, id);
	const struct command_extra values[] = {{"status", status}, {"error", text}, {"fire_id", fire_id},
		{"action_id", action_id}, {"name", name}, {"scheduled_at", scheduled_at}};
	g_autofree char *command = command_make(config, values, G_N_ELEMENTS(values));
	if (!command)
		return;
	failures->left_out = 0;
	telling_queue(failures, id, name, command);
}

/* --- what fails --- */

void failures_note(struct failures *failures, const struct commit *commit)
{
	failures->sequence = commit->sequence;
	for (guint i = 0; i < commit->outcomes->len; i++) {
		const struct outcome *outcome = &g_array_index(commit->outcomes, struct outcome, i);
		if (outcome->status != STATUS_FAILED)
			continue;
		if (failures->failed->len >= WAITING_MAX) {
			failures->left_out++;
			failures->not_logged++;
			continue;
		}
		const struct action *action =
			engine_find_action(failures->daemon->engine, outcome->action_id);
		struct failed failed = {
			.action_id = outcome->action_id,
			.nominal = outcome->nominal,
			.attempts = outcome->attempts,
			.manual = g_strdup(outcome->manual),
			.name = g_strdup(action ? action_name(action) : ""),
			.detail = g_strdup(
				outcome->detail ? outcome->detail : fire_reason_text(outcome->reason)),
		};
		g_array_append_val(failures->failed, failed);
	}
}

void failures_committed(struct failures *failures, uint64_t sequence)
{
	if (sequence != failures->sequence)
		return;
	for (guint i = 0; i < failures->failed->len; i++) {
		const struct failed *failed = &g_array_index(failures->failed, struct failed, i);
		char id[FIRE_ID_MAX];
		fire_id_format(failed->action_id, failed->nominal, failed->manual, id);
		failed_log(failures, failed, id);
		tell(failures, "failed", failed->action_id, failed->name, id, failed->nominal,
			failed->detail);
	}
	g_array_set_size(failures->failed, 0);
}

void failures_row(struct failures *failures, const struct action_change *change)
{
	struct action_row row;
	enum unix_dialect dialect;
	g_autofree char *name = NULL;
	if (change->packed && action_unpack(change->packed, change->packed_length, &row, &dialect) &&
		row.name.data) {
		g_autofree char *raw = g_strndup(row.name.data, row.name.length);
		name = g_utf8_make_valid(raw, -1);
	}
	tell(failures, "bad_row", change->id, name ? name : "", "", TIME_US_MIN, change->error);
}

/* --- handing out, and answers --- */

static bool hand_out_one(struct failures *failures, struct telling *telling)
{
	struct daemon *d = failures->daemon;
	uint16_t index;
	const char *callback = d->config->on_failure.callback;
	if (!callback || !lane_find(d, callback, &index, NULL))
		return false;
	lanes_join(d);
	struct lane *lane = d->lanes[index];
	struct fire fire = {.ticket = telling->ticket,
		.action = telling->action,
		.nominal = telling->at,
		.due_at = telling->at,
		.attempt = (uint16_t)(telling->tries + 1),
		.manual = telling->uuid};
	telling->handed = lane_is_open(d, lane) && lane->vtable->submit(lane->callback, &fire, 1) == 1;
	telling->tries++;
	return telling->handed;
}

static void complain(struct failures *failures, const struct telling *telling, const char *reason)
{
	if (g_strcmp0(failures->complaint, reason) == 0)
		return;
	log_error("action.on_failure: a failure of action %" G_GINT64_FORMAT " could not be told: %s",
		telling->action->id, reason ? reason : "refused");
	g_free(failures->complaint);
	failures->complaint = g_strdup(reason);
}

static void give_up(struct failures *failures, GList *link, const char *reason)
{
	complain(failures, link->data, reason);
	telling_free(link->data);
	g_queue_delete_link(&failures->waiting, link);
}

void failures_hand_out(struct failures *failures)
{
	bool room = true;
	for (GList *link = failures->waiting.head, *next; link && room; link = next) {
		struct telling *telling = link->data;
		next = link->next;
		if (telling->handed)
			continue;
		if (telling->tries >= TRIES_MAX)
			give_up(failures, link, "its callback is out of reach");
		else
			room = hand_out_one(failures, telling);
	}
	if (!failures->waiting.length && failures->source) {
		g_source_remove(failures->source);
		failures->source = 0;
	}
}

static void answer(struct failures *failures, const struct fire_result *result)
{
	GList *link = failures->waiting.head;
	while (link && ((struct telling *)link->data)->ticket != result->ticket)
		link = link->next;
	if (!link)
		return;
	struct telling *telling = link->data;
	telling->handed = false;
	if (result->answer == FIRE_UNAVAILABLE && telling->tries < TRIES_MAX)
		return;
	if (result->answer != FIRE_DELIVERED) {
		give_up(failures, link, result->detail);
		return;
	}
	g_clear_pointer(&failures->complaint, g_free);
	telling_free(telling);
	g_queue_delete_link(&failures->waiting, link);
}

size_t failures_take_answers(struct failures *failures, struct fire_result *results, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (!(results[i].ticket & TICKET_MARK)) {
			results[kept++] = results[i];
			continue;
		}
		answer(failures, &results[i]);
		g_free(results[i].detail);
	}
	return kept;
}
