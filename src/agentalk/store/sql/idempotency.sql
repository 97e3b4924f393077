-- name: lock
SELECT pg_try_advisory_xact_lock(hashtextextended(%(org)s::text || ' ' || %(key)s, 1));

-- name: find
SELECT request, status, response FROM idempotency_keys
WHERE organization_id = %(org)s AND key = %(key)s AND created_at > %(since)s;

-- name: keep
INSERT INTO idempotency_keys (organization_id, key, request, status, response, created_at)
VALUES (%(org)s, %(key)s, %(request)s, %(status)s, %(response)s, %(now)s)
ON CONFLICT (organization_id, key) DO UPDATE
SET request = excluded.request, status = excluded.status, response = excluded.response, created_at = excluded.created_at;

-- name: prune
DELETE FROM idempotency_keys WHERE (organization_id, key) IN (
    SELECT organization_id, key FROM idempotency_keys WHERE created_at <= %(before)s
    ORDER BY created_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
);
