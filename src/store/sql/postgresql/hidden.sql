-- The schemas of the search path that have a table `action` and that the role may not look into.
SELECT pg_catalog.string_agg(pg_catalog.quote_ident(n.nspname), ', ')
FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'action'
WHERE NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND n.nspname = ANY (ARRAY(
	SELECT pg_catalog.btrim(p, ' "') FROM pg_catalog.unnest(
		pg_catalog.string_to_array(pg_catalog.current_setting('search_path'), ',')) AS p))
