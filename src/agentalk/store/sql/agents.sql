-- name: insert
INSERT INTO agents
    (id, organization_id, name, prompt, first_message, voicemail_message, version, created_at, updated_at)
VALUES
    (%(id)s, %(org)s, %(name)s, %(prompt)s, %(first_message)s, %(voicemail_message)s, %(version)s, %(now)s, %(now)s);

-- name: get
SELECT id, name, prompt, first_message, voicemail_message, version, created_at, updated_at
FROM agents
WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id) AND deleted_at IS NULL;

-- name: page
SELECT id, name, prompt, first_message, voicemail_message, version, created_at, updated_at
FROM agents WHERE organization_id = coalesce(%(org)s::uuid, organization_id) AND deleted_at IS NULL
ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s;

-- name: total
SELECT count(*) FROM agents
WHERE organization_id = coalesce(%(org)s::uuid, organization_id) AND deleted_at IS NULL;

-- name: change
UPDATE agents SET
    name = coalesce(%(name)s, name),
    prompt = coalesce(%(prompt)s, prompt),
    first_message = coalesce(%(first_message)s, first_message),
    voicemail_message = coalesce(%(voicemail_message)s, voicemail_message),
    version = version + 1,
    updated_at = %(now)s
WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id) AND deleted_at IS NULL
    AND updated_at = coalesce(%(seen)s::timestamptz, updated_at)
RETURNING id, name, prompt, first_message, voicemail_message, version, created_at, updated_at;

-- name: lock
-- Whoever makes or starts a campaign with the agent holds a share of this lock.
SELECT organization_id FROM agents
WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id) AND deleted_at IS NULL
FOR UPDATE;

-- name: in_use
SELECT EXISTS (
    SELECT FROM campaigns
    WHERE organization_id = %(org)s AND agent_id = %(id)s AND deleted_at IS NULL
        AND (status = 'active' OR start_at IS NOT NULL)
);

-- name: delete
UPDATE agents SET deleted_at = %(now)s, updated_at = %(now)s WHERE organization_id = %(org)s AND id = %(id)s;
