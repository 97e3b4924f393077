-- name: insert
INSERT INTO campaigns (id, organization_id, name, agent_id, carrier_id, caller_ids, max_concurrency, calls_per_second,
    priority, window_hours, retry, voicemail, policy, caller_id_rule, reserved_concurrency, created_at, updated_at)
VALUES (%(id)s, %(org)s, %(name)s, %(agent_id)s, %(carrier_id)s, %(caller_ids)s::text[], %(max_concurrency)s,
    %(calls_per_second)s, %(priority)s, %(window)s::jsonb, %(retry)s::jsonb, %(voicemail)s::jsonb,
    %(policy)s::jsonb, %(caller_id_rule)s::jsonb, %(reserved_concurrency)s, %(now)s, %(now)s);

-- name: get
SELECT * FROM campaigns_counted
WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id);

-- name: find
SELECT organization_id FROM campaigns
WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id) AND deleted_at IS NULL;

-- name: page
-- Without a campaign on the page there is still a row, for the total.
WITH page AS (
    SELECT id FROM campaigns
    WHERE organization_id = %(org)s AND deleted_at IS NULL AND (%(status)s::text IS NULL OR status = %(status)s)
    ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s
), everything AS (
    SELECT count(*) AS campaigns FROM campaigns
    WHERE organization_id = %(org)s AND deleted_at IS NULL AND (%(status)s::text IS NULL OR status = %(status)s)
)
SELECT everything.campaigns, counted.*
FROM everything LEFT JOIN page ON true LEFT JOIN campaigns_counted counted ON counted.id = page.id
ORDER BY page.id DESC;

-- name: page_of_all
WITH page AS (
    SELECT id FROM campaigns
    WHERE deleted_at IS NULL AND (%(status)s::text IS NULL OR status = %(status)s)
    ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s
), everything AS (
    SELECT count(*) AS campaigns FROM campaigns
    WHERE deleted_at IS NULL AND (%(status)s::text IS NULL OR status = %(status)s)
)
SELECT everything.campaigns, counted.*
FROM everything LEFT JOIN page ON true LEFT JOIN campaigns_counted counted ON counted.id = page.id
ORDER BY page.id DESC;

-- name: lock
-- Holds the campaign's agent as well, so that it cannot be deleted meanwhile.
SELECT c.organization_id, c.status, c.start_at, a.deleted_at IS NOT NULL, c.canceling
FROM campaigns c JOIN agents a ON a.id = c.agent_id
WHERE c.id = %(id)s AND c.organization_id = coalesce(%(org)s::uuid, c.organization_id) AND c.deleted_at IS NULL
FOR NO KEY UPDATE OF c FOR KEY SHARE OF a;

-- name: turnstile
-- Locks on a row have no queue: those who share it could come one after another for ever, and who wants it alone would wait.
-- They meet here first, where who comes later waits behind who waits.
SELECT CASE WHEN %(alone)s
    THEN pg_advisory_xact_lock(hashtextextended('agentalk:campaign:' || %(id)s::text, 0))
    ELSE pg_advisory_xact_lock_shared(hashtextextended('agentalk:campaign:' || %(id)s::text, 0)) END;

-- name: lock_alone
SELECT organization_id, status, start_at, false, canceling FROM campaigns
WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id) AND deleted_at IS NULL
FOR UPDATE;

-- name: hold
SELECT organization_id FROM campaigns
WHERE id = %(id)s AND organization_id = coalesce(%(org)s::uuid, organization_id) AND deleted_at IS NULL
FOR KEY SHARE;

-- name: parts
-- Held, so that neither is deleted meanwhile.
SELECT 'agent' FROM (
    SELECT FROM agents WHERE organization_id = %(org)s AND id = %(agent)s AND deleted_at IS NULL FOR KEY SHARE
) a
UNION ALL
SELECT 'carrier' FROM (
    SELECT FROM carriers WHERE organization_id = %(org)s AND id = %(carrier)s FOR KEY SHARE
) k;

