-- The first schema. A wrong state that a constraint or a partial unique index can refuse is refused here.

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    max_concurrency integer NOT NULL DEFAULT 100 CHECK (max_concurrency BETWEEN 0 AND 100000),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE tokens (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('read', 'write', 'admin')),
    superuser boolean NOT NULL DEFAULT false,
    digest bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX tokens_of_organization ON tokens (organization_id, id DESC);

-- An account that can place calls. (bucket_tokens, bucket_at) is its token bucket; slow_until a request of its own to wait.
CREATE TABLE carriers (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    name text NOT NULL,
    kind text NOT NULL,
    is_default boolean NOT NULL DEFAULT false,
    max_live_calls integer NOT NULL CHECK (max_live_calls BETWEEN 0 AND 100000),
    calls_per_second double precision NOT NULL CHECK (calls_per_second BETWEEN 0 AND 100000),
    bucket_tokens double precision NOT NULL DEFAULT 0,
    bucket_at timestamptz,
    slow_until timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (organization_id, id)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX carriers_one_default ON carriers (organization_id) WHERE is_default;

CREATE TABLE agents (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    name text NOT NULL,
    prompt text NOT NULL,
    first_message text NOT NULL,
    voicemail_message text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    UNIQUE (organization_id, id)
);

-- zones: the zone group worked out from phone and time_zone (domain/window.py). A deleted contact keeps its row, emptied.
CREATE TABLE contacts (
    organization_id uuid NOT NULL REFERENCES organizations,
    id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
    seq bigint GENERATED ALWAYS AS IDENTITY,
    phone text CHECK (phone ~ '^\+[1-9][0-9]{4,14}$'),
    name text,
    time_zone text,
    zones text NOT NULL,
    address jsonb,
    language text,
    attributes jsonb NOT NULL DEFAULT '{}',
    consent jsonb,
    phone_invalid_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (organization_id, id),
    CHECK (deleted_at IS NULL OR phone IS NULL)
);
CREATE INDEX contacts_newest ON contacts (organization_id, seq DESC) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_phone ON contacts (organization_id, phone) WHERE deleted_at IS NULL;

-- Numbers that asked not to be called again: nobody of the organization calls them.
CREATE TABLE opt_outs (
    organization_id uuid NOT NULL REFERENCES organizations,
    phone text NOT NULL,
    call_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, phone)
);

CREATE TABLE campaigns (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'paused', 'stopped', 'completed')),
    phase text CHECK (phase IN ('dialing', 'outside_window', 'waiting', 'no_capacity', 'draining', 'idle')),
    status_reason text
        CHECK (status_reason IN ('user', 'schedule', 'circuit_breaker', 'abandon_rate', 'finished')),
    agent_id uuid NOT NULL,
    carrier_id uuid,
    caller_ids text[] NOT NULL DEFAULT '{}',
    start_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    max_concurrency integer NOT NULL CHECK (max_concurrency BETWEEN 0 AND 100000),
    calls_per_second double precision NOT NULL CHECK (calls_per_second BETWEEN 0 AND 100000),
    priority integer NOT NULL,
    window_hours jsonb NOT NULL,
    retry jsonb NOT NULL,
    voicemail jsonb NOT NULL,
    bucket_tokens double precision NOT NULL DEFAULT 0,
    bucket_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, agent_id) REFERENCES agents (organization_id, id),
    FOREIGN KEY (organization_id, carrier_id) REFERENCES carriers (organization_id, id),
    CHECK (status <> 'active' OR (start_at IS NULL AND started_at IS NOT NULL AND deleted_at IS NULL)),
    CHECK (status <> 'draft' OR started_at IS NULL)
) WITH (fillfactor = 50);
CREATE INDEX campaigns_newest ON campaigns (organization_id, id DESC) INCLUDE (status) WHERE deleted_at IS NULL;
CREATE INDEX campaigns_active ON campaigns (organization_id) WHERE status = 'active';
CREATE INDEX campaigns_scheduled ON campaigns (start_at) WHERE start_at IS NOT NULL AND deleted_at IS NULL;

