"""What the invariants read: plain statements of their own, over whole tables."""

CALL = """
SELECT campaign_id, contact_id, generation, attempt, status, dialed_at, reserved_at, caller_id
FROM calls WHERE id = %(id)s
"""

DIALING = """
SELECT c.id, c.contact_id, c.phone, c.attempt, k.status,
    EXISTS (SELECT FROM opt_outs o WHERE o.organization_id = c.organization_id AND o.phone = c.phone),
    d.fenced_at IS NOT NULL, nullif(cc.status, 'calling'), (
        SELECT min(l.kind) FROM do_not_call_numbers n JOIN do_not_call_lists l ON l.id = n.list_id
        WHERE l.organization_id = c.organization_id AND n.phone = c.phone AND coalesce(l.campaign_id, k.id) = k.id
            AND (l.purposes = '{}' OR k.policy ->> 'purpose' = ANY(l.purposes)))
FROM calls c JOIN campaigns k ON k.id = c.campaign_id JOIN dialers d ON d.id = c.dialer_id
JOIN campaign_contacts cc ON cc.campaign_id = c.campaign_id AND cc.contact_id = c.contact_id
WHERE c.status = 'dialing' ORDER BY c.id
"""

LIVE = "SELECT campaign_id, count(*) FROM calls WHERE status NOT IN ('ended', 'released') GROUP BY 1 ORDER BY 1"

# The first transaction that may not have been seen yet.
SNAPSHOT = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"

# What does not add up, and calls that ended; of contacts and calls only those that changed since a transaction.
COUNTS = """
SELECT 'counts', campaign_id::text, status, sum(counted)::text, sum(there)::text FROM (
    SELECT campaign_id, status, n AS counted, 0 AS there FROM campaign_tallies
    UNION ALL SELECT campaign_id, status, 0, 1 FROM campaign_contacts
) c
GROUP BY campaign_id, status HAVING sum(counted) <> sum(there)
UNION ALL
SELECT 'attempts', cc.contact_id, '', cc.attempts::text, c.n::text FROM campaign_contacts cc CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM calls c
    WHERE c.campaign_id = cc.campaign_id AND c.contact_id = cc.contact_id AND c.generation = cc.generation
        AND c.dialed_at IS NOT NULL AND c.outcome IS DISTINCT FROM 'not_placed'
) c WHERE age(cc.xmin) <= age(%(since)s::text::xid) AND cc.attempts <> c.n
UNION ALL
SELECT 'ended', id::text, contact_id, outcome, '' FROM calls
WHERE status = 'ended' AND age(xmin) <= age(%(since)s::text::xid)
UNION ALL
SELECT 'since', pg_snapshot_xmin(pg_current_snapshot())::text, '', '', ''
"""

LEFT = """
SELECT id, contact_id, status, dialer_id FROM calls WHERE status NOT IN ('ended', 'released') ORDER BY id
"""

CALLING = "SELECT contact_id, generation FROM campaign_contacts WHERE status = 'calling' ORDER BY 1"

OUTCOMES = "SELECT id, contact_id, outcome FROM calls WHERE dialed_at IS NOT NULL ORDER BY id"

TOLD = """
SELECT data ->> 'callId', type, count(*) FROM events WHERE type IN ('call.started', 'call.ended')
GROUP BY 1, 2 HAVING count(*) <> 1
UNION ALL
SELECT id::text, 'call.ended', 0 FROM calls
WHERE status = 'ended'
    AND NOT EXISTS (SELECT FROM events WHERE type = 'call.ended' AND data ->> 'callId' = calls.id::text)
"""

CONTACT = (
    "SELECT generation, status FROM campaign_contacts WHERE campaign_id = %(campaign)s AND contact_id = %(contact)s"
)

DUE = """
SELECT cc.campaign_id, cc.contact_id, cc.due_at
FROM campaign_contacts cc JOIN campaigns k ON k.id = cc.campaign_id
WHERE k.status = 'active' AND cc.status IN ('pending', 'waiting') AND cc.due_at < %(before)s
    AND NOT EXISTS (SELECT FROM calls WHERE campaign_id = k.id AND reserved_at >= %(before)s)
ORDER BY 1, 2
"""

OPEN = """
SELECT count(*) FROM campaign_contacts cc JOIN campaigns k ON k.id = cc.campaign_id
WHERE k.status = 'active' AND cc.status IN ('pending', 'waiting', 'calling')
"""

