"""What changes between the claim and the dialing commit: who may not be called then is not, and it is said why."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, LiteralString
from uuid import uuid4

import pytest

from agentalk.dialer.claim import claim
from agentalk.domain.policy.decision import ListKind
from agentalk.domain.policy.model import CallingPolicy, CapScope, FrequencyCap, Purpose
from agentalk.operations import contacts, do_not_call, opt_outs
from agentalk.operations.contacts import ContactPatch
from agentalk.operations.do_not_call import NewNumberList
from agentalk.operations.opt_outs import NewOptOut
from agentalk.store.database import Tx
from tests.conftest import NOW
from tests.dialer.scene import Scene, scene

PHONE = "+12125550100"
MARKETING = CallingPolicy(purpose=Purpose.MARKETING)
CONSENT = {"type": "written", "capturedAt": "2026-01-01T00:00:00Z", "evidence": "form 7"}
# 19:59:59.9 in New York, and almost midnight in Greenwich: the end of a window, or of a registry's month.
LATE = NOW.replace(hour=23, minute=59, second=59, microsecond=900_000)

Change = Callable[[Scene], LiteralString | Callable[[Tx], Awaitable[Any]]]


def opting_out(stage: Scene) -> Callable[[Tx], Awaitable[Any]]:
    return lambda tx: opt_outs.create(tx, stage.org, NewOptOut(phone=PHONE), stage.now)


def listing(stage: Scene) -> Callable[[Tx], Awaitable[Any]]:
    async def add(tx: Tx) -> None:
        made = await do_not_call.create(
            tx, stage.org, NewNumberList(kind=ListKind.ORGANIZATION, name="ours"), stage.now
        )
        await do_not_call.add(tx, stage.org, made.id, [PHONE], stage.now)

    return add


def withdrawing(stage: Scene) -> Callable[[Tx], Awaitable[Any]]:
    async def change(tx: Tx) -> None:
        cursor = await tx.execute("SELECT id FROM contacts")
        row = await cursor.fetchone()
        assert row is not None
        await contacts.change(tx, stage.org, row[0], ContactPatch(consent=None), None, stage.now)

    return change


def capping(stage: Scene) -> LiteralString:
    return """UPDATE organizations SET policy = '{"frequency": [{"scope": "phone", "max": 0, "hours": 24}]}'"""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (opting_out, "opted_out"),
        (listing, "do_not_call"),
        (withdrawing, "no_consent"),
        (capping, "frequency_cap"),
        (lambda _: "UPDATE contacts SET phone_invalid_at = updated_at", "invalid_number"),
    ],
)
async def test_who_may_no_longer_be_called_is_skipped(db: Any, change: Change, reason: str) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE], policy=MARKETING)
        await stage.sql("UPDATE contacts SET consent = %s", stage.json(CONSENT))
        await stage.dialer_dispatch_after(change(stage))()
        assert stage.placements() == []
        assert await stage.counts(campaign) == {"skipped": 1}
        assert await stage.sql("SELECT skip_reason, attempts FROM campaign_contacts") == [(reason, 0)]
        assert [status for _, status, _, _ in await stage.calls(campaign)] == ["released"]
        told = await stage.sql("SELECT data ->> 'skipReason' FROM events WHERE data ? 'skipReason'")
        assert told == [(reason,)]


async def test_a_change_that_says_nothing_lets_the_call_pass(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE])
        await stage.dialer_dispatch_after("UPDATE organizations SET name = 'Acme'")()
        assert len(stage.placements()) == 1
        assert await stage.counts(campaign) == {"calling": 1}


@pytest.mark.parametrize(("waits_at", "rings"), [("events", 1), ("dialers", 0)])
async def test_an_opt_out_comes_before_the_dialing_commit_or_after_it(db: Any, waits_at: str, rings: int) -> None:
    """The dialer has written the call as dialled (and waits for `events`), or only looked (and waits for `dialers`)."""
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE])
        dialer = await stage.registered()
        async with stage.database.transaction() as tx:
            turn = await claim(tx, stage.org, dialer=dialer, kinds={"simulator"}, slots=9, now=NOW)
        assert stage.dialer.dispatcher is not None

        async def opt_out() -> None:
            async with stage.database.transaction() as tx:
                await opting_out(stage)(tx)

        async with stage.database.transaction() as tx:
            await tx.execute(f"LOCK TABLE {waits_at}".encode())
            dispatch = asyncio.create_task(stage.dialer.dispatcher.dispatch(stage.org, turn, NOW))
            await stage.waiting_for_locks(1)
            change = asyncio.create_task(opt_out())
            await (stage.waiting_for_locks(2) if rings else change)
        await asyncio.gather(dispatch, change)
        await stage.dialer.settle()
        assert len(stage.placements()) == rings
        assert await stage.counts(campaign) == {"calling" if rings else "skipped": 1}
        assert [status == "released" for _, status, _, _ in await stage.calls(campaign)] == [not rings]
        assert await stage.one("SELECT count(*) FROM opt_outs") == 1


async def test_a_window_that_closes_in_mid_batch(db: Any) -> None:
    async with scene(db, LATE.replace(day=5, hour=0)) as stage:
        campaign = await stage.campaign(3)
        await stage.dialer_dispatch_after("SELECT", later=timedelta(milliseconds=200))()
        assert stage.placements() == []
        assert await stage.sql("SELECT DISTINCT status, wait_reason FROM campaign_contacts") == [
            ("pending", "outside_window")
        ]
        stage.now = NOW.replace(day=5, hour=14)
        await stage.tick()
        assert await stage.counts(campaign) == {"calling": 3}
        assert await stage.one("SELECT count(*) FROM campaign_contacts WHERE wait_reason IS NOT NULL") == 0


async def test_a_registry_that_grows_old_in_mid_batch(db: Any) -> None:
    async with scene(db, LATE) as stage:
        campaign = await stage.campaign(2)
        await stage.a_list("registry", jurisdiction="US", as_of=(LATE - timedelta(days=31)).date())
        await stage.dialer_dispatch_after("SELECT", later=timedelta(milliseconds=200))()
        assert stage.placements() == []
        assert await stage.counts(campaign) == {"pending": 2}
        waiting = await stage.sql("SELECT DISTINCT wait_reason, due_at FROM campaign_contacts")
        assert waiting == [("registry_stale", stage.now + timedelta(hours=1))]


async def test_a_call_does_not_count_against_itself(db: Any) -> None:
    policy = CallingPolicy(frequency=(FrequencyCap(CapScope.PHONE, 1, 24), FrequencyCap(CapScope.CONTACT, 1, 24)))
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE], policy=policy)
        await stage.tick()
        assert await stage.counts(campaign) == {"calling": 1}


async def test_the_decision_kept_is_that_of_the_commit(db: Any) -> None:
    async with scene(db, NOW) as stage:
        await stage.campaign([PHONE])
        change = """UPDATE organizations SET policy = '{"frequency": [{"scope": "phone", "max": 2, "hours": 5}]}'"""
        await stage.dialer_dispatch_after(change)()
        ((decision, body),) = await stage.sql(
            """SELECT d.basis, p.body FROM calls c JOIN decisions d ON d.id = c.decision_id
               JOIN policy_versions p ON p.id = d.policy_version"""
        )
        assert [(cap["max"], cap["hours"]) for cap in decision["caps"]] == [(2, 5)]
        assert [cap["max"] for cap in body["policy"]["frequency"]] == [2]


async def test_who_is_to_be_called_anew_is_judged_anew(db: Any) -> None:
    """A reset that came while the call was reserved holds: the contact begins again, and is skipped as it stands."""
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE])

        async def change(tx: Tx) -> None:
            await tx.execute("UPDATE campaign_contacts SET reset_pending = true")
            await tx.execute("INSERT INTO opt_outs VALUES (%s, %s, %s, %s)", (stage.org, PHONE, uuid4(), NOW))

        await stage.dialer_dispatch_after(change)()
        assert await stage.counts(campaign) == {"skipped": 1}
        assert await stage.one("SELECT (generation, skip_reason)::text FROM campaign_contacts") == "(1,opted_out)"
