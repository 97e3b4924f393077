-- name: get
SELECT id, created_at, body FROM policy_versions WHERE id = %(id)s;
