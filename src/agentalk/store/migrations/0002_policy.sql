-- Policy: who may be called, when, how often and from which number; and what was decided about every call.

-- policy: what the organization (its defaults) and the campaign say; domain/policy joins them with the jurisdictions' presets.
ALTER TABLE organizations ADD policy jsonb NOT NULL DEFAULT '{}';
ALTER TABLE campaigns
    ADD policy jsonb NOT NULL DEFAULT '{}',
    ADD caller_id_rule jsonb NOT NULL DEFAULT '{}',
    -- Live calls of the organization's limit that are kept for this campaign while it is active.
    ADD reserved_concurrency integer NOT NULL DEFAULT 0 CHECK (reserved_concurrency BETWEEN 0 AND 100000),
    -- When it was last started: the circuit breaker looks no further back.
    ADD active_since timestamptz,
    -- It runs at half its pace and concurrency: too many of its calls are abandoned.
    ADD throttled boolean NOT NULL DEFAULT false;
-- How often in a row the carrier asked for another pause while it recovered from the last one, which ended at slow_until.
ALTER TABLE carriers ADD slow_times integer NOT NULL DEFAULT 0;

-- Every policy that a call was ever decided by, under the hash of its text. Kept for ever.
CREATE TABLE policy_versions (
    id text PRIMARY KEY,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL
);
-- What spoke for calls when they were decided: the policy, the opening, the caps and what stood against them, the consent.
-- Many calls are decided alike, and name one row, whose id is the hash of the rest. Kept for ever.
CREATE TABLE decisions (
    id uuid PRIMARY KEY,
    policy_version text NOT NULL REFERENCES policy_versions,
    basis jsonb NOT NULL
);
ALTER TABLE calls ADD decision_id uuid REFERENCES decisions;
-- A turn changes all of its calls and their contacts at once, and again: half of each page is left for that.
ALTER TABLE calls SET (fillfactor = 45);
ALTER TABLE campaign_contacts SET (fillfactor = 50);
-- How often a phone was called of late. Ids grow with time, so that a span of time is a span of ids.
CREATE INDEX calls_of_phone ON calls (organization_id, phone, id DESC) INCLUDE (campaign_id, contact_id) WHERE counted;

-- Why a contact that is not on a call has to wait until due_at; NULL: no reason of policy.
ALTER TABLE campaign_contacts ADD wait_reason text;
-- A callback that was asked for during a call, and takes effect at its end.
ALTER TABLE campaign_contacts ADD callback_at timestamptz CHECK (callback_at IS NULL OR status = 'calling');

-- Lists of numbers that are not to be called: the organization's own, a campaign's, and registries with the date of their data.
CREATE TABLE do_not_call_lists (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    kind text NOT NULL CHECK (kind IN ('organization', 'campaign', 'registry')),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    campaign_id uuid,
    -- of a registry: where it applies, to calls of which purposes, and the day of its data
    jurisdiction text,
    purposes text[] NOT NULL DEFAULT '{}',
    as_of date,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, id),
    CHECK ((kind = 'campaign') = (campaign_id IS NOT NULL)),
    CHECK ((kind = 'registry') = (jurisdiction IS NOT NULL AND as_of IS NOT NULL)),
    UNIQUE (organization_id, id)
);
CREATE UNIQUE INDEX do_not_call_lists_own ON do_not_call_lists (organization_id) WHERE kind = 'organization';
CREATE UNIQUE INDEX do_not_call_lists_of_campaign ON do_not_call_lists (campaign_id) WHERE kind = 'campaign';

CREATE TABLE do_not_call_numbers (
    organization_id uuid NOT NULL,
    phone text NOT NULL,
    list_id uuid NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, phone, list_id),
    FOREIGN KEY (organization_id, list_id) REFERENCES do_not_call_lists (organization_id, id)
);
CREATE INDEX do_not_call_numbers_of_list ON do_not_call_numbers (list_id, phone);

-- An opt-out may come from anywhere. Nothing overwrites one but an explicit removal, which the audit log keeps.
ALTER TABLE opt_outs
    ALTER call_id DROP NOT NULL,
    ADD source text NOT NULL DEFAULT 'call' CHECK (source IN ('call', 'api', 'import', 'console'));

CREATE INDEX opt_outs_newest ON opt_outs (organization_id, created_at DESC, phone DESC);

CREATE TABLE audit_log (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    data jsonb NOT NULL
);
CREATE INDEX audit_log_of_organization ON audit_log (organization_id, seq);

