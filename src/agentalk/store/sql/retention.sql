-- name: policies
SELECT c.id, o.policy::text, c.policy::text FROM campaigns c JOIN organizations o ON o.id = c.organization_id ORDER BY c.id;

-- name: count_calls
SELECT count(*) FROM calls
WHERE campaign_id = %(campaign)s AND id < %(below)s AND NOT live AND coalesce(ended_at, reserved_at) < %(before)s
    AND id >= coalesce((SELECT forgotten_below FROM campaigns WHERE id = %(campaign)s), %(first)s)
    AND (phone <> '' OR transcript <> '[]');

-- name: empty_calls
-- The call itself stays: how many there were, when, how they ended and what they were decided by. One that began long ago and
-- ended late, or did not end, is come back to.
WITH told AS (
    SELECT id, NOT live AND coalesce(ended_at, reserved_at) < %(before)s AS expired FROM calls
    WHERE campaign_id = %(campaign)s AND id < %(below)s
        AND id >= coalesce((SELECT forgotten_below FROM campaigns WHERE id = %(campaign)s), %(first)s)
        AND (phone <> '' OR transcript <> '[]')
    ORDER BY id LIMIT %(most)s FOR NO KEY UPDATE
), walked AS (
    UPDATE campaigns SET forgotten_below = coalesce(
        (SELECT id FROM told WHERE NOT expired ORDER BY id LIMIT 1), (SELECT id FROM told ORDER BY id DESC LIMIT 1))
    WHERE id = %(campaign)s AND EXISTS (SELECT FROM told)
)
UPDATE calls SET phone = '', transcript = '[]' FROM told WHERE calls.id = told.id AND told.expired;

-- name: count_reports
SELECT count(*) FROM carrier_events e
WHERE received_at < %(before)s AND NOT EXISTS (SELECT FROM calls WHERE calls.id = e.call_id AND live);

-- name: delete_reports
DELETE FROM carrier_events e
WHERE received_at < %(before)s AND NOT EXISTS (SELECT FROM calls WHERE calls.id = e.call_id AND live);

-- name: count_answers
SELECT count(*) FROM idempotency_keys WHERE created_at <= %(before)s;
