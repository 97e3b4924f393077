-- name: insert
INSERT INTO organizations (id, name, max_concurrency, policy, created_at, updated_at)
VALUES (%(id)s, %(name)s, %(max_concurrency)s, %(policy)s::jsonb, %(now)s, %(now)s);

-- name: lock_all
LOCK TABLE organizations IN SHARE ROW EXCLUSIVE MODE;

-- name: get
SELECT id, name, max_concurrency, policy::text, created_at, updated_at
FROM organizations WHERE id = %(id)s AND id = coalesce(%(org)s::uuid, id);

-- name: page
SELECT id, name, max_concurrency, policy::text, created_at, updated_at
FROM organizations WHERE id = coalesce(%(org)s::uuid, id)
ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: total
SELECT count(*) FROM organizations WHERE id = coalesce(%(org)s::uuid, id);

-- name: change
UPDATE organizations SET
    name = coalesce(%(name)s, name),
    max_concurrency = coalesce(%(max_concurrency)s, max_concurrency),
    policy = coalesce(%(policy)s::jsonb, policy),
    updated_at = %(now)s
WHERE id = %(id)s AND id = coalesce(%(org)s::uuid, id) AND updated_at = coalesce(%(seen)s::timestamptz, updated_at)
RETURNING id, name, max_concurrency, policy::text, created_at, updated_at;
