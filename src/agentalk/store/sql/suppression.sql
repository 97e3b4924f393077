-- name: hold_campaigns
SELECT id FROM campaigns
WHERE id IN (
    SELECT cc.campaign_id FROM contacts k
    JOIN campaign_contacts cc ON cc.organization_id = k.organization_id AND cc.contact_id = k.id
    WHERE k.organization_id = %(org)s AND k.phone = ANY(%(phones)s::text[]) AND k.deleted_at IS NULL
        AND (cc.status IN ('pending', 'waiting')) IS TRUE
        AND (%(campaign)s::uuid IS NULL OR cc.campaign_id = %(campaign)s)
)
ORDER BY id FOR KEY SHARE;

-- name: wait_for_organization
-- The lock that a dialer claims under (dialing.sql: lock_organization): no claim is under way once this has it, so that
-- all there is of reservations can be seen.
SELECT pg_advisory_xact_lock(hashtextextended('agentalk:' || %(org)s::text, 0));

-- name: reserved_of
SELECT id FROM calls
WHERE organization_id = %(org)s AND phone = ANY(%(phones)s::text[]) AND live AND (status = 'reserved') IS TRUE
    AND (%(campaign)s::uuid IS NULL OR campaign_id = %(campaign)s)
ORDER BY id FOR UPDATE;

-- name: reserved_of_list
SELECT id FROM calls
WHERE organization_id = %(org)s AND live AND (status = 'reserved') IS TRUE
    AND EXISTS (SELECT FROM do_not_call_numbers n
        WHERE n.organization_id = calls.organization_id AND n.phone = calls.phone AND n.list_id = %(list_id)s)
ORDER BY id FOR UPDATE;

-- name: skip_open
WITH found AS (
    SELECT cc.campaign_id, cc.contact_id FROM contacts k
    JOIN campaign_contacts cc ON cc.organization_id = k.organization_id AND cc.contact_id = k.id
    WHERE k.organization_id = %(org)s AND k.phone = ANY(%(phones)s::text[]) AND k.deleted_at IS NULL
        AND (cc.status IN ('pending', 'waiting')) IS TRUE
        AND (%(campaign)s::uuid IS NULL OR cc.campaign_id = %(campaign)s)
    ORDER BY cc.campaign_id, cc.contact_id COLLATE "C"
    FOR NO KEY UPDATE OF cc
)
UPDATE campaign_contacts cc SET status = 'skipped', skip_reason = %(reason)s, wait_reason = NULL
FROM found
WHERE cc.campaign_id = found.campaign_id AND cc.contact_id = found.contact_id
    AND (cc.status IN ('pending', 'waiting')) IS TRUE
RETURNING cc.campaign_id, cc.contact_id, cc.attempts;
