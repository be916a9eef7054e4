-- internal_db, version 2: failed fires are run again, and fires begin at most once.

ALTER TABLE scheduler_open
	ADD COLUMN started integer NOT NULL DEFAULT 0,          -- begun, at_most_once
	ADD COLUMN attempts_before integer NOT NULL DEFAULT 0;  -- of `attempts`, before a retry
ALTER TABLE scheduler_history
	ADD COLUMN failed_fire text COLLATE "C";                -- the id of a fire that failed
CREATE INDEX scheduler_history_failed ON scheduler_history (failed_fire) WHERE failed_fire IS NOT NULL;
