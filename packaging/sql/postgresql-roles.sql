-- Roles for actions_db and internal_db on PostgreSQL 14 or later. Run it once, as a superuser or as the owner of the
-- database and of the table `action`, in the database that holds it, after `action-scheduler init` has made the table
-- as its owner (or the Python program has):
--
--     psql -d DATABASE -f postgresql-roles.sql
--
-- It gives no passwords; set them with \password action_scheduler and \password action_editor.

\set ON_ERROR_STOP on
BEGIN;

-- The scheduler: reads the table, writes nothing of it but why a row does not fire, and keeps internal_db in a schema
-- of its own. In config.yaml: username: action_scheduler.
CREATE ROLE action_scheduler LOGIN;
GRANT USAGE ON SCHEMA public TO action_scheduler;
GRANT SELECT ON action TO action_scheduler;
-- Only where the table has the column (`check --fix` adds it).
DO $$
BEGIN
	IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'action'::regclass AND attname = 'error' AND NOT attisdropped) THEN
		GRANT UPDATE (error) ON action TO action_scheduler;
	END IF;
END
$$;
-- The usual search path finds a schema of the role's own name first, so the tables of internal_db are made there.
CREATE SCHEMA action_scheduler AUTHORIZATION action_scheduler;

-- Who edits actions, with any client: the trigger needs no rights of theirs.
CREATE ROLE action_editor LOGIN;
GRANT USAGE ON SCHEMA public TO action_editor;
GRANT SELECT, INSERT, UPDATE, DELETE ON action TO action_editor;
DO $$
DECLARE
	sequence text := pg_get_serial_sequence('action', 'id');
BEGIN
	IF sequence IS NOT NULL THEN
		-- UPDATE: to move it past rows that are imported with their ids.
		EXECUTE format('GRANT USAGE, UPDATE ON SEQUENCE %s TO action_editor', sequence);
	END IF;
END
$$;

COMMIT;
