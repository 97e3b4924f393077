-- Where a row is named by its key, the state it must be in is written `(status = 'x') IS TRUE`: a plain comparison would invite
-- the planner to walk the index of states instead, whose size it misjudges while a campaign is under way.

-- name: lock_organization
SELECT pg_try_advisory_xact_lock(hashtextextended('agentalk:' || %(org)s::text, 0));

-- name: organizations_with_work
SELECT DISTINCT organization_id FROM campaigns WHERE status = 'active';

-- name: live_of_dialer
SELECT count(*) FROM calls WHERE dialer_id = %(dialer)s AND live;

-- name: carriers_of
-- The live calls of each carrier are counted from rows: no counter that could leak.
SELECT k.id, k.kind, k.is_default, k.max_live_calls, k.calls_per_second, k.bucket_tokens, k.bucket_at, k.slow_until,
    k.slow_times, (SELECT count(*) FROM calls WHERE organization_id = %(org)s AND live AND carrier_id = k.id),
    o.max_concurrency
FROM carriers k JOIN organizations o ON o.id = k.organization_id
WHERE k.organization_id = %(org)s;

-- name: active_campaigns
SELECT c.id, c.carrier_id, c.priority, c.max_concurrency, c.calls_per_second, c.bucket_tokens, c.bucket_at, c.phase,
    c.caller_ids, c.voicemail ->> 'action', a.first_message, a.voicemail_message, coalesce(l.live, 0),
    o.name, c.window_hours::text, o.policy::text, c.policy::text, c.caller_id_rule::text, c.reserved_concurrency,
    c.throttled, (SELECT min(at) FROM outcome_tallies WHERE campaign_id = c.id AND span = 0)
FROM campaigns c
JOIN organizations o ON o.id = c.organization_id
JOIN agents a ON a.id = c.agent_id
LEFT JOIN (
    SELECT campaign_id, count(*) AS live FROM calls WHERE organization_id = %(org)s AND live GROUP BY campaign_id
) l ON l.campaign_id = c.id
WHERE c.organization_id = %(org)s AND c.status = 'active';

-- name: tallies_of
SELECT campaign_id, zones,
    sum(n) FILTER (WHERE status = 'pending')::bigint,
    sum(n) FILTER (WHERE status = 'waiting')::bigint,
    sum(n) FILTER (WHERE status = 'calling')::bigint,
    sum(n)::bigint,
    count(*)
FROM campaign_tallies WHERE campaign_id = ANY(%(campaigns)s::uuid[])
GROUP BY campaign_id, zones;

-- name: next_scheduled
SELECT min(start_at) FROM campaigns WHERE start_at IS NOT NULL AND deleted_at IS NULL;

-- name: count_due
-- How many contacts of each campaign could be called at once, counted no further than `most`.
SELECT s.campaign_id, (
    SELECT count(*) FROM (
        SELECT FROM jsonb_to_recordset(s.zones) AS z(zones text)
        CROSS JOIN generate_series(0, 2) AS l(lane)
        CROSS JOIN LATERAL (
            SELECT FROM campaign_contacts cc
            WHERE cc.campaign_id = s.campaign_id AND cc.zones = z.zones AND cc.lane = l.lane
                AND cc.status IN ('pending', 'waiting') AND cc.due_at <= %(now)s
            LIMIT s.most
        ) due
        LIMIT s.most
    ) counted
)
FROM jsonb_to_recordset(%(shares)s::jsonb) AS s(campaign_id uuid, most integer, zones jsonb);

-- name: next_due
SELECT min(due.due_at)
FROM jsonb_to_recordset(%(shares)s::jsonb) AS s(campaign_id uuid, zones jsonb)
CROSS JOIN LATERAL jsonb_to_recordset(s.zones) AS z(zones text)
CROSS JOIN generate_series(0, 2) AS l(lane)
CROSS JOIN LATERAL (
    SELECT cc.due_at FROM campaign_contacts cc
    WHERE cc.campaign_id = s.campaign_id AND cc.zones = z.zones AND cc.lane = l.lane
        AND cc.status IN ('pending', 'waiting')
    ORDER BY cc.due_at LIMIT 1
) due;

-- name: hold_campaigns
-- One that is being paused or stopped at this moment is left out: a stop may take long, and other organizations wait.
SELECT id FROM campaigns WHERE id = ANY(%(campaigns)s::uuid[]) AND status = 'active'
ORDER BY id FOR KEY SHARE SKIP LOCKED;