ON_CALL = """
SELECT cc.contact_id, cc.generation, k.phone IS NULL OR k.phone_invalid_at IS NOT NULL
    OR EXISTS (SELECT FROM opt_outs o WHERE o.organization_id = k.organization_id AND o.phone = k.phone)
FROM campaign_contacts cc JOIN contacts k ON k.organization_id = cc.organization_id AND k.id = cc.contact_id
WHERE cc.campaign_id = %(campaign)s AND cc.status = 'calling' ORDER BY 1
"""

RESERVED = "SELECT phone FROM calls WHERE status = 'reserved' AND organization_id = %(org)s ORDER BY phone"

CLAIMED = "SELECT campaign_id FROM calls WHERE status = 'reserved' ORDER BY id"

OPTED_OUT = "SELECT phone FROM opt_outs WHERE organization_id = %(org)s ORDER BY phone"

LIVE_IDS = """
SELECT id FROM calls WHERE status IN ('dialing', 'uncertain', 'ringing', 'in_progress') AND organization_id = %(org)s
ORDER BY id
"""

RESTING = "SELECT DISTINCT organization_id, caller_id, day FROM caller_id_days WHERE rests ORDER BY 1, 2, 3"

# Who is not called since a transaction, and by which reason that others than the contact's own organization could not
# have given. (A call that is found to have rung nobody counted until it was.)
LEFT_ALONE = """
SELECT cc.campaign_id, cc.contact_id, cc.xmin::text, k.phone, coalesce(cc.wait_reason, cc.skip_reason),
    (SELECT count(*)::int FROM calls c WHERE c.organization_id = cc.organization_id
        AND (c.phone = k.phone OR c.contact_id = k.id) AND c.status <> 'released'),
    EXISTS (SELECT FROM opt_outs o WHERE o.organization_id = cc.organization_id AND o.phone = k.phone),
    EXISTS (SELECT FROM do_not_call_numbers n JOIN do_not_call_lists l ON l.id = n.list_id
        WHERE l.organization_id = cc.organization_id AND n.phone = k.phone
            AND coalesce(l.campaign_id, cc.campaign_id) = cc.campaign_id)
FROM campaign_contacts cc
JOIN contacts k ON k.organization_id = cc.organization_id AND k.id = cc.contact_id AND k.deleted_at IS NULL
WHERE cc.status IN ('waiting', 'pending', 'skipped')
    AND (cc.wait_reason = 'frequency_cap' OR cc.skip_reason IN ('opted_out', 'do_not_call', 'no_consent'))
    AND age(cc.xmin) <= age(%(since)s::text::xid)
ORDER BY 1, 2
"""

# How a campaign's calls ended that were told of long enough ago to be judged, and what it has reserved since.
GOVERNED = """
WITH going_on AS MATERIALIZED (
    SELECT k.id, (k.policy #>> '{abandon,minSample}')::int AS sample, coalesce(k.active_since, k.started_at) AS begun
    FROM campaigns k
    WHERE k.policy #>> '{abandon,minSample}' IS NOT NULL
        AND EXISTS (SELECT FROM calls c
            WHERE c.campaign_id = k.id AND c.status = 'reserved' AND c.reserved_at > %(before)s)
)
SELECT k.id, k.sample, count(*) FILTER (WHERE t.outcome IN ('answered', 'opted_out', 'abandoned')),
    count(*) FILTER (WHERE t.outcome = 'abandoned' AND t.told > %(since)s),
    count(*) FILTER (WHERE t.outcome = 'abandoned' AND t.told > greatest(k.begun, %(since)s))
FROM going_on k JOIN LATERAL (
    SELECT c.outcome, max(e.received_at) AS told
    FROM calls c JOIN carrier_events e ON e.call_id = c.id AND e.type = 'ended'
    WHERE c.campaign_id = k.id AND c.status = 'ended' GROUP BY c.id
) t ON t.told < %(before)s AND t.told > %(since)s - interval '2 hours'
GROUP BY k.id, k.sample ORDER BY k.id
"""

BEAT = """
WITH living AS (
    SELECT id FROM dialers WHERE id = ANY(%(dialers)s) AND fenced_at IS NULL FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE dialers SET heartbeat_at = %(now)s FROM living WHERE dialers.id = living.id RETURNING dialers.id
"""

NEXT_CHECK = """
SELECT min(least(check_at, CASE WHEN carrier_call_id IS NOT NULL THEN hangup_at END)) FROM calls
WHERE dialer_id = %(dialer)s AND status NOT IN ('ended', 'released')
"""