-- lane: 0 callback, 1 retry, 2 fresh. (lane, due_at) stay as they were while a call is live, so that a reservation given
-- back finds its place again. generation grows with every reset: (contact, generation, attempt) is one attempt for ever.
CREATE TABLE campaign_contacts (
    campaign_id uuid NOT NULL,
    contact_id text NOT NULL,
    organization_id uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'calling', 'waiting', 'completed', 'exhausted', 'skipped', 'canceled')),
    lane smallint NOT NULL DEFAULT 2 CHECK (lane BETWEEN 0 AND 2),
    zones text NOT NULL,
    due_at timestamptz NOT NULL,
    generation integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    misfires integer NOT NULL DEFAULT 0,
    outcomes jsonb NOT NULL DEFAULT '{}',
    reset_pending boolean NOT NULL DEFAULT false,
    last_outcome text,
    skip_reason text,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, contact_id),
    FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id),
    CHECK ((status = 'skipped') = (skip_reason IS NOT NULL)),
    CHECK (status <> 'waiting' OR lane < 2),
    CHECK (status <> 'pending' OR lane = 2),
    CHECK (NOT reset_pending OR status = 'calling')
) WITH (fillfactor = 90);
CREATE INDEX campaign_contacts_due ON campaign_contacts (campaign_id, zones, lane, due_at)
    WHERE status IN ('pending', 'waiting');
CREATE INDEX campaign_contacts_by_status ON campaign_contacts (campaign_id, status, seq);
CREATE INDEX campaign_contacts_of_contact ON campaign_contacts (organization_id, contact_id);

-- How many contacts a campaign has by zone group and status: the sum of n over all rows. Changes only append, so that no
-- two transactions wait for each other here (a foreign key would have whoever changes a contact wait for a stop of its
-- campaign); a dialer folds the rows together from time to time.
CREATE TABLE campaign_tallies (
    campaign_id uuid NOT NULL,
    zones text NOT NULL,
    status text NOT NULL,
    n bigint NOT NULL
);
CREATE INDEX campaign_tallies_of_campaign ON campaign_tallies (campaign_id);

-- A campaign as it is shown, its contacts counted by status.
CREATE VIEW campaigns_counted AS
SELECT c.id, c.organization_id, c.name, c.status, c.phase, c.status_reason, c.agent_id, c.carrier_id, c.caller_ids,
    c.start_at, c.started_at, c.ended_at, c.max_concurrency, c.calls_per_second, c.priority,
    c.window_hours::text AS window_hours, c.retry::text AS retry, c.voicemail ->> 'action' AS voicemail_action,
    c.created_at, c.updated_at, t.*
FROM campaigns c CROSS JOIN LATERAL (
    SELECT coalesce(sum(n), 0)::bigint AS total,
        coalesce(sum(n) FILTER (WHERE status = 'pending'), 0)::bigint AS pending,
        coalesce(sum(n) FILTER (WHERE status = 'calling'), 0)::bigint AS calling,
        coalesce(sum(n) FILTER (WHERE status = 'waiting'), 0)::bigint AS waiting,
        coalesce(sum(n) FILTER (WHERE status = 'completed'), 0)::bigint AS completed,
        coalesce(sum(n) FILTER (WHERE status = 'exhausted'), 0)::bigint AS exhausted,
        coalesce(sum(n) FILTER (WHERE status = 'skipped'), 0)::bigint AS skipped,
        coalesce(sum(n) FILTER (WHERE status = 'canceled'), 0)::bigint AS canceled
    FROM campaign_tallies WHERE campaign_id = c.id
) t
WHERE c.deleted_at IS NULL;

CREATE FUNCTION tally_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaign_tallies (campaign_id, zones, status, n)
    SELECT campaign_id, zones, status, count(*) FROM added GROUP BY 1, 2, 3;
    RETURN NULL;
END $$;

CREATE FUNCTION tally_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaign_tallies (campaign_id, zones, status, n)
    SELECT campaign_id, zones, status, sum(n) FROM (
        SELECT campaign_id, zones, status, 1 AS n FROM after
        UNION ALL
        SELECT campaign_id, zones, status, -1 FROM before
    ) change GROUP BY 1, 2, 3 HAVING sum(n) <> 0;
    RETURN NULL;
