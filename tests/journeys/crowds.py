"""Contacts and campaigns by the thousand, written by the database itself."""

from tests.journeys.drill import Drill

_CAMPAIGNS = """INSERT INTO campaigns (id, organization_id, name, agent_id, max_concurrency, calls_per_second, priority,
        window_hours, retry, voicemail, created_at, updated_at)
    SELECT gen_random_uuid(), organization_id, 'many', agent_id, 10, 10, 0, window_hours, retry, voicemail,
        created_at, updated_at
    FROM campaigns, generate_series(1, %(count)s) WHERE id = %(campaign)s"""
_CONTACTS = """INSERT INTO contacts (organization_id, id, phone, zones, created_at, updated_at)
    SELECT k.organization_id, 'm' || n, '+1646' || (2000000 + n), k.zones, k.created_at, k.updated_at
    FROM contacts k, generate_series(1, %(count)s) AS n WHERE k.id = 'c0'"""
_JOINED = """INSERT INTO campaign_contacts (campaign_id, contact_id, organization_id, zones, due_at, added_at)
    SELECT c.id, k.id, k.organization_id, k.zones, k.created_at, k.created_at
    FROM (SELECT id, row_number() OVER () AS n FROM contacts WHERE id LIKE 'm%%') p
    JOIN contacts k USING (id)
    JOIN (SELECT id, row_number() OVER () AS n, count(*) OVER () AS total FROM campaigns WHERE {which}) c
        ON c.n = 1 + p.n %% c.total"""


def gather(stage: Drill, count: int) -> None:
    """So many contacts more for the stage's campaign, which has `c0` in it."""
    stage.run(_CONTACTS, count=count)
    stage.run(_JOINED.format(which="id = %(campaign)s"), campaign=stage.campaign)
    stage.run("ANALYZE")


def scatter(stage: Drill, campaigns: int, contacts: int) -> None:
    """So many campaigns named `many`, drafts like the stage's own, with so many contacts among them."""
    stage.run(_CAMPAIGNS, count=campaigns, campaign=stage.campaign)
    stage.run(_CONTACTS, count=contacts)
    stage.run(_JOINED.format(which="name = 'many'"))
