-- name: policies
SELECT c.id, o.policy::text, c.policy::text FROM campaigns c JOIN organizations o ON o.id = c.organization_id ORDER BY c.id;

-- name: count_calls
SELECT count(*) FROM calls
WHERE campaign_id = %(campaign)s AND id < %(below)s AND NOT live AND coalesce(ended_at, reserved_at) < %(before)s
    AND (phone <> '' OR transcript <> '[]');

-- name: empty_calls
-- The call itself stays: how many there were, when, how they ended and what they were decided by.
WITH expired AS (
    SELECT id FROM calls
    WHERE campaign_id = %(campaign)s AND id < %(below)s AND NOT live AND coalesce(ended_at, reserved_at) < %(before)s
        AND (phone <> '' OR transcript <> '[]')
    ORDER BY id LIMIT %(most)s FOR NO KEY UPDATE
)
UPDATE calls SET phone = '', transcript = '[]' FROM expired WHERE calls.id = expired.id;

-- name: count_reports
SELECT count(*) FROM carrier_events e
WHERE received_at < %(before)s AND NOT EXISTS (SELECT FROM calls WHERE calls.id = e.call_id AND live);

-- name: delete_reports
DELETE FROM carrier_events e
WHERE received_at < %(before)s AND NOT EXISTS (SELECT FROM calls WHERE calls.id = e.call_id AND live);

-- name: count_answers
SELECT count(*) FROM idempotency_keys WHERE created_at <= %(before)s;
