-- internal_db, version 3: all can be held, and the progress can be set.

CREATE TABLE scheduler_hold (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	since_us INTEGER NOT NULL,         -- the smallest: nothing is held
	skip_until_us INTEGER NOT NULL,    -- it ended while no scheduler ran, and what was due up to here is dropped
	reason TEXT                        -- as it was given
);
ALTER TABLE scheduler_backlog ADD COLUMN drop_reason INTEGER NOT NULL DEFAULT 4;  -- why what was due before drop_before_us is skipped
ALTER TABLE scheduler_backlog ADD COLUMN skip_before_us INTEGER NOT NULL DEFAULT -9223372036854775808; -- by progress set
ALTER TABLE scheduler_backlog ADD COLUMN held INTEGER NOT NULL DEFAULT 0;         -- to be decided at the end of the hold
