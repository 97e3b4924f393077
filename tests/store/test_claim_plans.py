"""What a claim and a second check read does not grow with what is stored: contacts, calls, opt-outs, lists."""

from typing import Any, LiteralString

import msgspec
import pytest
from psycopg import sql

from agentalk.store import claims, facts
from agentalk.store.database import Tx
from tests.builders import a_campaign, a_campaign_contact, a_contact, an_agent, an_organization, unknown_id
from tests.conftest import NOW, LazyDatabase
from tests.store.test_plans import SCANS_ALL, Plan, explain

FEW, MANY = 1_000, 6_000
ASKED = 20

# As many of everything as `many` says, all of it the organization's own; every phone was called twice.
_FILL: tuple[LiteralString, ...] = (
    """INSERT INTO contacts (organization_id, id, phone, zones, created_at, updated_at)
       SELECT %(org)s, 'many-' || n, '+1212' || (2000000 + n), 'x', %(now)s, %(now)s
       FROM generate_series(1, %(many)s) n""",
    """INSERT INTO campaign_contacts
           (campaign_id, contact_id, organization_id, status, attempts, zones, due_at, added_at)
       SELECT %(campaign)s, 'many-' || n, %(org)s, CASE WHEN n > %(many)s - 100 THEN 'calling' ELSE 'pending' END, 4,
           'x', %(now)s, %(now)s
       FROM generate_series(1, %(many)s) n""",
    """INSERT INTO opt_outs (organization_id, phone, created_at)
       SELECT %(org)s, '+1212' || (2000000 + 2 * n), %(now)s FROM generate_series(1, %(many)s) n""",
    """INSERT INTO do_not_call_lists (id, organization_id, kind, name, created_at, updated_at)
       VALUES (%(list)s, %(org)s, 'organization', 'ours', %(now)s, %(now)s)""",
    """INSERT INTO do_not_call_numbers
       SELECT %(org)s, '+1212' || (2000000 + 3 * n), %(list)s, %(now)s FROM generate_series(1, %(many)s) n""",
    "INSERT INTO dialers (id, started_at, heartbeat_at) VALUES (%(dialer)s, %(now)s, %(now)s)",
    """INSERT INTO calls (id, organization_id, campaign_id, contact_id, carrier_id, carrier, dialer_id,
           generation, attempt, status, outcome, phone, reserved_at, dialed_at, ended_at)
       SELECT gen_random_uuid(), %(org)s, %(campaign)s, 'many-' || n,
           (SELECT id FROM carriers WHERE organization_id = %(org)s), 'simulator', %(dialer)s, 0, attempt, 'ended',
           'busy', '+1212' || (2000000 + n), %(now)s, %(now)s, %(now)s
       FROM generate_series(1, %(many)s) n, generate_series(1, 2) attempt""",
    """INSERT INTO calls (id, organization_id, campaign_id, contact_id, carrier_id, carrier, dialer_id,
           generation, attempt, status, phone, reserved_at)
       SELECT gen_random_uuid(), %(org)s, %(campaign)s, 'many-' || n,
           (SELECT id FROM carriers WHERE organization_id = %(org)s), 'simulator', %(dialer)s, 0, 4, 'reserved',
           '+1212' || (2000000 + n), %(now)s
       FROM generate_series(%(many)s - 99, %(many)s) n""",
)


async def an_audience(tx: Tx, many: int) -> dict[str, Any]:
    """A campaign with `many` contacts who are due, and its organization."""
    values = await a_lonely_campaign(tx, many)
    for statement in _FILL:
        await tx.execute(statement, values)
    await tx.execute("ANALYZE")
    return values


async def a_lonely_campaign(tx: Tx, many: int) -> dict[str, Any]:
    """Its organization, and what `_FILL` needs to add so many contacts."""
    org = await an_organization(tx)
    return {
        "org": org,
        "campaign": await a_campaign(tx, org, (await an_agent(tx, org)).id, status="active"),
        "dialer": unknown_id(),
        "list": unknown_id(),
        "now": NOW,
        "many": many,
    }