-- How many calls of a campaign ended how: the sum of n. Rows are appended as calls end (span 0), and folded into spans of
-- five seconds (1), an hour (2) and a day (3) as they age; `at` is a span's beginning. The circuit breaker and the governor
-- of abandoned calls read them.
CREATE TABLE outcome_tallies (
    campaign_id uuid NOT NULL,
    span smallint NOT NULL DEFAULT 0 CHECK (span BETWEEN 0 AND 3),
    at timestamptz NOT NULL,
    outcome text NOT NULL,
    n bigint NOT NULL
);
CREATE INDEX outcome_tallies_fresh ON outcome_tallies (campaign_id, at) WHERE span = 0;
CREATE UNIQUE INDEX outcome_tallies_folded ON outcome_tallies (campaign_id, span, at, outcome) WHERE span > 0;

-- Calls begun from each number on each UTC day: the sum of calls over its rows. Claims add to it under the organization's
-- lock; what is released takes its call back by a row of its own, so that nobody waits. rests: someone called the number
-- unwanted, or blocked it; it is not used for the rest of that day.
CREATE TABLE caller_id_days (
    organization_id uuid NOT NULL,
    day date NOT NULL,
    caller_id text NOT NULL,
    calls integer NOT NULL,
    rests boolean NOT NULL DEFAULT false
);
CREATE INDEX caller_id_days_of_organization ON caller_id_days (organization_id, day, caller_id);

-- A consent has a shape now (domain/consent.py). What was written before it had one proves nothing to the engine: it is
-- kept among the attributes.
UPDATE contacts SET attributes = attributes || jsonb_build_object('consent', consent), consent = NULL
WHERE consent IS NOT NULL;
-- Some events concern the whole organization.
ALTER TABLE events ALTER campaign_id DROP NOT NULL;

-- A call names its dialer for as long as it lives; the rows of dialers that are long gone are removed.
ALTER TABLE calls DROP CONSTRAINT calls_dialer_id_fkey;
-- A call is made of a row of campaign_contacts, which names campaign and contact by foreign keys, and of a carrier that the
-- same transaction read; no row of these is ever deleted. To check it again would lock three rows for each call.
ALTER TABLE calls DROP CONSTRAINT calls_organization_id_campaign_id_fkey;
ALTER TABLE calls DROP CONSTRAINT calls_organization_id_contact_id_fkey;
ALTER TABLE calls DROP CONSTRAINT calls_organization_id_carrier_id_fkey;

-- canceling: it was stopped, and contacts that are still to be called are being canceled, some at a time.
ALTER TABLE campaigns ADD canceling boolean NOT NULL DEFAULT false;
CREATE INDEX campaigns_canceling ON campaigns (id) WHERE canceling;

-- Of the calls with ids below it nothing is left to be forgotten (`agentalk db purge`).
ALTER TABLE campaigns ADD forgotten_below uuid;

DROP VIEW campaigns_counted;
CREATE VIEW campaigns_counted AS
SELECT c.id, c.organization_id, c.name, c.status, c.phase, c.status_reason, c.agent_id, c.carrier_id, c.caller_ids,
    c.start_at, c.started_at, c.ended_at, c.max_concurrency, c.calls_per_second, c.priority,
    c.window_hours::text AS window_hours, c.retry::text AS retry, c.voicemail ->> 'action' AS voicemail_action,
    c.created_at, c.updated_at, c.policy::text AS policy, c.caller_id_rule::text AS caller_id_rule,
    c.reserved_concurrency, t.*
FROM campaigns c CROSS JOIN LATERAL (
    SELECT coalesce(sum(n), 0)::bigint AS total,
        coalesce(sum(n) FILTER (WHERE status = 'pending' AND NOT c.canceling), 0)::bigint AS pending,
        coalesce(sum(n) FILTER (WHERE status = 'calling'), 0)::bigint AS calling,
        coalesce(sum(n) FILTER (WHERE status = 'waiting' AND NOT c.canceling), 0)::bigint AS waiting,
        coalesce(sum(n) FILTER (WHERE status = 'completed'), 0)::bigint AS completed,
        coalesce(sum(n) FILTER (WHERE status = 'exhausted'), 0)::bigint AS exhausted,
        coalesce(sum(n) FILTER (WHERE status = 'skipped'), 0)::bigint AS skipped,
        coalesce(sum(n) FILTER (WHERE status = 'canceled' OR (c.canceling AND status IN ('pending', 'waiting'))), 0)::bigint
            AS canceled
    FROM campaign_tallies WHERE campaign_id = c.id
) t
WHERE c.deleted_at IS NULL;
