-- name: add_events
INSERT INTO events (id, organization_id, campaign_id, type, data, created_at)
SELECT e.id, e.organization_id, e.campaign_id, e.type, e.data, %(now)s
FROM jsonb_to_recordset(%(events)s::jsonb)
    AS e(id uuid, organization_id uuid, campaign_id uuid, type text, data jsonb);

-- name: page
SELECT seq, id, type, created_at, organization_id, data FROM events
WHERE campaign_id = %(campaign)s AND seq < %(before)s ORDER BY seq DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: total
SELECT count(*) FROM events WHERE campaign_id = %(campaign)s;
