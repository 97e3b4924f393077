-- name: add_events
-- By campaign: to read what all of a campaign's have in common from each of them would take as long again.
INSERT INTO events (id, organization_id, campaign_id, type, data, created_at)
SELECT e.id, c.organization_id, c.campaign_id, e.type, e.data, %(now)s
FROM jsonb_to_recordset(%(events)s::jsonb) AS c(organization_id uuid, campaign_id uuid, happened jsonb)
CROSS JOIN LATERAL jsonb_to_recordset(c.happened) AS e(id uuid, type text, data jsonb);

-- name: page
SELECT seq, id, type, created_at, organization_id, data FROM events
WHERE campaign_id = %(campaign)s AND seq < %(before)s ORDER BY seq DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: total
SELECT count(*) FROM events WHERE campaign_id = %(campaign)s;
