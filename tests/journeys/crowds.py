"""Contacts and campaigns by the thousand, written by the database itself."""

from time import monotonic

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


# Calls of others that were dialled between a campaign's start and its own first call.
_WAITED_FOR = """SELECT count(*) FROM calls, (
        SELECT c.started_at AS asked, (SELECT min(dialed_at) FROM calls WHERE campaign_id = c.id) AS begun
        FROM campaigns c WHERE c.id = %s) AS mine
    WHERE dialed_at > mine.asked AND dialed_at < mine.begun"""


def beside(stage: Drill, many: int) -> float:
    """A campaign of 10 contacts starts beside one of `many`, which is then stopped; seconds to its first call.

    Before that the large one has dialled no more than it may in a second, however slow the machine.
    """
    stage.people(11, rate=100, at_once=200)
    gather(stage, many)
    small = stage.new_campaign([f"c{n}" for n in range(1, 11)], maxConcurrency=10, callsPerSecond=10)
    for dialer in [stage.dialer(), stage.dialer()]:
        dialer.ready("up")
    stage.order("start")
    stage.until_rang(100)
    began = monotonic()
    stage.order("start", campaign=small)
    stage.until("SELECT count(*) > 0 FROM calls WHERE campaign_id = %s AND dialed_at IS NOT NULL", small)
    first = monotonic() - began
    assert stage.one(_WAITED_FOR, small) <= 100
    stage.until("SELECT status = 'completed' FROM campaigns WHERE id = %s", small)
    stage.order("stop")
    counts = stage.ask("GET", f"/campaigns/{stage.campaign}")["counts"]
    assert (counts["pending"], counts["waiting"]) == (0, 0), "a stop is a stop at once, however many contacts there are"
    assert counts["canceled"] > 0, "it had ended before"
    stage.until("SELECT NOT canceling FROM campaigns WHERE id = %s", stage.campaign, seconds=1200)
    stage.until("SELECT count(*) = 0 FROM calls WHERE live")
    stage.hold()
    return first