def statements(v: dict[str, Any], calls: list[Any]) -> dict[str, tuple[LiteralString, dict[str, Any]]]:
    """The statements of a claim and of a second check, for so many contacts as `ASKED` says."""
    people = [{"campaign_id": v["campaign"], "contact_id": f"many-{n}", "zones": "x"} for n in range(1, ASKED + 1)]
    share = {"campaign_id": v["campaign"], "zones": [{"zones": "x"}], "most": ASKED}
    reserved = [
        {**person, "id": unknown_id(), "carrier_id": v["carrier"], "carrier": "simulator", "phone": f"+1646555{n:04d}"}
        for n, person in enumerate(people)
    ]
    dialed = [{"id": id} for id in calls]
    return {
        "pick": (claims.SQL["pick"], {"org": v["org"], "shares": _json([share]), "now": NOW}),
        "gather": (facts.SQL["gather"], {"org": v["org"], "asked": _json(people), "since": NOW}),
        "lists": (facts.SQL["do_not_call"], {"org": v["org"]}),
        "reserve": (claims.SQL["reserve"], {
            "org": v["org"], "calls": _json(reserved), "dialer": v["dialer"], "now": NOW, "release_at": NOW,
        }),
        "set aside": (claims.SQL["set_aside"], {"contacts": _json([{**who, "skip_reason": "x"} for who in people])}),
        "unknown": (claims.SQL["skip_no_timezone"], {"unknown": _json([share | {"zones": "x"}]), "most": ASKED}),
        "dial": (claims.SQL["commit_dialing"], {
            "calls": _json(dialed), "dialer": v["dialer"], "now": NOW, "check_at": NOW, "fresh_since": NOW,
        }),
    }  # fmt: skip


async def test_a_claim_costs_by_those_it_looks_at(db: LazyDatabase) -> None:
    pages: dict[str, list[int]] = {}
    for many in (FEW, MANY):
        async with db() as database, database.for_engine() as engine, engine.transaction() as tx:
            v = await an_audience(tx, many)
            cursor = await tx.execute(
                "SELECT carrier_id, array_agg(id) FROM calls WHERE organization_id = %s AND live GROUP BY 1",
                (v["org"],),
            )
            row = await cursor.fetchone()
            assert row is not None
            v["carrier"], calls = row[0], row[1][:ASKED]
            for name, (statement, values) in statements(v, calls).items():
                plan = await explain(tx, statement, **values)
                assert not _scanned(plan), f"{name} reads all of {_scanned(plan)}"
                pages.setdefault(name, []).append(plan.pages)
    for name, (few, lots) in pages.items():
        # Each of a table's indexes may have grown by a level, for each of those looked at: calls have ten.
        assert lots <= 1.4 * few + 10 * ASKED, f"{name} looks at {few} pages among few, and at {lots} among many"


@pytest.mark.parametrize("few", [0, 24])
async def test_contacts_are_picked_alike_by_a_plan_from_when_there_were_few(db: LazyDatabase, few: int) -> None:
    async with db() as database, database.for_engine() as engine, engine.transaction() as tx:
        v = await a_lonely_campaign(tx, FEW)
        await tx.execute("ANALYZE")
        for _ in range(few):
            await a_campaign_contact(tx, v["org"], await a_campaign(tx, v["org"]), await a_contact(tx, v["org"]))
        await tx.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        named = {"shares": "$1", "now": "$2", "org": "$3"}
        await tx.execute(("PREPARE early(jsonb, timestamptz, uuid) AS " + claims.SQL["pick"] % named).encode())
        share = _json([{"campaign_id": v["campaign"], "zones": [{"zones": "x"}], "most": ASKED}])
        call = sql.SQL("EXECUTE early({}, {}, {})").format(share, NOW, v["org"]).as_string(tx)
        await tx.execute(call.encode())
        for statement in _FILL:
            await tx.execute(statement, v)
        plan = await explain(tx, call)
        assert plan.pages <= 30 * ASKED


async def test_facts_cost_the_same_on_any_connection(db: LazyDatabase) -> None:
    async with db() as database, database.transaction() as tx:
        v = await an_audience(tx, MANY)
        asked = _json([{"campaign_id": v["campaign"], "contact_id": f"many-{n}"} for n in range(1, ASKED + 1)])
        plan = await explain(tx, facts.SQL["gather"], org=v["org"], asked=asked, since=NOW)
        assert not _scanned(plan)
        assert plan.pages <= 30 * ASKED


def _scanned(plan: Plan) -> set[str]:
    """The tables that were read from end to end, but for those that are small by nature."""
    small = {"carriers", "dialers", "do_not_call_lists"}
    return {table for table, kinds in plan.scans.items() if kinds & SCANS_ALL} - small


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
