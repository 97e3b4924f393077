-- name: get
SELECT calls.id, campaign_id, contact_id, attempt, status, outcome, answered_by, phone, caller_id, carrier, carrier_call_id,
    reserved_at, dialed_at, ringing_at, answered_at, ended_at, ended_reason, policy_version, basis, transcript::text
FROM calls LEFT JOIN decisions d ON d.id = decision_id
WHERE calls.id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id) AND status <> 'released';

-- name: page
SELECT id, campaign_id, contact_id, attempt, status, outcome, answered_by, phone, caller_id, carrier, carrier_call_id,
    reserved_at, dialed_at, ringing_at, answered_at, ended_at, ended_reason
FROM calls
WHERE status <> 'released'
    AND (%(org)s::uuid IS NULL OR organization_id = %(org)s)
    AND (%(campaign)s::uuid IS NULL OR campaign_id = %(campaign)s)
    AND (%(contact)s::text IS NULL OR contact_id = %(contact)s)
    AND (%(status)s::text IS NULL OR status = %(status)s)
    AND (%(live)s::boolean IS NULL OR live = %(live)s)
    AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
    AND (%(before)s::uuid IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: total
SELECT count(*) FROM calls
WHERE status <> 'released'
    AND (%(org)s::uuid IS NULL OR organization_id = %(org)s)
    AND (%(campaign)s::uuid IS NULL OR campaign_id = %(campaign)s)
    AND (%(contact)s::text IS NULL OR contact_id = %(contact)s)
    AND (%(status)s::text IS NULL OR status = %(status)s)
    AND (%(live)s::boolean IS NULL OR live = %(live)s)
    AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s);

-- name: hang_up
UPDATE calls SET hangup_at = coalesce(hangup_at, %(now)s)
WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id) AND live
RETURNING organization_id;

-- name: reserved_of
-- A reservation that is being committed to is waited for, and is then no reservation any more.
SELECT id FROM calls WHERE campaign_id = %(campaign)s AND live AND status = 'reserved' ORDER BY id FOR UPDATE;

-- name: hang_up_unanswered
UPDATE calls SET hangup_at = coalesce(hangup_at, %(now)s)
WHERE campaign_id = %(campaign)s AND live AND status IN ('dialing', 'uncertain', 'ringing');

-- name: count_stuck
-- Either nobody learns what became of it, or nobody asks.
SELECT count(*) FROM calls
WHERE live AND ((status = 'uncertain' AND uncertain_at < %(since)s) OR check_at < %(since)s);
