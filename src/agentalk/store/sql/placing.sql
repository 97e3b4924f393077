-- name: contacts_after
SELECT organization_id, id, phone, time_zone, address::text FROM contacts
WHERE (organization_id, id) > (%(org)s, %(id)s::text) ORDER BY organization_id, id LIMIT %(most)s;

-- name: place
UPDATE contacts SET zones = p.zones
FROM jsonb_to_recordset(%(placed)s::jsonb) AS p(organization_id uuid, id text, zones text)
WHERE contacts.organization_id = p.organization_id AND contacts.id = p.id AND contacts.zones <> p.zones;
