/* Reading back, in one snapshot. */
#include "journal/blocks.h"
#include "journal/members.h"
#include "journal/server.h"

#include <string.h>

/* Blocks that are fetched together. */
#define BLOCKS_PAGE 64

struct load {
	const struct server *server;
	struct progress *progress;
	journal_definition_fn each;
	void *context;
	int64_t last_block;
	guint blocks; /* of this page */
};

static struct position position_of(const struct server_value *row)
{
	return (struct position){row[0].integer, row[1].integer, row[2].integer};
}

static bool take_lane(struct load *load, const struct server_value *row)
{
	struct lane_progress lane = {.name = g_strdup(row[0].bytes),
		.clock_epoch = (uint32_t)row[1].integer,
		.watermark = position_of(row + 2)};
	g_array_append_val(load->progress->lanes, lane);
	return true;
}

static bool take_backlog(struct load *load, const struct server_value *row, GError **error)
{
	struct backlog_record record = {
		.id = (uint64_t)row[0].integer,
		.lane = g_strdup(row[1].bytes),
		.from = position_of(row + 2),
		.to = position_of(row + 5),
		.decided_now = row[8].integer,
		.drop_before = row[9].integer,
		.settled_id = row[10].integer,
		.cursor = position_of(row + 11),
		.fire_until = row[15].integer,
		.drop_reason = (uint8_t)row[16].integer,
		.skip_before = row[17].integer,
		.held = row[18].integer != 0,
	};
	bool sound = row[14].kind == SERVER_NULL || members_unpack(row[14].bytes, row[14].length, &record);
	g_array_append_val(load->progress->backlog, record);
	return sound || server_corrupt(load->server, "a row of scheduler_backlog", error);
}

static bool take_hold(struct load *load, const struct server_value *row)
{
	struct hold *hold = &load->progress->hold;
	hold_clear(hold);
	hold->since = row[0].integer;
	hold->skip_until = row[1].integer;
	hold->reason = row[2].kind == SERVER_NULL ? NULL : g_strdup(row[2].bytes);
	return true;
}

static bool take_open(struct load *load, const struct server_value *row, GError **error)
{
	int64_t attempts = row[6].integer, before = row[9].integer;
	if (row[3].length >= FIRE_MANUAL_MAX || attempts < 0 || attempts > UINT16_MAX || before < 0 ||
		before > UINT16_MAX)
		return server_corrupt(load->server, "a row of scheduler_open", error);
	struct open_fire open = {
		.lane = g_strdup(row[0].bytes),
		.action_id = row[1].integer,
		.nominal = row[2].integer,
		.due_at = row[4].integer,
		.backlog = row[5].integer != 0,
		.started = row[8].integer != 0,
		.attempts = (uint16_t)attempts,
		.attempts_before = (uint16_t)before,
		.next_attempt_at = row[7].integer,
	};
	g_strlcpy(open.manual, row[3].bytes, sizeof open.manual);
	g_array_append_val(load->progress->open, open);
	return true;
}

static bool take_block(struct load *load, const struct server_value *row, GError **error)
{
	load->last_block = row[0].integer;
	load->blocks++;
	return block_each(row[0].integer, row[1].bytes, row[1].length, load->each, load->context) ||
	       server_corrupt(load->server, "a block of scheduler_definition", error);
}

static bool take_row(void *context, enum server_sql sql, const struct server_value *row, GError **error)
{
	struct load *load = context;
	switch (sql) {
	case SERVER_META: load->progress->known = row[2].integer > 0; return true;
	case SERVER_LANES: return take_lane(load, row);
	case SERVER_BACKLOGS: return take_backlog(load, row, error);
	case SERVER_HOLD: return take_hold(load, row);
	case SERVER_OPENS: return take_open(load, row, error);
	case SERVER_BLOCKS: return take_block(load, row, error);
	default: return true;
	}
}

static bool load_progress(struct server *server, struct load *load, GError **error)
{
	g_autoptr(server_batch) batch = batch_new();
	static const enum server_sql statements[] = {
		SERVER_BEGIN_READ, SERVER_META, SERVER_LANES, SERVER_BACKLOGS, SERVER_HOLD, SERVER_OPENS};
	for (size_t i = 0; i < G_N_ELEMENTS(statements); i++)
		batch_add(batch, statements[i]);
	return server_run(server, batch, take_row, load, error);
}

static bool load_definitions(struct server *server, struct load *load, GError **error)
{
	load->last_block = INT64_MIN;
	do {
		g_autoptr(server_batch) batch = batch_new();
		load->blocks = 0;
		batch_add(batch, SERVER_BLOCKS);
		batch_int(batch, load->last_block);
		batch_int(batch, BLOCKS_PAGE);
		if (!server_run(server, batch, take_row, load, error))
			return false;
	} while (load->blocks == BLOCKS_PAGE);
	return true;
}

static void end_read(struct server *server)
{
	g_autoptr(server_batch) batch = batch_new();
	batch_add(batch, SERVER_END_READ);
	/* Without a connection there is nothing to end, and none is made for it. */
	if (server->link)
		server_run(server, batch, NULL, NULL, NULL);
}

struct progress *server_load(
	struct journal *journal, journal_definition_fn each, void *context, GError **error)
{
	struct server *server = server_of(journal);
	struct progress *progress = progress_new();
	struct load load = {.server = server, .progress = progress, .each = each, .context = context};
	bool done = load_progress(server, &load, error) && (!each || load_definitions(server, &load, error));
	end_read(server);
	if (done)
		return progress;
	progress_free(progress);
	return NULL;
}
