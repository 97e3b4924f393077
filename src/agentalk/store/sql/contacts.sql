-- name: get
SELECT id, phone, name, time_zone, address::text, language, attributes::text, consent::text, phone_invalid_at,
    created_at, updated_at
FROM contacts WHERE organization_id = %(org)s AND id = %(id)s AND deleted_at IS NULL;

-- name: lock
SELECT id, phone, name, time_zone, address::text, language, attributes::text, consent::text, phone_invalid_at,
    created_at, updated_at
FROM contacts WHERE organization_id = %(org)s AND id = %(id)s AND deleted_at IS NULL
FOR NO KEY UPDATE;

-- name: page
SELECT id, phone, name, time_zone, address::text, language, attributes::text, consent::text, phone_invalid_at,
    created_at, updated_at, seq
FROM contacts
WHERE deleted_at IS NULL
    AND (%(org)s::uuid IS NULL OR organization_id = %(org)s)
    AND (%(phone)s::text IS NULL OR phone = %(phone)s)
    AND (%(before)s::bigint IS NULL OR seq < %(before)s)
ORDER BY seq DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: total
SELECT count(*) FROM contacts
WHERE deleted_at IS NULL
    AND (%(org)s::uuid IS NULL OR organization_id = %(org)s)
    AND (%(phone)s::text IS NULL OR phone = %(phone)s);

-- name: put
-- A contact that was deleted is made anew. What a carrier said of a number goes with the number.
WITH before AS (
    SELECT deleted_at IS NOT NULL AS deleted FROM contacts
    WHERE organization_id = %(org)s AND id = %(id)s FOR NO KEY UPDATE
)
INSERT INTO contacts AS c (organization_id, id, phone, name, time_zone, zones, address, language, attributes, consent,
    created_at, updated_at)
SELECT %(org)s, %(id)s, %(phone)s, %(name)s, %(time_zone)s, %(zones)s, %(address)s::jsonb, %(language)s,
    %(attributes)s::jsonb, %(consent)s::jsonb, %(now)s, %(now)s
FROM (VALUES (1)) AS one_row LEFT JOIN before ON true -- so that it is looked at before anything is written
ON CONFLICT (organization_id, id) DO UPDATE SET
    phone = excluded.phone,
    name = excluded.name,
    time_zone = excluded.time_zone,
    zones = excluded.zones,
    address = excluded.address,
    language = excluded.language,
    attributes = excluded.attributes,
    consent = excluded.consent,
    phone_invalid_at = CASE WHEN c.phone = excluded.phone THEN c.phone_invalid_at END,
    created_at = CASE WHEN c.deleted_at IS NULL THEN c.created_at ELSE excluded.created_at END,
    updated_at = excluded.updated_at,
    deleted_at = NULL
RETURNING id, phone, name, time_zone, address::text, language, attributes::text, consent::text, phone_invalid_at,
    created_at, updated_at, xmax = 0 OR coalesce((SELECT deleted FROM before), false);

-- name: merge
-- What a row does not say stays as it was.
INSERT INTO contacts AS c (organization_id, id, phone, name, time_zone, zones, address, language, attributes, consent,
    created_at, updated_at)
SELECT %(org)s, r.id, r.phone, r.name, r.time_zone, r.zones, r.address, r.language, coalesce(r.attributes, '{}'),
    r.consent, %(now)s, %(now)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(id text, phone text, zones text, name text, time_zone text, address jsonb,
    language text, attributes jsonb, consent jsonb)
ORDER BY r.id COLLATE "C"
ON CONFLICT (organization_id, id) DO UPDATE SET
    phone = excluded.phone,
    name = coalesce(excluded.name, c.name),
    time_zone = coalesce(excluded.time_zone, c.time_zone),
    zones = excluded.zones,
    address = CASE WHEN excluded.address IS NULL THEN c.address
        ELSE coalesce(c.address, '{}') || excluded.address END,
    language = coalesce(excluded.language, c.language),
    attributes = c.attributes || excluded.attributes,
    consent = coalesce(excluded.consent, c.consent),
    phone_invalid_at = CASE WHEN c.phone = excluded.phone THEN c.phone_invalid_at END,
    created_at = CASE WHEN c.deleted_at IS NULL THEN c.created_at ELSE excluded.created_at END,
    updated_at = excluded.updated_at,
    deleted_at = NULL
RETURNING id, xmax = 0, phone, zones, time_zone, address::text;

-- name: place
UPDATE contacts c SET zones = r.zones FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(id text, zones text)
WHERE c.organization_id = %(org)s AND c.id = r.id
RETURNING c.id;

-- name: delete
-- Its calls refer to the row: it stays, without anything of the person.
UPDATE contacts SET phone = NULL, name = NULL, time_zone = NULL, zones = '', address = NULL, language = NULL,
    attributes = '{}', consent = NULL, phone_invalid_at = NULL, deleted_at = %(now)s, updated_at = %(now)s
WHERE organization_id = %(org)s AND id = %(id)s AND deleted_at IS NULL;
