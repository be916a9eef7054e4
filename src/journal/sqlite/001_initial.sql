-- internal_db, version 1. The tables may share a file with `action` and `apscheduler_jobs`, which are not touched.
-- Plain tables on purpose: STRICT would make the whole file unreadable to SQLite before 3.37.
-- Times are microseconds since 1970-01-01 UTC; the smallest 64-bit integer stands for none.

CREATE TABLE scheduler_meta (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	schema_version INTEGER NOT NULL,
	instance TEXT NOT NULL,            -- names this internal_db
	owner_epoch INTEGER NOT NULL,      -- counts the openings by a scheduler
	last_sequence INTEGER,             -- of the last commit of this epoch
	commits INTEGER NOT NULL,          -- ever; 0 where no scheduler has run
	history_bytes INTEGER NOT NULL     -- of scheduler_history, about
);
INSERT INTO scheduler_meta VALUES (1, 0, lower(hex(randomblob(16))), 0, NULL, 0, 0);

CREATE TABLE scheduler_lane (
	name TEXT NOT NULL PRIMARY KEY,
	clock_epoch INTEGER NOT NULL,
	due_us INTEGER NOT NULL,           -- the watermark: due time, action, nominal time
	action_id INTEGER NOT NULL,
	nominal_us INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE scheduler_backlog (
	id INTEGER PRIMARY KEY,
	lane TEXT NOT NULL,
	from_due_us INTEGER NOT NULL,
	from_action_id INTEGER NOT NULL,
	from_nominal_us INTEGER NOT NULL,
	to_due_us INTEGER NOT NULL,
	to_action_id INTEGER NOT NULL,
	to_nominal_us INTEGER NOT NULL,
	decided_us INTEGER NOT NULL,
	drop_before_us INTEGER NOT NULL,
	settled_id INTEGER NOT NULL,
	cursor_due_us INTEGER NOT NULL,
	cursor_action_id INTEGER NOT NULL,
	cursor_nominal_us INTEGER NOT NULL,
	members BLOB,                      -- NULL: every action of the lane
	fire_until_us INTEGER NOT NULL     -- fires due after come again by themselves
);

CREATE TABLE scheduler_open (
	lane TEXT NOT NULL,
	action_id INTEGER NOT NULL,
	nominal_us INTEGER NOT NULL,
	manual TEXT NOT NULL,              -- the UUID of a manual fire, else empty
	due_us INTEGER NOT NULL,
	backlog INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	next_attempt_us INTEGER NOT NULL,
	PRIMARY KEY (lane, action_id, nominal_us, manual)
) WITHOUT ROWID;

-- The last seen definitions: action ids block * 512 up to block * 512 + 511.
CREATE TABLE scheduler_definition (
	block INTEGER PRIMARY KEY,
	body BLOB NOT NULL
);

CREATE TABLE scheduler_history (
	id INTEGER PRIMARY KEY,
	kind INTEGER NOT NULL,             -- 0: fires, 1: a range of fires of each action, 2: a note
	status INTEGER,                    -- 0 delivered, 1 failed, 2 merged, 3 missed, 4 skipped
	reason INTEGER,
	attempts INTEGER,
	fires INTEGER NOT NULL,            -- how many this row stands for
	finished_us INTEGER NOT NULL,      -- when the last of them ended
	span_us INTEGER NOT NULL,          -- the first of them ended so long before
	min_id INTEGER,                    -- the smallest and the largest action id
	max_id INTEGER,
	body BLOB,                         -- action ids and times, packed
	manual TEXT,                       -- the UUID of a manual fire
	detail TEXT                        -- error or output; the text of a note
);
CREATE INDEX scheduler_history_finished ON scheduler_history (finished_us, min_id, max_id);
