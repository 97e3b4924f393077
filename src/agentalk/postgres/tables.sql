-- The tables of a database, but for PostgreSQL's own and those of extensions.
SELECT schemaname || '.' || tablename
FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
  AND NOT EXISTS (
    SELECT FROM pg_depend
    WHERE classid = 'pg_class'::regclass
      AND objid = format('%I.%I', schemaname, tablename)::regclass
      AND deptype = 'e'
  );
