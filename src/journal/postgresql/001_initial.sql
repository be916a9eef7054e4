-- internal_db, version 1, in the first schema of the search_path in which the role may make tables.
-- Times are microseconds since 1970-01-01 UTC; the smallest 64-bit integer stands for none.

CREATE TABLE scheduler_meta (
	one integer PRIMARY KEY CHECK (one = 1),
	schema_version integer NOT NULL,
	instance text NOT NULL,            -- names this internal_db
	owner_epoch bigint NOT NULL,       -- counts the openings by a scheduler
	last_sequence bigint,              -- of the last commit of this epoch
	commits bigint NOT NULL,           -- ever; 0 where no scheduler has run
	history_bytes bigint NOT NULL,     -- of scheduler_history, about
	owner text NOT NULL                -- process, host and start of the scheduler that opened it last
);
INSERT INTO scheduler_meta VALUES (1, 0, md5(random()::text || clock_timestamp()::text), 0, NULL, 0, 0, '');

CREATE TABLE scheduler_lane (
	name text COLLATE "C" NOT NULL PRIMARY KEY,
	clock_epoch bigint NOT NULL,
	due_us bigint NOT NULL,            -- the watermark: due time, action, nominal time
	action_id bigint NOT NULL,
	nominal_us bigint NOT NULL
);

CREATE TABLE scheduler_backlog (
	id bigint PRIMARY KEY,
	lane text NOT NULL,
	from_due_us bigint NOT NULL,
	from_action_id bigint NOT NULL,
	from_nominal_us bigint NOT NULL,
	to_due_us bigint NOT NULL,
	to_action_id bigint NOT NULL,
	to_nominal_us bigint NOT NULL,
	decided_us bigint NOT NULL,
	drop_before_us bigint NOT NULL,
	settled_id bigint NOT NULL,
	cursor_due_us bigint NOT NULL,
	cursor_action_id bigint NOT NULL,
	cursor_nominal_us bigint NOT NULL,
	members bytea,                     -- NULL: every action of the lane
	fire_until_us bigint NOT NULL      -- fires due after come again by themselves
);

CREATE TABLE scheduler_open (
	lane text COLLATE "C" NOT NULL,
	action_id bigint NOT NULL,
	nominal_us bigint NOT NULL,
	manual text COLLATE "C" NOT NULL,  -- the UUID of a manual fire, else empty
	due_us bigint NOT NULL,
	backlog integer NOT NULL,
	attempts integer NOT NULL,
	next_attempt_us bigint NOT NULL,
	PRIMARY KEY (lane, action_id, nominal_us, manual)
);

-- The last seen definitions: action ids block * 512 up to block * 512 + 511.
CREATE TABLE scheduler_definition (
	block bigint PRIMARY KEY,
	body bytea NOT NULL
);

CREATE TABLE scheduler_history (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind integer NOT NULL,             -- 0: fires, 1: a range of fires of each action, 2: a note
	status integer,                    -- 0 delivered, 1 failed, 2 merged, 3 missed, 4 skipped
	reason integer,
	attempts integer,
	fires bigint NOT NULL,             -- how many this row stands for
	finished_us bigint NOT NULL,       -- when the last of them ended
	span_us bigint NOT NULL,           -- the first of them ended so long before
	min_id bigint,                     -- the smallest and the largest action id
	max_id bigint,
	body bytea,                        -- action ids and times, packed
	manual text,                       -- the UUID of a manual fire
	detail text                        -- error or output; the text of a note
);
CREATE INDEX scheduler_history_finished ON scheduler_history (finished_us, id);
