-- Where a row is named by its key, the state it must be in is written `(status = 'x') IS TRUE`: a plain comparison would invite
-- the planner to walk the index of states instead, whose size it misjudges while a campaign is under way.

-- name: lock_organization
SELECT pg_try_advisory_xact_lock(hashtextextended('agentalk:' || %(org)s::text, 0));

-- name: organizations_with_work
SELECT DISTINCT organization_id FROM campaigns WHERE status = 'active';

-- name: carriers_of
-- The live calls of each carrier are counted from rows: no counter that could leak.
SELECT k.id, k.kind, k.is_default, k.max_live_calls, k.calls_per_second, k.bucket_tokens, k.bucket_at, k.slow_until,
    (SELECT count(*) FROM calls WHERE organization_id = %(org)s AND live AND carrier_id = k.id),
    o.max_concurrency,
    (SELECT count(*) FROM calls WHERE dialer_id = %(dialer)s AND live)
FROM carriers k JOIN organizations o ON o.id = k.organization_id
WHERE k.organization_id = %(org)s;

-- name: active_campaigns
SELECT c.id, c.carrier_id, c.priority, c.max_concurrency, c.calls_per_second, c.bucket_tokens, c.bucket_at, c.phase,
    c.window_hours::text, c.caller_ids, c.voicemail ->> 'action', a.first_message, a.voicemail_message,
    coalesce(l.live, 0)
FROM campaigns c
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

-- name: claim_due
-- Each share's first `quota` due contacts, callbacks before retries before fresh ones, oldest first. A contact whose phone
-- is on a live call already steps back for a while; one without a phone, or who opted out, is skipped; one whose time zone has changed moves
-- to its new group; the rest are reserved. Contacts that somebody is changing are not waited for.
WITH share AS (
    SELECT * FROM jsonb_to_recordset(%(shares)s::jsonb)
        AS s(campaign_id uuid, carrier_id uuid, carrier text, caller_ids text[], quota integer, zones jsonb)
), candidate AS (
    SELECT s.campaign_id, s.carrier_id, s.carrier, s.caller_ids, s.quota, due.*,
        row_number() OVER (PARTITION BY s.campaign_id ORDER BY due.lane, due.due_at, due.seq) AS place
    FROM share s
    CROSS JOIN LATERAL jsonb_to_recordset(s.zones) AS z(zones text)
    CROSS JOIN generate_series(0, 2) AS l(lane)
    CROSS JOIN LATERAL (
        SELECT cc.contact_id, cc.zones, cc.lane, cc.due_at, cc.seq FROM campaign_contacts cc
        WHERE cc.campaign_id = s.campaign_id AND cc.zones = z.zones AND cc.lane = l.lane
            AND cc.status IN ('pending', 'waiting') AND cc.due_at <= %(now)s
        ORDER BY cc.due_at LIMIT s.quota
    ) due
), held AS (
    SELECT c.* FROM candidate c
    JOIN campaign_contacts cc ON cc.campaign_id = c.campaign_id AND cc.contact_id = c.contact_id
    WHERE c.place <= c.quota
    FOR NO KEY UPDATE OF cc SKIP LOCKED
), judged AS (
    SELECT c.campaign_id, c.carrier_id, c.carrier, c.caller_ids, c.contact_id, k.zones, k.phone, k.name, k.attributes,
        CASE
            WHEN k.phone IS NULL THEN 'no_phone'
            WHEN k.phone_invalid_at IS NOT NULL THEN 'invalid_number'
            WHEN EXISTS (SELECT FROM opt_outs WHERE organization_id = %(org)s AND phone = k.phone) THEN 'opted_out'
            WHEN k.zones <> c.zones THEN 'moved'
            WHEN EXISTS (SELECT FROM calls WHERE organization_id = %(org)s AND phone = k.phone AND live)
                OR row_number() OVER (PARTITION BY k.phone ORDER BY c.lane, c.due_at, c.seq) > 1 THEN 'hold'
            ELSE 'call'
        END AS verdict
    FROM held c JOIN contacts k ON k.organization_id = %(org)s AND k.id = c.contact_id
), taken AS (
    UPDATE campaign_contacts cc SET
        status = CASE j.verdict WHEN 'call' THEN 'calling' WHEN 'hold' THEN cc.status WHEN 'moved' THEN cc.status
            ELSE 'skipped' END,
        zones = j.zones,
        skip_reason = CASE WHEN j.verdict IN ('no_phone', 'invalid_number', 'opted_out') THEN j.verdict END,
        due_at = CASE j.verdict WHEN 'hold' THEN %(hold_until)s ELSE cc.due_at END
    FROM judged j
    WHERE cc.campaign_id = j.campaign_id AND cc.contact_id = j.contact_id AND (cc.status IN ('pending', 'waiting')) IS TRUE
    RETURNING cc.campaign_id, cc.contact_id, cc.zones, cc.generation, cc.attempts,
        j.carrier_id, j.carrier, j.caller_ids, j.phone, j.name, j.attributes, j.verdict
), numbered AS (
    SELECT *, (%(ids)s::uuid[])[row_number() OVER ()] AS id,
        caller_ids[1 + attempts %% nullif(cardinality(caller_ids), 0)] AS caller_id
    FROM taken WHERE verdict = 'call'
), reserved AS (
    INSERT INTO calls (id, organization_id, campaign_id, contact_id, carrier_id, carrier, dialer_id, generation, attempt,
        status, phone, caller_id, reserved_at, check_at)
    SELECT id, %(org)s, campaign_id, contact_id, carrier_id, carrier, %(dialer)s, generation, attempts + 1,
        'reserved', phone, caller_id, %(now)s, %(release_at)s
    FROM numbered
)
SELECT id, campaign_id, contact_id, carrier, zones, phone, caller_id, name, attributes FROM numbered;

