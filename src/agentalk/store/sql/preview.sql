-- name: groups
SELECT DISTINCT zones FROM campaign_tallies WHERE campaign_id = %(campaign)s;

-- name: work_memory
SELECT set_config('work_mem', %(size)s, true);

-- name: alike
-- All that facts.sql (gather) tells of one contact, of all that a campaign is still to call, put together by what is alike.
WITH open AS MATERIALIZED (
    SELECT cc.contact_id, cc.seq, cc.lane, cc.due_at, cc.attempts, k.zones, k.phone,
        coalesce(cc.wait_reason, CASE cc.lane WHEN 0 THEN 'callback' ELSE 'retry' END) AS held_by,
        k.phone_invalid_at IS NOT NULL AS invalid, k.consent ->> 'type' AS consent,
        k.consent IS NOT NULL AND (k.consent ->> 'capturedAt')::timestamptz <= %(now)s
            AND coalesce((k.consent ->> 'expiresAt')::timestamptz > %(now)s, true) AS in_time
    FROM campaign_contacts cc
    JOIN contacts k ON k.organization_id = cc.organization_id AND k.id = cc.contact_id
    WHERE cc.campaign_id = %(campaign)s AND cc.status IN ('pending', 'waiting')
), recent AS MATERIALIZED (
    SELECT phone, contact_id, live, CASE outcome WHEN 'answered' THEN answered_at END AS talked,
        CASE outcome WHEN 'abandoned' THEN ended_at END AS abandoned,
        date_bin('1 minute', coalesce(dialed_at, reserved_at) + interval '59.999999 seconds', 'epoch') AS moment
    FROM calls WHERE organization_id = %(org)s AND id >= %(since_id)s AND counted
), by_phone AS (
    SELECT phone, array_agg(moment ORDER BY moment DESC) FILTER (WHERE moment > %(since)s) AS moments,
        bool_or(live) AS live, date_bin('1 minute', max(talked) + interval '59.999999 seconds', 'epoch') AS talked,
        date_bin('1 minute', max(abandoned) + interval '59.999999 seconds', 'epoch') AS abandoned
    FROM recent GROUP BY phone
), by_contact AS (
    SELECT contact_id, array_agg(moment ORDER BY moment DESC) FILTER (WHERE moment > %(since)s) AS moments,
        date_bin('1 minute', max(talked) + interval '59.999999 seconds', 'epoch') AS talked
    FROM recent GROUP BY contact_id
), called AS (
    SELECT phone, min(contact_id) AS one, max(contact_id) AS other FROM calls
    WHERE campaign_id = %(campaign)s AND counted AND dialed_at IS NOT NULL GROUP BY phone
), listed AS (
    SELECT o.contact_id, array_agg(n.list_id ORDER BY n.list_id) AS lists
    FROM open o JOIN do_not_call_numbers n ON n.organization_id = %(org)s AND n.phone = o.phone
    GROUP BY o.contact_id
), twins AS (
    SELECT phone FROM open WHERE phone IS NOT NULL GROUP BY phone HAVING count(*) > 1
), known AS (
    SELECT o.zones, o.phone IS NOT NULL AS has_phone, o.invalid, x.phone IS NOT NULL AS opted_out, l.lists, o.consent,
        o.in_time, p.moments AS by_phone, c.moments AS by_contact, greatest(p.talked, c.talked) AS talked, p.abandoned,
        coalesce(d.one <> o.contact_id OR d.other <> o.contact_id, false) AS for_other, coalesce(p.live, false) AS busy,
        o.attempts, CASE WHEN o.due_at > %(now)s THEN o.held_by END AS held_by,
        CASE WHEN o.due_at > %(now)s
            THEN date_bin('5 minutes', o.due_at + interval '299.999999 seconds', 'epoch') END AS ready_at,
        t.phone AS twin, CASE WHEN t.phone IS NOT NULL THEN o.seq END AS seq, o.lane, o.due_at
    FROM open o
    LEFT JOIN twins t ON t.phone = o.phone
    LEFT JOIN opt_outs x ON x.organization_id = %(org)s AND x.phone = o.phone
    LEFT JOIN listed l ON l.contact_id = o.contact_id
    LEFT JOIN by_phone p ON p.phone = o.phone
    LEFT JOIN by_contact c ON c.contact_id = o.contact_id
    LEFT JOIN called d ON d.phone = o.phone
)
SELECT zones, has_phone, invalid, opted_out, lists, consent, in_time, by_phone, by_contact, talked, abandoned, for_other,
    busy, attempts, held_by, ready_at, twin, count(*)
FROM known
GROUP BY zones, has_phone, invalid, opted_out, lists, consent, in_time, by_phone, by_contact, talked, abandoned, for_other,
    busy, attempts, held_by, ready_at, twin, seq
ORDER BY min(lane), min(due_at), min(seq);

-- name: skipped
SELECT skip_reason, count(*) FROM campaign_contacts
WHERE campaign_id = %(campaign)s AND status = 'skipped' GROUP BY skip_reason;

-- name: limits
SELECT c.calls_per_second, c.max_concurrency, o.max_concurrency, k.calls_per_second, k.max_live_calls, c.throttled
FROM campaigns c JOIN organizations o ON o.id = c.organization_id
LEFT JOIN carriers k ON k.organization_id = c.organization_id
    AND CASE WHEN c.carrier_id IS NULL THEN k.is_default ELSE k.id = c.carrier_id END
WHERE c.id = %(campaign)s;

-- name: outcomes
SELECT outcome, count(*), sum(extract(epoch FROM ended_at - dialed_at))::double precision FROM (
    SELECT outcome, ended_at, dialed_at FROM calls
    WHERE campaign_id = %(campaign)s AND status = 'ended' AND outcome <> 'not_placed'
    ORDER BY id DESC LIMIT %(most)s
) newest
GROUP BY outcome;
