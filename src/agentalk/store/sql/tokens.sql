-- name: insert
INSERT INTO tokens (id, organization_id, name, role, superuser, digest, created_at, expires_at)
VALUES (%(id)s, %(organization_id)s, %(name)s, %(role)s, %(superuser)s, %(digest)s, %(created_at)s, %(expires_at)s);

-- name: find
SELECT id, organization_id, name, role, superuser, created_at, expires_at, last_used_at, revoked_at
FROM tokens WHERE digest = %(digest)s;

-- name: get
SELECT id, organization_id, name, role, superuser, created_at, expires_at, last_used_at, revoked_at
FROM tokens WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id);

-- name: page
SELECT id, organization_id, name, role, superuser, created_at, expires_at, last_used_at, revoked_at
FROM tokens WHERE organization_id = coalesce(%(org)s::uuid, organization_id)
ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: total
SELECT count(*) FROM tokens WHERE organization_id = coalesce(%(org)s::uuid, organization_id);

-- name: revoke
UPDATE tokens SET revoked_at = %(now)s
WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id) AND revoked_at IS NULL;

-- name: touch
UPDATE tokens SET last_used_at = %(now)s WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at < %(now)s);
