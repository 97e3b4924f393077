-- name: keep_events
-- The inbox: a report that came before is not returned. One about a call that is not known (yet) is not kept: a database that was
-- restored hears it again once its carrier has told of the call.
INSERT INTO carrier_events (carrier, carrier_call_id, type, sequence, call_id, at, received_at)
SELECT %(carrier)s, e.carrier_call_id, e.type, e.sequence, e.call_id, e.at, %(now)s
FROM jsonb_to_recordset(%(events)s::jsonb)
    AS e(carrier_call_id text, type text, sequence integer, call_id uuid, at timestamptz)
WHERE EXISTS (SELECT FROM calls WHERE calls.id = e.call_id)
ORDER BY e.carrier_call_id, e.type, e.sequence
ON CONFLICT DO NOTHING
RETURNING carrier_call_id, type, sequence;

-- name: campaigns_of_calls
-- Held against pause and stop until this transaction ends.
SELECT c.id, c.status, c.window_hours::text, c.retry::text, o.policy::text, c.policy::text
FROM campaigns c JOIN organizations o ON o.id = c.organization_id
WHERE c.id IN (SELECT campaign_id FROM calls WHERE id = ANY(%(ids)s::uuid[]))
ORDER BY c.id FOR KEY SHARE OF c;

-- name: lock_calls
-- A carrier speaks for its own calls only.
SELECT calls.id, calls.organization_id, calls.campaign_id, calls.contact_id, calls.status, calls.carrier_call_id,
    calls.dialed_at, calls.uncertain_at, calls.ringing_at, calls.answered_at, calls.generation, calls.attempt,
    cc.zones, cc.generation, cc.attempts, cc.misfires, cc.outcomes, cc.reset_pending, cc.callback_at, cc.lane, cc.due_at
FROM calls JOIN campaign_contacts cc USING (campaign_id, contact_id)
WHERE calls.id = ANY(%(ids)s::uuid[]) AND calls.live IS TRUE AND calls.carrier = %(carrier)s
ORDER BY calls.id FOR UPDATE OF calls, cc;

-- name: save_calls
UPDATE calls SET
    status = c.status,
    carrier_call_id = c.carrier_call_id,
    uncertain_at = c.uncertain_at,
    ringing_at = c.ringing_at,
    answered_at = c.answered_at,
    ended_at = c.ended_at,
    outcome = c.outcome,
    answered_by = c.answered_by,
    ended_reason = c.ended_reason,
    message_left = c.message_left,
    transcript = c.transcript,
    check_at = coalesce(c.check_at, calls.check_at)
FROM jsonb_to_recordset(%(calls)s::jsonb) AS c(id uuid, status text, carrier_call_id text, uncertain_at timestamptz,
    ringing_at timestamptz, answered_at timestamptz, ended_at timestamptz, outcome text, answered_by text,
    ended_reason text, message_left boolean, transcript jsonb, check_at timestamptz)
WHERE calls.id = c.id AND calls.live;

-- name: save_contacts
UPDATE campaign_contacts cc SET
    status = c.status,
    lane = c.lane,
    due_at = c.due_at,
    generation = c.generation,
    attempts = c.attempts,
    misfires = c.misfires,
    outcomes = c.outcomes,
    reset_pending = false,
    callback_at = NULL,
    wait_reason = NULL,
    last_outcome = c.last_outcome,
    skip_reason = c.skip_reason
FROM jsonb_to_recordset(%(contacts)s::jsonb) AS c(campaign_id uuid, contact_id text, status text, lane smallint,
    due_at timestamptz, generation integer, attempts integer, misfires integer, outcomes jsonb, last_outcome text,
    skip_reason text)
WHERE cc.campaign_id = c.campaign_id AND cc.contact_id = c.contact_id AND (cc.status = 'calling') IS TRUE;

-- name: mark_invalid
-- A contact that is being changed, perhaps by a long import, is not waited for: its next call would tell again.
WITH known AS (
    SELECT k.organization_id, k.id FROM calls
    JOIN contacts k ON k.organization_id = calls.organization_id AND k.id = calls.contact_id AND k.phone = calls.phone
    WHERE calls.id = ANY(%(ids)s::uuid[])
    FOR NO KEY UPDATE OF k SKIP LOCKED
)
UPDATE contacts SET phone_invalid_at = %(now)s, updated_at = %(now)s FROM known
WHERE contacts.organization_id = known.organization_id AND contacts.id = known.id;

-- name: calls_to_check
-- What the carrier is to be asked about, or to be asked to end.
SELECT calls.id, calls.organization_id, carrier, carrier_call_id, status, dialed_at, uncertain_at, answered_at,
    hangup_at IS NOT NULL AND hangup_at <= %(now)s AND carrier_call_id IS NOT NULL,
    check_at <= %(now)s
FROM calls
WHERE dialer_id = %(dialer)s AND live
    AND (check_at <= %(now)s OR (hangup_at <= %(now)s AND carrier_call_id IS NOT NULL))
LIMIT %(most)s;

-- name: check_again
UPDATE calls SET
    check_at = coalesce(c.check_at, calls.check_at),
    hangup_at = coalesce(c.hangup_at, calls.hangup_at)
FROM jsonb_to_recordset(%(calls)s::jsonb) AS c(id uuid, check_at timestamptz, hangup_at timestamptz)
WHERE calls.id = c.id AND calls.live;

-- name: next_check
SELECT min(least(check_at, CASE WHEN carrier_call_id IS NOT NULL THEN hangup_at END)) FROM calls
WHERE dialer_id = %(dialer)s AND live;
