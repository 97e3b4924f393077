-- name: write
INSERT INTO audit_log (organization_id, at, actor, action, data)
VALUES (%(org)s, %(now)s, %(actor)s, %(action)s, %(data)s::jsonb);

-- name: page
SELECT seq, organization_id, at, actor, action, data FROM audit_log
WHERE (%(org)s::uuid IS NULL OR organization_id = %(org)s)
    AND (%(action)s::text IS NULL OR action = %(action)s)
    AND (%(before)s::bigint IS NULL OR seq < %(before)s)
ORDER BY seq DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: total
SELECT count(*) FROM audit_log
WHERE (%(org)s::uuid IS NULL OR organization_id = %(org)s) AND (%(action)s::text IS NULL OR action = %(action)s);
