-- name: insert
INSERT INTO carriers
    (id, organization_id, name, kind, is_default, max_live_calls, calls_per_second, created_at, updated_at)
VALUES
    (%(id)s, %(org)s, %(name)s, %(kind)s, %(is_default)s, %(max_live_calls)s, %(calls_per_second)s, %(now)s, %(now)s);

-- name: get
SELECT id, name, kind, is_default, max_live_calls, calls_per_second, created_at, updated_at
FROM carriers WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id);

-- name: page
SELECT id, name, kind, is_default, max_live_calls, calls_per_second, created_at, updated_at
FROM carriers WHERE organization_id = coalesce(%(org)s::uuid, organization_id)
ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: total
SELECT count(*) FROM carriers WHERE organization_id = coalesce(%(org)s::uuid, organization_id);

-- name: change
UPDATE carriers SET
    name = coalesce(%(name)s, name),
    max_live_calls = coalesce(%(max_live_calls)s, max_live_calls),
    calls_per_second = coalesce(%(calls_per_second)s::double precision, calls_per_second),
    updated_at = %(now)s
WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id)
    AND updated_at = coalesce(%(seen)s::timestamptz, updated_at)
RETURNING id, name, kind, is_default, max_live_calls, calls_per_second, created_at, updated_at;
