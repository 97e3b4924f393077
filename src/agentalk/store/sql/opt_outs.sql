-- name: add
INSERT INTO opt_outs (organization_id, phone, call_id, created_at, source)
SELECT %(org)s, p.phone, p.call_id, %(now)s, %(source)s
FROM unnest(%(phones)s::text[], %(calls)s::uuid[]) AS p(phone, call_id) ORDER BY p.phone
ON CONFLICT DO NOTHING
RETURNING phone;

-- name: of_calls
SELECT organization_id, phone, id FROM calls WHERE id = ANY(%(ids)s::uuid[]) ORDER BY organization_id, phone, id;

-- name: get
SELECT phone, source, call_id, created_at FROM opt_outs WHERE organization_id = %(org)s AND phone = %(phone)s;

-- name: page
SELECT phone, source, call_id, created_at FROM opt_outs
WHERE (%(org)s::uuid IS NULL OR organization_id = %(org)s)
    AND (%(moment)s::timestamptz IS NULL OR (created_at, phone) < (%(moment)s, %(number)s::text))
ORDER BY created_at DESC, phone DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: total
SELECT count(*) FROM opt_outs WHERE %(org)s::uuid IS NULL OR organization_id = %(org)s;

-- name: remove
DELETE FROM opt_outs WHERE organization_id = %(org)s AND phone = %(phone)s
RETURNING phone, source, call_id, created_at;