-- name: change
UPDATE campaigns SET
    name = coalesce(%(name)s, name),
    agent_id = coalesce(%(agent_id)s, agent_id),
    carrier_id = CASE WHEN %(carrier_given)s THEN %(carrier_id)s::uuid ELSE carrier_id END,
    caller_ids = coalesce(%(caller_ids)s::text[], caller_ids),
    max_concurrency = coalesce(%(max_concurrency)s, max_concurrency),
    calls_per_second = coalesce(%(calls_per_second)s, calls_per_second),
    priority = coalesce(%(priority)s, priority),
    window_hours = coalesce(%(window)s::jsonb, window_hours),
    retry = coalesce(%(retry)s::jsonb, retry),
    voicemail = coalesce(%(voicemail)s::jsonb, voicemail),
    policy = coalesce(%(policy)s::jsonb, policy),
    caller_id_rule = coalesce(%(caller_id_rule)s::jsonb, caller_id_rule),
    reserved_concurrency = coalesce(%(reserved_concurrency)s, reserved_concurrency),
    start_at = CASE WHEN %(unschedule)s THEN NULL ELSE start_at END,
    updated_at = %(now)s
WHERE id = %(id)s AND deleted_at IS NULL AND updated_at = coalesce(%(seen)s::timestamptz, updated_at)
RETURNING id;

-- name: terms
SELECT k.kind, o.policy::text, c.policy::text FROM campaigns c JOIN organizations o ON o.id = c.organization_id
LEFT JOIN carriers k ON k.organization_id = c.organization_id
    AND CASE WHEN c.carrier_id IS NULL THEN k.is_default ELSE k.id = c.carrier_id END
WHERE c.id = %(id)s;

-- name: schedule
UPDATE campaigns SET start_at = %(start_at)s, updated_at = %(now)s
WHERE id = %(id)s AND status <> 'active' AND start_at IS DISTINCT FROM %(start_at)s::timestamptz;

-- name: start
UPDATE campaigns SET status = 'active', status_reason = 'user', phase = NULL, start_at = NULL,
    started_at = coalesce(started_at, %(now)s), active_since = %(now)s, ended_at = NULL, updated_at = %(now)s
WHERE id = %(id)s AND status <> 'active';

-- name: begin_scheduled
-- A campaign that someone else holds is being begun by another dialer, or changed: it is not waited for.
WITH due AS (
    SELECT id, status FROM campaigns
    WHERE start_at <= %(now)s AND start_at IS NOT NULL AND deleted_at IS NULL AND NOT canceling
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE campaigns SET status = 'active', status_reason = 'schedule', phase = NULL, start_at = NULL,
    started_at = coalesce(started_at, %(now)s), active_since = %(now)s, ended_at = NULL, updated_at = %(now)s
FROM due WHERE campaigns.id = due.id
RETURNING campaigns.organization_id, campaigns.id, due.status;

-- name: pause
UPDATE campaigns SET status = 'paused', status_reason = %(reason)s, phase = NULL, start_at = NULL, updated_at = %(now)s
WHERE id = %(id)s AND status = 'active';

-- name: stop
UPDATE campaigns SET status = 'stopped', status_reason = 'user', phase = NULL, start_at = NULL, ended_at = %(now)s,
    canceling = true, updated_at = %(now)s
WHERE id = %(id)s AND status IN ('draft', 'active', 'paused');

-- name: lock_canceling
SELECT id FROM campaigns WHERE id = %(id)s AND canceling FOR NO KEY UPDATE;

-- name: take_canceling
SELECT id FROM campaigns WHERE canceling ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;

-- name: canceled
UPDATE campaigns SET canceling = false WHERE id = %(id)s;

-- name: unschedule
UPDATE campaigns SET start_at = NULL, updated_at = %(now)s WHERE id = %(id)s AND start_at IS NOT NULL;

-- name: has_live_calls
SELECT EXISTS (SELECT FROM calls WHERE campaign_id = %(id)s AND live);

-- name: delete
UPDATE campaigns SET deleted_at = %(now)s, start_at = NULL, updated_at = %(now)s
WHERE id = %(id)s AND status <> 'active';