END $$;

CREATE FUNCTION tally_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaign_tallies (campaign_id, zones, status, n)
    SELECT campaign_id, zones, status, -count(*) FROM removed GROUP BY 1, 2, 3;
    RETURN NULL;
END $$;

CREATE TRIGGER tally_added AFTER INSERT ON campaign_contacts
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tally_added();
CREATE TRIGGER tally_changed AFTER UPDATE ON campaign_contacts
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION tally_changed();
CREATE TRIGGER tally_removed AFTER DELETE ON campaign_contacts
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION tally_removed();

-- A dialer process. One whose heartbeat is stale is fenced by another and may never dial again under this id.
CREATE TABLE dialers (
    id uuid PRIMARY KEY,
    started_at timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    fenced_at timestamptz
) WITH (fillfactor = 50);

-- One attempt to reach a campaign contact. live and counted are what the unique indexes below speak of.
CREATE TABLE calls (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    contact_id text NOT NULL,
    carrier_id uuid NOT NULL,
    carrier text NOT NULL,
    dialer_id uuid NOT NULL REFERENCES dialers,
    generation integer NOT NULL,
    attempt integer NOT NULL CHECK (attempt > 0),
    status text NOT NULL CHECK (status IN
        ('reserved', 'dialing', 'uncertain', 'ringing', 'in_progress', 'ended', 'released')),
    live boolean NOT NULL GENERATED ALWAYS AS (status NOT IN ('ended', 'released')) STORED,
    counted boolean NOT NULL GENERATED ALWAYS AS
        (status <> 'released' AND coalesce(outcome, '') <> 'not_placed') STORED,
    phone text NOT NULL,
    caller_id text,
    carrier_call_id text,
    outcome text,
    answered_by text,
    ended_reason text,
    message_left boolean NOT NULL DEFAULT false,
    transcript jsonb NOT NULL DEFAULT '[]',
    reserved_at timestamptz NOT NULL,
    dialed_at timestamptz,
    uncertain_at timestamptz,
    ringing_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz,
    -- when to ask the carrier (next) to hang up, and when to ask it (next) what has become of the call
    hangup_at timestamptz,
    check_at timestamptz,
    FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id),
    FOREIGN KEY (organization_id, carrier_id) REFERENCES carriers (organization_id, id),
    CHECK ((status = 'ended') = (outcome IS NOT NULL)),
    CHECK ((status = 'ended') = (ended_at IS NOT NULL)),
    CHECK ((status IN ('reserved', 'released')) = (dialed_at IS NULL)),
    CHECK (status <> 'uncertain' OR uncertain_at IS NOT NULL)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX calls_one_live_per_contact ON calls (campaign_id, contact_id) WHERE live;
CREATE UNIQUE INDEX calls_one_live_per_phone ON calls (organization_id, phone) INCLUDE (campaign_id, carrier_id) WHERE live;
CREATE UNIQUE INDEX calls_one_per_attempt ON calls (campaign_id, contact_id, generation, attempt) WHERE counted;
CREATE INDEX calls_live_of_dialer ON calls (dialer_id) WHERE live;
CREATE INDEX calls_newest ON calls (organization_id, id DESC);
CREATE INDEX calls_of_campaign ON calls (campaign_id, id DESC);
CREATE INDEX calls_of_contact ON calls (organization_id, contact_id, id DESC);

-- The inbox: every report of a carrier's, once.
CREATE TABLE carrier_events (
    carrier text NOT NULL,
    carrier_call_id text NOT NULL,
    type text NOT NULL,
    sequence integer NOT NULL,
    call_id uuid NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (carrier_call_id, type, sequence, carrier)
);

-- The outbox: what happened, in the transaction in which it happened.
CREATE TABLE events (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    type text NOT NULL,
    data jsonb NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX events_of_campaign ON events (campaign_id, seq);

-- The first answer to a POST with an Idempotency-Key, replayed for 24 hours.
CREATE TABLE idempotency_keys (
    organization_id uuid NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    status integer NOT NULL,
    response bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
