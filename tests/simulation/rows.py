"""What the invariants read: plain statements of their own, over whole tables."""

CALL = "SELECT campaign_id, contact_id, generation, attempt, status, dialed_at FROM calls WHERE id = %(id)s"

DIALING = """
SELECT c.id, c.contact_id, c.phone, c.attempt, k.status,
    EXISTS (SELECT FROM opt_outs o WHERE o.organization_id = c.organization_id AND o.phone = c.phone),
    d.fenced_at IS NOT NULL, nullif(cc.status, 'calling')
FROM calls c JOIN campaigns k ON k.id = c.campaign_id JOIN dialers d ON d.id = c.dialer_id
JOIN campaign_contacts cc ON cc.campaign_id = c.campaign_id AND cc.contact_id = c.contact_id
WHERE c.status = 'dialing' ORDER BY c.id
"""

LIVE = "SELECT campaign_id, count(*) FROM calls WHERE status NOT IN ('ended', 'released') GROUP BY 1 ORDER BY 1"

TALLIES = """
SELECT campaign_id, status, coalesce(t.n, 0), coalesce(r.n, 0) FROM
    (SELECT campaign_id, status, sum(n)::int AS n FROM campaign_tallies GROUP BY 1, 2) t
    FULL JOIN (SELECT campaign_id, status, count(*)::int AS n FROM campaign_contacts GROUP BY 1, 2) r
    USING (campaign_id, status)
WHERE coalesce(t.n, 0) <> coalesce(r.n, 0) ORDER BY 1, 2
"""

ATTEMPTS = """
SELECT cc.contact_id, cc.attempts, count(c.id)::int FROM campaign_contacts cc
LEFT JOIN calls c ON c.campaign_id = cc.campaign_id AND c.contact_id = cc.contact_id AND c.generation = cc.generation
    AND c.dialed_at IS NOT NULL AND c.outcome IS DISTINCT FROM 'not_placed'
GROUP BY cc.campaign_id, cc.contact_id HAVING cc.attempts <> count(c.id) ORDER BY 1
"""

ENDED = "SELECT id, contact_id, outcome FROM calls WHERE status = 'ended' ORDER BY id"

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

RESERVED = "SELECT phone FROM calls WHERE status = 'reserved' ORDER BY phone"

CLAIMED = "SELECT campaign_id FROM calls WHERE status = 'reserved' ORDER BY id"

OPTED_OUT = "SELECT phone FROM opt_outs ORDER BY phone"

LIVE_IDS = "SELECT id FROM calls WHERE status IN ('dialing', 'uncertain', 'ringing', 'in_progress') ORDER BY id"

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
