-- name: add
-- One statement and one snapshot: what is added, reset and invalid is a partition of what was asked. A contact on a call
-- stays as it is and is reset when the call ends; one that was never tried is as good as reset already, and is not
-- written again. Rows are locked in one order, so that two such requests do not deadlock.
WITH asked AS MATERIALIZED (
    SELECT a.id, a.n, c.zones, CASE
        WHEN c.id IS NULL THEN 'not_found'
        WHEN c.phone IS NULL THEN 'no_phone'
        WHEN c.phone_invalid_at IS NOT NULL THEN 'invalid_number'
        WHEN EXISTS (SELECT FROM opt_outs o WHERE o.organization_id = %(org)s AND o.phone = c.phone) THEN 'opted_out'
        END AS reason
    FROM unnest(%(contacts)s::text[]) WITH ORDINALITY AS a(id, n)
    LEFT JOIN contacts c ON c.organization_id = %(org)s AND c.id = a.id AND c.deleted_at IS NULL
), written AS (
    INSERT INTO campaign_contacts AS cc (campaign_id, contact_id, organization_id, zones, due_at, added_at)
    SELECT %(campaign)s, id, %(org)s, zones, %(now)s, %(now)s FROM asked WHERE reason IS NULL ORDER BY id COLLATE "C"
    ON CONFLICT (campaign_id, contact_id) DO UPDATE SET
        status = CASE cc.status WHEN 'calling' THEN 'calling' ELSE 'pending' END,
        reset_pending = cc.status = 'calling',
        callback_at = NULL,
        generation = CASE cc.status WHEN 'calling' THEN cc.generation ELSE cc.generation + 1 END,
        attempts = CASE cc.status WHEN 'calling' THEN cc.attempts ELSE 0 END,
        misfires = CASE cc.status WHEN 'calling' THEN cc.misfires ELSE 0 END,
        outcomes = CASE cc.status WHEN 'calling' THEN cc.outcomes ELSE '{}' END,
        lane = CASE cc.status WHEN 'calling' THEN cc.lane ELSE 2 END,
        due_at = CASE cc.status WHEN 'calling' THEN cc.due_at ELSE excluded.due_at END,
        last_outcome = CASE cc.status WHEN 'calling' THEN cc.last_outcome END,
        skip_reason = NULL,
        wait_reason = NULL,
        zones = excluded.zones
    WHERE cc.status <> 'pending' OR cc.attempts > 0 OR cc.misfires > 0 OR cc.zones <> excluded.zones
    RETURNING xmax = 0 AS is_new
)
SELECT (SELECT count(*) FROM written WHERE is_new),
    (SELECT count(*) FROM asked WHERE reason IS NULL),
    (SELECT array_agg(id ORDER BY n) FROM asked WHERE reason IS NOT NULL),
    (SELECT array_agg(reason ORDER BY n) FROM asked WHERE reason IS NOT NULL);

-- name: cancel_open
-- Who is on a call, and was to be called anew after it, is not.
WITH slice AS (
    SELECT contact_id FROM campaign_contacts
    WHERE campaign_id = %(campaign)s
        AND (status IN ('pending', 'waiting') OR (status = 'calling' AND (reset_pending OR callback_at IS NOT NULL)))
    LIMIT %(most)s FOR NO KEY UPDATE
)
UPDATE campaign_contacts cc SET
    status = CASE status WHEN 'calling' THEN status ELSE 'canceled' END,
    reset_pending = false,
    callback_at = NULL
FROM slice WHERE cc.campaign_id = %(campaign)s AND cc.contact_id = slice.contact_id;

-- name: cancel_contact
UPDATE campaign_contacts SET
    status = CASE status WHEN 'calling' THEN status ELSE 'canceled' END,
    reset_pending = false,
    callback_at = NULL
WHERE organization_id = %(org)s AND contact_id = %(contact)s
    AND (status IN ('pending', 'waiting') OR (status = 'calling' AND (reset_pending OR callback_at IS NOT NULL)))
RETURNING campaign_id;

-- name: refresh_zones
-- Its contacts first: joined in one piece, the planner took the whole organization's and searched a thousand ids for each.
WITH changed AS MATERIALIZED (
    SELECT organization_id, id, zones FROM contacts WHERE organization_id = %(org)s AND id = ANY(%(contacts)s::text[])
)
UPDATE campaign_contacts cc SET zones = changed.zones FROM changed
WHERE cc.organization_id = changed.organization_id AND cc.contact_id = changed.id
    AND (cc.status IN ('pending', 'waiting', 'calling')) IS TRUE AND cc.zones <> changed.zones
RETURNING cc.campaign_id;

