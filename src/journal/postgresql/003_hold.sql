-- internal_db, version 3: all can be held, and the progress can be set.

CREATE TABLE scheduler_hold (
	one integer PRIMARY KEY CHECK (one = 1),
	since_us bigint NOT NULL,          -- the smallest: nothing is held
	skip_until_us bigint NOT NULL,     -- it ended while no scheduler ran, and what was due up to here is dropped
	reason text                        -- as it was given
);
ALTER TABLE scheduler_backlog
	ADD COLUMN drop_reason integer NOT NULL DEFAULT 4,      -- why what was due before drop_before_us is skipped
	ADD COLUMN skip_before_us bigint NOT NULL DEFAULT -9223372036854775808, -- by progress set
	ADD COLUMN held integer NOT NULL DEFAULT 0;             -- to be decided at the end of the hold
