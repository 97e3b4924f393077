-- name: book
-- Calls that their carrier has placed become calls of this database, and each counts as an attempt. A reservation was dialled
-- after the backup; of a call that is not there at all, the number tells whose it was: the first who would be called there.
WITH placed AS (
    SELECT * FROM jsonb_to_recordset(%(placements)s::jsonb)
        AS p(call_id uuid, carrier_call_id text, phone text, caller_id text, placed_at timestamptz)
), dialed AS (
    UPDATE calls SET status = 'dialing', dialed_at = p.placed_at, carrier_call_id = p.carrier_call_id,
        dialer_id = %(dialer)s, check_at = %(now)s
    FROM placed p WHERE calls.id = p.call_id AND (calls.status = 'reserved') IS TRUE
    RETURNING calls.campaign_id, calls.contact_id
), counted AS (
    UPDATE campaign_contacts cc SET attempts = attempts + 1 FROM dialed
    WHERE cc.campaign_id = dialed.campaign_id AND cc.contact_id = dialed.contact_id AND (cc.status = 'calling') IS TRUE
), theirs AS (
    SELECT p.*, k.id AS contact_id, o.id AS organization_id
    FROM placed p CROSS JOIN organizations o JOIN contacts k ON k.organization_id = o.id AND k.phone = p.phone
    WHERE k.deleted_at IS NULL AND NOT EXISTS (SELECT FROM calls WHERE calls.id = p.call_id)
        AND NOT EXISTS (SELECT FROM calls WHERE calls.organization_id = o.id AND calls.phone = p.phone AND calls.live)
), chosen AS (
    SELECT DISTINCT ON (t.call_id) t.*, cc.campaign_id, cc.generation, cc.attempts, k.id AS carrier_id
    FROM theirs t
    JOIN campaign_contacts cc ON cc.organization_id = t.organization_id AND cc.contact_id = t.contact_id
    JOIN campaigns c ON c.id = cc.campaign_id
    JOIN carriers k ON k.organization_id = c.organization_id AND k.kind = %(carrier)s
        AND (k.id = c.carrier_id OR (c.carrier_id IS NULL AND k.is_default))
    WHERE cc.status IN ('pending', 'waiting')
    ORDER BY t.call_id, c.status = 'active' DESC, cc.lane, cc.due_at, cc.seq
), booked AS (
    INSERT INTO calls (id, organization_id, campaign_id, contact_id, carrier_id, carrier, dialer_id, generation, attempt,
        status, phone, caller_id, carrier_call_id, reserved_at, dialed_at, check_at)
    SELECT call_id, organization_id, campaign_id, contact_id, carrier_id, %(carrier)s, %(dialer)s, generation, attempts + 1,
        'dialing', phone, caller_id, carrier_call_id, placed_at, placed_at, %(now)s
    FROM chosen
    ON CONFLICT DO NOTHING
    RETURNING id, campaign_id, contact_id
), called AS (
    UPDATE campaign_contacts cc SET status = 'calling', attempts = attempts + 1, wait_reason = NULL FROM booked
    WHERE cc.campaign_id = booked.campaign_id AND cc.contact_id = booked.contact_id
        AND (cc.status IN ('pending', 'waiting')) IS TRUE
)
SELECT (SELECT count(*) FROM dialed) + (SELECT count(*) FROM booked);

-- name: live_at
-- Calls that live, as far as this database knows, to numbers that were called since.
SELECT calls.id FROM organizations o JOIN calls ON calls.organization_id = o.id
WHERE calls.phone = ANY(%(phones)s::text[]) AND calls.live AND calls.carrier = %(carrier)s
    AND calls.dialed_at IS NOT NULL;