-- name: crowded
SELECT campaign_id FROM campaign_tallies WHERE campaign_id = ANY(%(campaigns)s::uuid[])
GROUP BY campaign_id HAVING count(*) > 100 + 2 * count(DISTINCT (zones, status));

-- name: fold
-- Rows that another transaction sums up at this moment are left to it: nobody waits.
WITH held AS (
    SELECT ctid AS at FROM campaign_tallies WHERE campaign_id = %(campaign)s FOR UPDATE SKIP LOCKED
), folded AS (
    DELETE FROM campaign_tallies WHERE ctid = ANY(ARRAY(SELECT at FROM held)) RETURNING zones, status, n
)
INSERT INTO campaign_tallies (campaign_id, zones, status, n)
SELECT %(campaign)s, zones, status, sum(n) FROM folded GROUP BY zones, status HAVING sum(n) <> 0;

-- name: page
-- Newest first: of each status no more rows are read than the page can hold.
SELECT cc.* FROM unnest(%(statuses)s::text[]) AS s(status)
CROSS JOIN LATERAL (
    SELECT seq, contact_id, status, attempts,
        CASE WHEN status = 'waiting' OR (status = 'pending' AND wait_reason <> 'outside_window') THEN due_at END,
        status = 'waiting' AND lane = 0 OR callback_at IS NOT NULL, wait_reason, last_outcome, skip_reason, added_at
    FROM campaign_contacts
    WHERE campaign_id = %(campaign)s AND campaign_contacts.status = s.status AND seq < %(before)s
    ORDER BY seq DESC LIMIT %(limit)s::bigint + %(offset)s::bigint
) cc
ORDER BY cc.seq DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: get
SELECT seq, contact_id, status, attempts,
    CASE WHEN status = 'waiting' OR (status = 'pending' AND wait_reason <> 'outside_window') THEN due_at END,
    status = 'waiting' AND lane = 0 OR callback_at IS NOT NULL, wait_reason, last_outcome, skip_reason, added_at
FROM campaign_contacts WHERE campaign_id = %(campaign)s AND contact_id = %(contact)s;

-- name: total
SELECT coalesce(sum(n), 0)::bigint FROM campaign_tallies
WHERE campaign_id = %(campaign)s AND status = ANY(%(statuses)s::text[]);

-- name: lock
SELECT status FROM campaign_contacts WHERE campaign_id = %(campaign)s AND contact_id = %(contact)s FOR UPDATE;

-- name: lock_for_callback
SELECT cc.status, cc.zones, CASE WHEN cc.reset_pending THEN 0 ELSE cc.attempts END, c.status, c.window_hours::text,
    c.retry::text, o.policy::text, c.policy::text,
    EXISTS (SELECT FROM contacts k JOIN opt_outs p ON p.organization_id = k.organization_id AND p.phone = k.phone
        WHERE k.organization_id = cc.organization_id AND k.id = cc.contact_id)
FROM campaign_contacts cc
JOIN campaigns c ON c.id = cc.campaign_id
JOIN organizations o ON o.id = cc.organization_id
WHERE cc.campaign_id = %(campaign)s AND cc.contact_id = %(contact)s FOR UPDATE OF cc;

-- name: call_back
-- Who is on a call is called back after it.
UPDATE campaign_contacts SET
    status = CASE status WHEN 'calling' THEN status ELSE 'waiting' END,
    lane = CASE status WHEN 'calling' THEN lane ELSE 0 END,
    due_at = CASE status WHEN 'calling' THEN due_at ELSE %(at)s END,
    callback_at = CASE status WHEN 'calling' THEN %(at)s::timestamptz END,
    wait_reason = NULL
WHERE campaign_id = %(campaign)s AND contact_id = %(contact)s
RETURNING seq, contact_id, status, attempts, CASE status WHEN 'waiting' THEN due_at END,
    status = 'waiting' AND lane = 0 OR callback_at IS NOT NULL, wait_reason, last_outcome, skip_reason, added_at;

-- name: remove
-- A contact that has been called stays on record, for its calls' sake: adding it again must not count from one again.
WITH called AS (
    SELECT FROM calls WHERE campaign_id = %(campaign)s AND contact_id = %(contact)s AND counted LIMIT 1
), gone AS (
    DELETE FROM campaign_contacts
    WHERE campaign_id = %(campaign)s AND contact_id = %(contact)s AND NOT EXISTS (SELECT FROM called)
)
UPDATE campaign_contacts SET status = 'canceled'
WHERE campaign_id = %(campaign)s AND contact_id = %(contact)s AND status IN ('pending', 'waiting')
    AND EXISTS (SELECT FROM called);
