-- name: insert
INSERT INTO do_not_call_lists
    (id, organization_id, kind, name, campaign_id, jurisdiction, purposes, as_of, created_at, updated_at)
VALUES (%(id)s, %(org)s, %(kind)s, %(name)s, %(campaign)s, %(jurisdiction)s, %(purposes)s::text[], %(as_of)s, %(now)s,
    %(now)s)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: get
SELECT id, kind, name, campaign_id, jurisdiction, purposes, as_of, created_at, updated_at FROM do_not_call_lists
WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id);

-- name: lock
SELECT id, kind, name, campaign_id, jurisdiction, purposes, as_of, created_at, updated_at, organization_id
FROM do_not_call_lists
WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id)
FOR NO KEY UPDATE;

-- name: page
SELECT id, kind, name, campaign_id, jurisdiction, purposes, as_of, created_at, updated_at FROM do_not_call_lists
WHERE (%(org)s::uuid IS NULL OR organization_id = %(org)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: total
SELECT count(*) FROM do_not_call_lists
WHERE (%(org)s::uuid IS NULL OR organization_id = %(org)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s);

-- name: date_data
UPDATE do_not_call_lists SET as_of = %(as_of)s, updated_at = %(now)s WHERE id = %(id)s;

-- name: delete
DELETE FROM do_not_call_lists WHERE id = %(id)s;

-- name: add_numbers
INSERT INTO do_not_call_numbers (organization_id, phone, list_id, added_at)
SELECT %(org)s, p.phone, %(id)s, %(now)s FROM unnest(%(phones)s::text[]) AS p(phone) ORDER BY p.phone
ON CONFLICT DO NOTHING;

-- name: added_at
SELECT phone FROM do_not_call_numbers
WHERE list_id = %(id)s AND phone > %(after)s AND added_at = %(now)s
ORDER BY phone LIMIT %(most)s;

-- name: numbers
SELECT phone, added_at FROM do_not_call_numbers
WHERE list_id = %(id)s AND (%(before)s::text IS NULL OR phone < %(before)s)
ORDER BY phone DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: total_numbers
SELECT count(*) FROM do_not_call_numbers WHERE list_id = %(id)s;

-- name: remove_number
DELETE FROM do_not_call_numbers WHERE organization_id = %(org)s AND phone = %(phone)s AND list_id = %(id)s
RETURNING added_at;

-- name: empty
DELETE FROM do_not_call_numbers WHERE list_id = %(id)s;

-- name: holding
SELECT l.id, l.kind, l.name, l.campaign_id, l.jurisdiction, l.purposes, l.as_of, l.created_at, l.updated_at, n.added_at
FROM do_not_call_numbers n JOIN do_not_call_lists l ON l.id = n.list_id
WHERE n.organization_id = %(org)s AND n.phone = %(phone)s
ORDER BY l.id;
