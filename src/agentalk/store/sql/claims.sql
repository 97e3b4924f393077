-- name: pick
-- Each share's first due contacts, callbacks before retries before fresh ones, oldest first. They are locked, and as they stand
-- once they are; those that somebody is changing are not waited for. Each is found again where it lies, for a plan that was made
-- while there were few contacts finds them otherwise: by walking over all of their campaign, or over all there are.
WITH candidate AS (
    SELECT s.campaign_id, s.most, due.*,
        row_number() OVER (PARTITION BY s.campaign_id ORDER BY due.lane, due.due_at, due.seq) AS place
    FROM jsonb_to_recordset(%(shares)s::jsonb) AS s(campaign_id uuid, most integer, zones jsonb)
    CROSS JOIN LATERAL jsonb_to_recordset(s.zones) AS z(zones text)
    CROSS JOIN generate_series(0, 2) AS l(lane)
    CROSS JOIN LATERAL (
        SELECT cc.ctid AS spot, cc.contact_id, cc.lane, cc.due_at, cc.seq FROM campaign_contacts cc
        WHERE cc.campaign_id = s.campaign_id AND cc.zones = z.zones AND cc.lane = l.lane
            AND cc.status IN ('pending', 'waiting') AND cc.due_at <= %(now)s
        ORDER BY cc.due_at LIMIT s.most
    ) due
)
SELECT c.campaign_id, c.contact_id, cc.zones, cc.attempts, k.name, k.attributes
FROM candidate c
CROSS JOIN LATERAL (
    SELECT zones, attempts FROM campaign_contacts
    WHERE ctid = c.spot AND (status IN ('pending', 'waiting')) IS TRUE AND (due_at <= %(now)s) IS TRUE
    FOR NO KEY UPDATE SKIP LOCKED
) cc
CROSS JOIN LATERAL (SELECT name, attributes FROM contacts WHERE organization_id = %(org)s AND id = c.contact_id LIMIT 1) k
WHERE c.place <= c.most
ORDER BY c.lane, c.due_at, c.seq;

-- name: keep_policies
INSERT INTO policy_versions (id, body, created_at)
SELECT p.id, p.body, %(now)s FROM jsonb_to_recordset(%(policies)s::jsonb) AS p(id text, body jsonb)
ORDER BY p.id ON CONFLICT DO NOTHING;

-- name: keep_decisions
INSERT INTO decisions (id, policy_version, basis)
SELECT d.id, d.policy_version, d.basis
FROM jsonb_to_recordset(%(decisions)s::jsonb) AS d(id uuid, policy_version text, basis jsonb)
ORDER BY d.id ON CONFLICT DO NOTHING;

-- name: reserve
WITH taken AS (
    UPDATE campaign_contacts cc SET status = 'calling', wait_reason = NULL
    FROM jsonb_to_recordset(%(calls)s::jsonb) AS c(id uuid, campaign_id uuid, contact_id text, carrier_id uuid, carrier text,
        phone text, caller_id text, decision_id uuid)
    WHERE cc.campaign_id = c.campaign_id AND cc.contact_id = c.contact_id
        AND (cc.status IN ('pending', 'waiting')) IS TRUE
    RETURNING c.*, cc.generation, cc.attempts
)
INSERT INTO calls (id, organization_id, campaign_id, contact_id, carrier_id, carrier, dialer_id, generation, attempt,
    status, phone, caller_id, decision_id, reserved_at, check_at)
SELECT id, %(org)s, campaign_id, contact_id, carrier_id, carrier, %(dialer)s, generation, attempts + 1,
    'reserved', phone, caller_id, decision_id, %(now)s, %(release_at)s
FROM taken;

-- name: set_aside
UPDATE campaign_contacts cc SET
    status = CASE WHEN s.skip_reason IS NULL THEN cc.status ELSE 'skipped' END,
    zones = s.zones,
    due_at = coalesce(s.due_at, cc.due_at),
    wait_reason = s.wait_reason,
    skip_reason = s.skip_reason
FROM jsonb_to_recordset(%(contacts)s::jsonb) AS s(campaign_id uuid, contact_id text, zones text, due_at timestamptz,
    wait_reason text, skip_reason text)
WHERE cc.campaign_id = s.campaign_id AND cc.contact_id = s.contact_id AND (cc.status IN ('pending', 'waiting')) IS TRUE
RETURNING cc.campaign_id, cc.contact_id, cc.attempts, cc.skip_reason;

-- name: skip_no_timezone
WITH chosen AS (
    SELECT cc.campaign_id, cc.contact_id
    FROM jsonb_to_recordset(%(unknown)s::jsonb) AS s(campaign_id uuid, zones text)
    CROSS JOIN generate_series(0, 2) AS l(lane)
    CROSS JOIN LATERAL (
        SELECT c.campaign_id, c.contact_id FROM campaign_contacts c
        WHERE c.campaign_id = s.campaign_id AND c.zones = s.zones AND c.lane = l.lane
            AND c.status IN ('pending', 'waiting')
        LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
    ) cc
)
UPDATE campaign_contacts cc SET status = 'skipped', skip_reason = 'no_timezone', wait_reason = NULL
FROM chosen WHERE cc.campaign_id = chosen.campaign_id AND cc.contact_id = chosen.contact_id
    AND (cc.status IN ('pending', 'waiting')) IS TRUE
RETURNING cc.campaign_id, cc.contact_id, cc.attempts, cc.skip_reason;

-- name: commit_dialing
-- After this commit the carrier may hear of the call: the attempt counts. Only an unfenced dialer's reservations pass. Whoever
-- stops calls to a phone gives them back, and so comes before this, and they are reservations no more, or waits for it.
WITH dialed AS (
    UPDATE calls SET status = 'dialing', dialed_at = %(now)s, check_at = %(check_at)s, decision_id = c.decision_id
    FROM jsonb_to_recordset(%(calls)s::jsonb) AS c(id uuid, decision_id uuid)
    WHERE calls.id = c.id AND (calls.status = 'reserved') IS TRUE AND calls.dialer_id = %(dialer)s
        AND EXISTS (SELECT FROM dialers
            WHERE id = %(dialer)s AND fenced_at IS NULL AND heartbeat_at >= %(fresh_since)s)
    RETURNING calls.id, calls.campaign_id, calls.contact_id
)
UPDATE campaign_contacts cc SET attempts = attempts + 1 FROM dialed
WHERE cc.campaign_id = dialed.campaign_id AND cc.contact_id = dialed.contact_id AND (cc.status = 'calling') IS TRUE
RETURNING dialed.id;
