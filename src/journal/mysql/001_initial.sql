-- internal_db, version 1. A server of this kind makes each table for good at once, so all can be run again.
-- Times are microseconds since 1970-01-01 UTC; the smallest 64-bit integer stands for none.

CREATE TABLE IF NOT EXISTS scheduler_meta (
	one INT NOT NULL PRIMARY KEY CHECK (one = 1),
	schema_version INT NOT NULL,
	instance VARCHAR(64) NOT NULL,     -- names this internal_db
	owner_epoch BIGINT NOT NULL,       -- counts the openings by a scheduler
	last_sequence BIGINT,              -- of the last commit of this epoch
	commits BIGINT NOT NULL,           -- ever; 0 where no scheduler has run
	history_bytes BIGINT NOT NULL,     -- of scheduler_history, about
	owner TEXT NOT NULL                -- process, host and start of the scheduler that opened it last
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO scheduler_meta VALUES (1, 0, MD5(CONCAT(UUID(), RAND())), 0, NULL, 0, 0, '');

CREATE TABLE IF NOT EXISTS scheduler_lane (
	name VARCHAR(700) NOT NULL PRIMARY KEY,
	clock_epoch BIGINT NOT NULL,
	due_us BIGINT NOT NULL,            -- the watermark: due time, action, nominal time
	action_id BIGINT NOT NULL,
	nominal_us BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS scheduler_backlog (
	id BIGINT NOT NULL PRIMARY KEY,
	lane VARCHAR(700) NOT NULL,
	from_due_us BIGINT NOT NULL,
	from_action_id BIGINT NOT NULL,
	from_nominal_us BIGINT NOT NULL,
	to_due_us BIGINT NOT NULL,
	to_action_id BIGINT NOT NULL,
	to_nominal_us BIGINT NOT NULL,
	decided_us BIGINT NOT NULL,
	drop_before_us BIGINT NOT NULL,
	settled_id BIGINT NOT NULL,
	cursor_due_us BIGINT NOT NULL,
	cursor_action_id BIGINT NOT NULL,
	cursor_nominal_us BIGINT NOT NULL,
	members LONGBLOB,                  -- NULL: every action of the lane
	fire_until_us BIGINT NOT NULL      -- fires due after come again by themselves
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS scheduler_open (
	lane VARCHAR(700) NOT NULL,
	action_id BIGINT NOT NULL,
	nominal_us BIGINT NOT NULL,
	manual VARCHAR(40) NOT NULL,       -- the UUID of a manual fire, else empty
	due_us BIGINT NOT NULL,
	backlog INT NOT NULL,
	attempts INT NOT NULL,
	next_attempt_us BIGINT NOT NULL,
	PRIMARY KEY (lane, action_id, nominal_us, manual)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The last seen definitions: action ids block * 512 up to block * 512 + 511.
CREATE TABLE IF NOT EXISTS scheduler_definition (
	block BIGINT NOT NULL PRIMARY KEY,
	body LONGBLOB NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS scheduler_history (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	kind INT NOT NULL,                 -- 0: fires, 1: a range of fires of each action, 2: a note
	status INT,                        -- 0 delivered, 1 failed, 2 merged, 3 missed, 4 skipped
	reason INT,
	attempts INT,
	fires BIGINT NOT NULL,             -- how many this row stands for
	finished_us BIGINT NOT NULL,       -- when the last of them ended
	span_us BIGINT NOT NULL,           -- the first of them ended so long before
	min_id BIGINT,                     -- the smallest and the largest action id
	max_id BIGINT,
	body LONGBLOB,                     -- action ids and times, packed
	manual VARCHAR(40),                -- the UUID of a manual fire
	detail LONGTEXT,                   -- error or output; the text of a note
	KEY scheduler_history_finished (finished_us, id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
