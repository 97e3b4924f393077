-- name: standing
SELECT c.status, c.status_reason, c.start_at,
    (SELECT count(*) FROM calls WHERE campaign_id = c.id AND live), c.max_concurrency,
    (SELECT count(*) FROM calls WHERE organization_id = c.organization_id AND live), o.max_concurrency,
    k.kind, (SELECT count(*) FROM calls WHERE organization_id = c.organization_id AND live AND carrier_id = k.id),
    k.max_live_calls, k.slow_until, c.caller_ids, c.caller_id_rule::text, d.used, d.resting, o.policy::text, c.policy::text
FROM campaigns c JOIN organizations o ON o.id = c.organization_id
LEFT JOIN carriers k ON k.organization_id = c.organization_id
    AND CASE WHEN c.carrier_id IS NULL THEN k.is_default ELSE k.id = c.carrier_id END
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(caller_id, n) AS used, array_agg(caller_id) FILTER (WHERE rests) AS resting FROM (
        SELECT caller_id, sum(calls)::bigint AS n, bool_or(rests) AS rests FROM caller_id_days
        WHERE organization_id = c.organization_id AND day = %(day)s AND caller_id = ANY(c.caller_ids) GROUP BY caller_id
    ) today
) d
WHERE c.id = %(campaign)s;

-- name: due_at
SELECT due_at FROM campaign_contacts WHERE campaign_id = %(campaign)s AND contact_id = %(contact)s;

-- name: calls
SELECT * FROM (
    SELECT calls.id, attempt, status, outcome, answered_by, caller_id, coalesce(dialed_at, reserved_at), ended_at,
        policy_version, basis
    FROM calls LEFT JOIN decisions d ON d.id = decision_id
    WHERE organization_id = (SELECT organization_id FROM campaigns WHERE id = %(campaign)s)
        AND contact_id = %(contact)s AND campaign_id = %(campaign)s AND status <> 'released'
    ORDER BY calls.id DESC LIMIT %(most)s
) newest
ORDER BY id;

-- name: events
-- Of a campaign's newest events: to look through all of them would take the longer the larger the campaign is.
SELECT created_at, type, data FROM (
    SELECT seq, created_at, type, data FROM events WHERE campaign_id = %(campaign)s ORDER BY seq DESC LIMIT %(most)s
) newest
WHERE data ->> 'contactId' = %(contact)s
ORDER BY seq;
