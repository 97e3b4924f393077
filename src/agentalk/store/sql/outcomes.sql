-- name: add
INSERT INTO outcome_tallies (campaign_id, at, outcome, n)
SELECT o.campaign_id, %(now)s, o.outcome, o.n
FROM jsonb_to_recordset(%(outcomes)s::jsonb) AS o(campaign_id uuid, outcome text, n bigint);

-- name: fold
-- Rows move from span to span as they age, and end. Under the organization's lock nobody else folds. A span in which the
-- campaign was started begins anew with that: what came before is told from what came since.
WITH taken AS (
    DELETE FROM outcome_tallies
    WHERE campaign_id = ANY(%(campaigns)s::uuid[]) AND (span = 0 OR (span > 0 AND at < CASE span
        WHEN 1 THEN %(recent)s::timestamptz WHEN 2 THEN %(hourly)s::timestamptz ELSE %(oldest)s::timestamptz END))
    RETURNING campaign_id, at, outcome, n
), moved AS (
    SELECT campaign_id, outcome, n, at,
        CASE WHEN at >= %(recent)s THEN 1 WHEN at >= %(hourly)s THEN 2 ELSE 3 END AS span
    FROM taken WHERE at >= %(oldest)s
)
INSERT INTO outcome_tallies (campaign_id, span, at, outcome, n)
SELECT campaign_id, span, greatest(
    date_bin(CASE span WHEN 1 THEN interval '5 seconds' WHEN 2 THEN interval '1 hour' ELSE interval '1 day' END,
        at, timestamptz '2000-01-01 00:00:00+00'),
    CASE WHEN at >= c.active_since THEN c.active_since END) AS began, outcome, sum(n)
FROM moved JOIN campaigns c ON c.id = moved.campaign_id GROUP BY campaign_id, span, began, outcome
ON CONFLICT (campaign_id, span, at, outcome) WHERE span > 0 DO UPDATE SET n = outcome_tallies.n + excluded.n;

-- name: records
-- Of everything that was folded: by outcome in the breaker's span, in 24 hours, in 30 days, and since the last start.
SELECT o.campaign_id, o.outcome,
    coalesce(sum(o.n) FILTER (WHERE o.at > %(recent)s AND o.at >= c.active_since), 0)::bigint,
    coalesce(sum(o.n) FILTER (WHERE o.at > %(day)s), 0)::bigint,
    coalesce(sum(o.n) FILTER (WHERE o.at > %(month)s), 0)::bigint,
    coalesce(sum(o.n) FILTER (WHERE o.at >= c.active_since), 0)::bigint
FROM (SELECT id, coalesce(active_since, started_at) AS active_since FROM campaigns
    WHERE id = ANY(%(campaigns)s::uuid[])) c
JOIN outcome_tallies o ON o.campaign_id = c.id AND o.span > 0
GROUP BY o.campaign_id, o.outcome;

-- name: throttle
UPDATE campaigns SET throttled = t.throttled
FROM jsonb_to_recordset(%(campaigns)s::jsonb) AS t(id uuid, throttled boolean)
WHERE campaigns.id = t.id AND campaigns.throttled <> t.throttled;
