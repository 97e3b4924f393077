-- name: gather
-- What is known of each contact that speaks for or against a call. Of a phone's and a contact's calls the newest are looked
-- at, as many as any cap may allow. A call that is being decided (call_id) does not count against itself.
SELECT a.campaign_id, a.contact_id, k.zones, k.phone, k.phone_invalid_at IS NOT NULL, k.consent::text,
    (SELECT true FROM opt_outs WHERE organization_id = %(org)s AND phone = k.phone) IS TRUE,
    ARRAY(SELECT list_id FROM do_not_call_numbers WHERE organization_id = %(org)s AND phone = k.phone),
    by_phone.moments, by_phone.live, by_phone.for_other, by_phone.conversation, by_phone.abandoned,
    by_contact.moments, by_contact.conversation
FROM jsonb_to_recordset(%(asked)s::jsonb) AS a(campaign_id uuid, contact_id text, call_id uuid)
JOIN contacts k ON k.organization_id = %(org)s AND k.id = a.contact_id
CROSS JOIN LATERAL (
    SELECT array_agg(moment) FILTER (WHERE moment > %(since)s) AS moments,
        coalesce(bool_or(live), false) AS live,
        coalesce(bool_or(campaign_id = a.campaign_id AND contact_id <> a.contact_id AND dialed), false) AS for_other,
        max(answered_at) AS conversation, max(abandoned_at) AS abandoned
    FROM (
        SELECT coalesce(dialed_at, reserved_at) AS moment, live, dialed_at IS NOT NULL AS dialed, campaign_id, contact_id,
            CASE outcome WHEN 'answered' THEN answered_at END AS answered_at,
            CASE outcome WHEN 'abandoned' THEN ended_at END AS abandoned_at
        FROM calls
        WHERE organization_id = %(org)s AND phone = k.phone AND counted AND id IS DISTINCT FROM a.call_id
        ORDER BY id DESC LIMIT 1000
    ) newest
) by_phone
CROSS JOIN LATERAL (
    SELECT array_agg(moment) FILTER (WHERE moment > %(since)s) AS moments, max(answered_at) AS conversation
    FROM (
        SELECT coalesce(dialed_at, reserved_at) AS moment, CASE outcome WHEN 'answered' THEN answered_at END AS answered_at
        FROM calls
        WHERE organization_id = %(org)s AND contact_id = a.contact_id AND counted AND id IS DISTINCT FROM a.call_id
        ORDER BY id DESC LIMIT 1000
    ) newest
) by_contact;

-- name: do_not_call
SELECT id, kind, name, campaign_id, jurisdiction, purposes, as_of FROM do_not_call_lists WHERE organization_id = %(org)s;