-- name: save_buckets
WITH b AS (
    SELECT * FROM jsonb_to_recordset(%(buckets)s::jsonb) AS b(kind text, id uuid, tokens double precision, at timestamptz)
), c AS (
    UPDATE campaigns SET bucket_tokens = b.tokens, bucket_at = b.at
    FROM b WHERE b.kind = 'campaign' AND campaigns.id = b.id
)
UPDATE carriers SET bucket_tokens = b.tokens, bucket_at = b.at FROM b WHERE b.kind = 'carrier' AND carriers.id = b.id;

-- name: save_phases
WITH held AS (
    SELECT c.id, p.phase FROM jsonb_to_recordset(%(phases)s::jsonb) AS p(id uuid, phase text)
    JOIN campaigns c ON c.id = p.id WHERE c.status = 'active'
    FOR NO KEY UPDATE OF c SKIP LOCKED
)
UPDATE campaigns SET phase = held.phase FROM held WHERE campaigns.id = held.id;

-- name: lock_campaign
SELECT id FROM campaigns WHERE id = %(campaign)s AND status = 'active' FOR UPDATE SKIP LOCKED;

-- name: complete_if_finished
UPDATE campaigns SET status = 'completed', status_reason = 'finished', phase = NULL, ended_at = %(now)s, updated_at = %(now)s
WHERE id = %(campaign)s AND status = 'active'
    AND NOT EXISTS (SELECT FROM campaign_contacts
        WHERE campaign_id = %(campaign)s AND status IN ('pending', 'waiting', 'calling'))
    AND NOT EXISTS (SELECT FROM calls WHERE campaign_id = %(campaign)s AND live)
RETURNING id;

-- name: campaigns_allowed
-- The second check, before the dialing commit: still active, and still within every limit. The lock makes a pause wait for
-- this transaction, or this transaction see the pause.
SELECT c.id, c.window_hours::text, o.policy::text, c.policy::text FROM campaigns c
JOIN organizations o ON o.id = c.organization_id
JOIN carriers k ON k.organization_id = c.organization_id AND k.id = coalesce(c.carrier_id,
    (SELECT id FROM carriers WHERE organization_id = c.organization_id AND is_default))
WHERE c.id = ANY(%(campaigns)s::uuid[]) AND c.status = 'active'
    AND (SELECT count(*) <= o.max_concurrency AND count(*) FILTER (WHERE carrier_id = k.id) <= k.max_live_calls
            AND count(*) FILTER (WHERE campaign_id = c.id) <= c.max_concurrency
        FROM calls WHERE organization_id = c.organization_id AND live)
ORDER BY c.id
FOR KEY SHARE OF c;

-- name: release_reserved
WITH released AS (
    UPDATE calls SET status = 'released' WHERE id = ANY(%(ids)s::uuid[]) AND status = 'reserved'
    RETURNING organization_id, campaign_id, contact_id, caller_id, reserved_at
), returned AS (
    INSERT INTO caller_id_days (organization_id, day, caller_id, calls)
    SELECT organization_id, (reserved_at AT TIME ZONE 'UTC')::date AS day, caller_id, -count(*) FROM released
    WHERE caller_id IS NOT NULL GROUP BY organization_id, day, caller_id
)
UPDATE campaign_contacts cc SET
    status = CASE
        WHEN callback_at IS NOT NULL THEN 'waiting'
        WHEN reset_pending THEN 'pending'
        WHEN c.status = 'stopped' THEN 'canceled'
        WHEN lane = 2 THEN 'pending'
        ELSE 'waiting' END,
    lane = CASE WHEN callback_at IS NOT NULL THEN 0 WHEN reset_pending THEN 2 ELSE lane END,
    due_at = coalesce(callback_at, CASE WHEN reset_pending THEN %(now)s ELSE due_at END),
    generation = generation + reset_pending::integer,
    attempts = CASE WHEN reset_pending THEN 0 ELSE attempts END,
    misfires = CASE WHEN reset_pending THEN 0 ELSE misfires END,
    outcomes = CASE WHEN reset_pending THEN '{}' ELSE outcomes END,
    last_outcome = CASE WHEN reset_pending THEN NULL ELSE last_outcome END,
    reset_pending = false,
    callback_at = NULL
FROM released JOIN campaigns c ON c.id = released.campaign_id
WHERE cc.campaign_id = released.campaign_id AND cc.contact_id = released.contact_id AND (cc.status = 'calling') IS TRUE
RETURNING cc.campaign_id;

-- name: hold_carriers
SELECT id, slow_until, slow_times FROM carriers WHERE organization_id = %(org)s AND kind = %(kind)s
ORDER BY id FOR NO KEY UPDATE;

-- name: slow_carrier
UPDATE carriers SET slow_until = %(until)s, slow_times = %(times)s WHERE id = %(carrier)s;
