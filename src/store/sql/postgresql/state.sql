-- One row where there is a table `action`: its oid, what identifies its shape and triggers, whether every change of it
-- comes as a notification to this session (behind a pooler the session is another than the client's, $1), the
-- transactions that are visible, and whether its rows have versions.
SELECT c.oid::text,
	pg_catalog.concat_ws(' ', c.oid, c.relfilenode, c.xmin,
		(SELECT pg_catalog.string_agg(a.attnum || ':' || a.xmin, ',' ORDER BY a.attnum)
			FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0),
		(SELECT pg_catalog.string_agg(pg_catalog.concat_ws(':', g.oid, g.xmin, g.tgenabled, p.xmin), ',' ORDER BY g.oid)
			FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
			WHERE g.tgrelid = c.oid AND NOT g.tgisinternal)),
	pg_catalog.pg_backend_pid()::text = $1 AND c.relkind = 'r' AND
		'action_scheduler_' || c.oid IN (SELECT pg_catalog.pg_listening_channels()) AND
		(SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
			WHERE g.tgrelid = c.oid AND g.tgenabled = 'A' AND p.proname = 'action_scheduler_notify' AND g.tgname IN
				('action_scheduler_insert', 'action_scheduler_update', 'action_scheduler_delete',
				'action_scheduler_truncate')) = 4 AND
		NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid),
	pg_catalog.pg_current_snapshot()::text,
	c.relkind IN ('r', 'p', 'm')
FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass('action')
