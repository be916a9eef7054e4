#include "daemon/loaded.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/progress_bar.h"

#include <inttypes.h>

void loaded_free(struct loaded *loaded)
{
	if (!loaded)
		return;
	for (size_t i = 0; i < loaded->actions->len; i++)
		action_unref(g_array_index(loaded->actions, struct loaded_action, i).action);
	g_array_unref(loaded->actions);
	progress_free(loaded->progress);
	apscheduler_jobs_free(loaded->jobs);
	g_free(loaded);
}

struct load {
	const struct load_how *how;
	const char *what;
	struct loaded *loaded;
	struct progress_bar *bar;
};

static void definition_load(void *context, const struct definition *definition)
{
	struct load *load = context;
	g_autoptr(GError) error = NULL;
	const struct load_how *how = load->how;
	if (how->see) {
		how->see(how->context, definition);
		return;
	}
	struct action *action = how->build(how->context, definition, &error);
	if (!action) {
		log_error("%s: action %" PRId64 " as last seen cannot be read any more: %s", load->what,
			definition->action_id, error ? error->message : "it is no definition");
		return;
	}
	struct loaded_action each = {action, definition->since};
	g_array_append_val(load->loaded->actions, each);
	progress_bar_set(load->bar, load->loaded->actions->len);
}

/* Gives the members of backlog records their schedules; one that has none any more is dropped, which is said.
 */
static void backlog_resolve(const struct load *load, struct backlog_record *record)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < record->member_count; i++) {
		struct backlog_member *member = &record->members[i];
		g_autoptr(GError) error = NULL;
		if (backlog_member_resolve(member, load->how->cache, &error)) {
			record->members[kept++] = *member;
			continue;
		}
		log_error("%s: the missed fires of action %" PRId64
			  " are given up, its schedule cannot be read: %s",
			load->what, member->action_id, error->message);
		g_free(member->packed);
	}
	record->member_count = kept;
}

static bool first_start_read(const struct load *load, GError **error)
{
	const struct load_how *how = load->how;
	struct loaded *loaded = load->loaded;
	return loaded->progress->known || !how->first_start ||
	       how->first_start(how->context, &loaded->jobs, error);
}

struct loaded *loaded_read(
	struct journal *journal, const char *what, const struct load_how *how, GError **error)
{
	time_us start = clock_monotonic();
	struct loaded *loaded = g_new0(struct loaded, 1);
	struct load load = {.how = how, .what = what, .loaded = loaded};
	/* For what is only seen, another thread may be talking to the terminal. */
	load.bar = progress_bar_new("loading actions", 0, how->see || log_level() < LOG_INFO);
	loaded->actions = g_array_new(false, false, sizeof(struct loaded_action));
	loaded->progress = journal ? journal_load(journal, definition_load, &load, error) : progress_new();
	progress_bar_free(load.bar);
	if (!loaded->progress || !first_start_read(&load, error)) {
		loaded_free(loaded);
		return NULL;
	}
	for (size_t i = 0; i < loaded->progress->backlog->len; i++)
		backlog_resolve(&load, &g_array_index(loaded->progress->backlog, struct backlog_record, i));
	loaded->took = clock_monotonic() - start;
	return loaded;
}
