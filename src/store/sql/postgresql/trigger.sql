-- Tells a running scheduler which rows of `action` changed. Once for a statement, however many rows it touches: the ids
-- of up to 256 rows, `*` for more. Writing the column `error` alone changes nothing.
CREATE OR REPLACE FUNCTION action_scheduler_notify() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
	changed text := '*';
	many boolean := false;
BEGIN
	IF pg_catalog.current_setting('action_scheduler.writes_errors', true) = 'on' THEN
		RETURN NULL;
	END IF;
	IF TG_OP = 'INSERT' THEN
		SELECT pg_catalog.count(*) > 256 INTO many FROM (SELECT FROM new_rows LIMIT 257) AS part;
		IF NOT many THEN
			SELECT pg_catalog.string_agg(id::text, ',') INTO changed FROM new_rows;
		END IF;
	ELSIF TG_OP = 'DELETE' THEN
		SELECT pg_catalog.count(*) > 256 INTO many FROM (SELECT FROM old_rows LIMIT 257) AS part;
		IF NOT many THEN
			SELECT pg_catalog.string_agg(id::text, ',') INTO changed FROM old_rows;
		END IF;
	ELSIF TG_OP = 'UPDATE' THEN
		SELECT pg_catalog.count(*) > 128 INTO many FROM (SELECT FROM new_rows LIMIT 129) AS part;
		IF NOT many THEN
			WITH o AS (SELECT id::text, pg_catalog.to_jsonb(r) - 'error', r.cron::text FROM old_rows r),
				n AS (SELECT id::text, pg_catalog.to_jsonb(r) - 'error', r.cron::text FROM new_rows r)
			SELECT pg_catalog.string_agg(DISTINCT id, ',') INTO changed
			FROM ((TABLE n EXCEPT ALL TABLE o) UNION ALL (TABLE o EXCEPT ALL TABLE n)) AS d;
		END IF;
	END IF;
	IF changed IS NOT NULL THEN
		PERFORM pg_catalog.pg_notify('action_scheduler_' || TG_RELID,
			CASE WHEN pg_catalog.octet_length(changed) < 7900 THEN changed ELSE '*' END);
	END IF;
	RETURN NULL;
END
$function$;
CREATE OR REPLACE TRIGGER action_scheduler_insert AFTER INSERT ON action
	REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION action_scheduler_notify();
CREATE OR REPLACE TRIGGER action_scheduler_update AFTER UPDATE ON action
	REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
	FOR EACH STATEMENT EXECUTE FUNCTION action_scheduler_notify();
CREATE OR REPLACE TRIGGER action_scheduler_delete AFTER DELETE ON action
	REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION action_scheduler_notify();
CREATE OR REPLACE TRIGGER action_scheduler_truncate AFTER TRUNCATE ON action
	FOR EACH STATEMENT EXECUTE FUNCTION action_scheduler_notify();
-- Also for rows that replication applies.
ALTER TABLE action ENABLE ALWAYS TRIGGER action_scheduler_insert;
ALTER TABLE action ENABLE ALWAYS TRIGGER action_scheduler_update;
ALTER TABLE action ENABLE ALWAYS TRIGGER action_scheduler_delete;
ALTER TABLE action ENABLE ALWAYS TRIGGER action_scheduler_truncate;
