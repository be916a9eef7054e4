-- internal_db, version 2: failed fires are run again, and fires begin at most once. A server of this kind changes each
-- table for good at once, and an end between two of them must not keep the rest from being done: each change looks
-- whether it is there already.

SET @change = IF((SELECT count(*) FROM information_schema.columns WHERE table_schema = DATABASE()
	AND table_name = 'scheduler_open' AND column_name = 'attempts_before') > 0, 'DO 0',
	'ALTER TABLE scheduler_open ADD COLUMN started INT NOT NULL DEFAULT 0, ADD COLUMN attempts_before INT NOT NULL DEFAULT 0');
PREPARE change_table FROM @change;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;

-- failed_fire: the id of a fire that failed
SET @change = IF((SELECT count(*) FROM information_schema.columns WHERE table_schema = DATABASE()
	AND table_name = 'scheduler_history' AND column_name = 'failed_fire') > 0, 'DO 0',
	'ALTER TABLE scheduler_history ADD COLUMN failed_fire VARCHAR(100), ADD KEY scheduler_history_failed (failed_fire)');
PREPARE change_table FROM @change;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;
