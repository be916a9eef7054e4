-- Sets the column `error` of the rows in $1, [{"id": …, "error": …}, …], and tells by how much that moves the digest of
-- the table.
WITH e AS (SELECT * FROM pg_catalog.json_to_recordset($1::json) AS e(id text, error text)),
	o AS (SELECT a.ctid AS place, @ROW_DIGEST@ AS digest, e.error FROM action a JOIN e ON e.id = a.id::text
		FOR UPDATE OF a),
	u AS (UPDATE action a SET error = o.error FROM o WHERE a.ctid = o.place RETURNING @ROW_DIGEST@ AS digest)
SELECT (SELECT coalesce(pg_catalog.sum(digest), 0) FROM u) -
	(SELECT coalesce(pg_catalog.sum(digest), 0) FROM o)
