-- internal_db, version 3: all can be held, and the progress can be set. As in version 2, each change looks
-- whether it is there already.

CREATE TABLE IF NOT EXISTS scheduler_hold (
	one INT NOT NULL PRIMARY KEY,      -- 1
	since_us BIGINT NOT NULL,          -- the smallest: nothing is held
	skip_until_us BIGINT NOT NULL,     -- it ended while no scheduler ran, and what was due up to here is dropped
	reason TEXT                        -- as it was given
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- drop_reason: why what was due before drop_before_us is skipped; skip_before_us: by progress set; held: to be decided at
-- the end of the hold
SET @change = IF((SELECT count(*) FROM information_schema.columns WHERE table_schema = DATABASE()
	AND table_name = 'scheduler_backlog' AND column_name = 'drop_reason') > 0, 'DO 0',
	'ALTER TABLE scheduler_backlog ADD COLUMN drop_reason INT NOT NULL DEFAULT 4, ADD COLUMN skip_before_us BIGINT NOT NULL DEFAULT -9223372036854775808, ADD COLUMN held INT NOT NULL DEFAULT 0');
PREPARE change_table FROM @change;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;