-- name: skip_no_timezone
WITH chosen AS (
    SELECT cc.campaign_id, cc.contact_id
    FROM unnest(%(campaigns)s::uuid[]) AS s(campaign_id)
    CROSS JOIN generate_series(0, 2) AS l(lane)
    CROSS JOIN LATERAL (
        SELECT c.campaign_id, c.contact_id FROM campaign_contacts c
        WHERE c.campaign_id = s.campaign_id AND c.zones = '' AND c.lane = l.lane
            AND c.status IN ('pending', 'waiting')
        LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
    ) cc
)
UPDATE campaign_contacts cc SET status = 'skipped', skip_reason = 'no_timezone'
FROM chosen WHERE cc.campaign_id = chosen.campaign_id AND cc.contact_id = chosen.contact_id
    AND (cc.status IN ('pending', 'waiting')) IS TRUE
RETURNING cc.campaign_id, cc.contact_id;

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
SELECT c.id, c.window_hours::text FROM campaigns c
JOIN organizations o ON o.id = c.organization_id
JOIN carriers k ON k.organization_id = c.organization_id AND k.id = coalesce(c.carrier_id,
    (SELECT id FROM carriers WHERE organization_id = c.organization_id AND is_default))
WHERE c.id = ANY(%(campaigns)s::uuid[]) AND c.status = 'active'
    AND (SELECT count(*) FROM calls WHERE campaign_id = c.id AND live) <= c.max_concurrency
    AND (SELECT count(*) FROM calls WHERE organization_id = c.organization_id AND live) <= o.max_concurrency
    AND (SELECT count(*) FROM calls WHERE organization_id = c.organization_id AND live AND carrier_id = k.id)
        <= k.max_live_calls
ORDER BY c.id
FOR KEY SHARE OF c;

-- name: commit_dialing
-- After this commit the carrier may hear of the call: the attempt counts. Only an unfenced dialer's own reservations pass,
-- and only while the contact still has the phone that was judged, and that phone has not asked to be left alone.
WITH dialed AS (
    UPDATE calls SET status = 'dialing', dialed_at = %(now)s, check_at = %(check_at)s
    FROM contacts k
    WHERE calls.id = ANY(%(ids)s::uuid[]) AND calls.status = 'reserved' AND calls.dialer_id = %(dialer)s
        AND k.organization_id = calls.organization_id AND k.id = calls.contact_id AND k.phone = calls.phone
        AND NOT EXISTS (SELECT FROM opt_outs o WHERE o.organization_id = calls.organization_id AND o.phone = calls.phone)
        AND EXISTS (SELECT FROM dialers
            WHERE id = %(dialer)s AND fenced_at IS NULL AND heartbeat_at >= %(fresh_since)s)
    RETURNING calls.id, calls.campaign_id, calls.contact_id
)
UPDATE campaign_contacts cc SET attempts = attempts + 1 FROM dialed
WHERE cc.campaign_id = dialed.campaign_id AND cc.contact_id = dialed.contact_id AND (cc.status = 'calling') IS TRUE
RETURNING dialed.id;

-- name: release_reserved
WITH released AS (
    UPDATE calls SET status = 'released' WHERE id = ANY(%(ids)s::uuid[]) AND status = 'reserved'
    RETURNING campaign_id, contact_id
)
UPDATE campaign_contacts cc SET
    status = CASE
        WHEN reset_pending THEN 'pending'
        WHEN c.status = 'stopped' THEN 'canceled'
        WHEN lane = 2 THEN 'pending'
        ELSE 'waiting' END,
    lane = CASE WHEN reset_pending THEN 2 ELSE lane END,
    due_at = CASE WHEN reset_pending THEN %(now)s ELSE due_at END,
    generation = generation + reset_pending::integer,
    attempts = CASE WHEN reset_pending THEN 0 ELSE attempts END,
    misfires = CASE WHEN reset_pending THEN 0 ELSE misfires END,
    outcomes = CASE WHEN reset_pending THEN '{}' ELSE outcomes END,
    last_outcome = CASE WHEN reset_pending THEN NULL ELSE last_outcome END,
    reset_pending = false
FROM released JOIN campaigns c ON c.id = released.campaign_id
WHERE cc.campaign_id = released.campaign_id AND cc.contact_id = released.contact_id AND (cc.status = 'calling') IS TRUE
RETURNING cc.campaign_id;

-- name: slow_carrier
UPDATE carriers SET slow_until = greatest(slow_until, %(until)s) WHERE organization_id = %(org)s AND kind = %(kind)s;
