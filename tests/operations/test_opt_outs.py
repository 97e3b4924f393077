"""An opt-out is effective at its commit, in the whole organization, whatever it races against."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from agentalk.dialer.claim import Turn, claim
from agentalk.dialer.second_check import commit
from agentalk.domain.call import Outcome
from agentalk.domain.ids import CallId, OrgId
from agentalk.domain.opt_out import OptOutSource
from agentalk.operations import opt_outs
from agentalk.operations.opt_outs import opt_out
from agentalk.store.database import Tx
from tests.conftest import NOW
from tests.dialer.scene import Scene, only, scene
from tests.operations.watching import until_waiting

PHONE, OTHER = "+12125550100", "+12125550101"


async def leave_alone(stage: Scene, *phones: str) -> None:
    await stage.database.run(opt_out, stage.org, dict.fromkeys(phones), OptOutSource.API, stage.now)


async def events(stage: Scene, name: str) -> list[Any]:
    return await stage.sql("SELECT campaign_id, data ->> 'skipReason' FROM events WHERE type = %s ORDER BY seq", name)


async def test_open_contacts_of_every_campaign_are_skipped_at_the_commit(db: Any) -> None:
    async with scene(db, NOW) as stage:
        first = await stage.campaign([PHONE, OTHER])
        paused = await stage.campaign([PHONE], status="paused")
        draft = await stage.campaign([PHONE], status="draft")

        await leave_alone(stage, PHONE)

        assert await stage.counts(first) == {"skipped": 1, "pending": 1}
        assert await stage.counts(paused) == await stage.counts(draft) == {"skipped": 1}
        told = await events(stage, "contact.opted_out")
        assert {id for id, _ in told} == {first, paused, draft}
        assert {reason for _, reason in told} == {"opted_out"}


async def test_another_organization_goes_on(db: Any) -> None:
    async with scene(db, NOW) as stage:
        mine = await stage.campaign([PHONE])
        home, stage.org = stage.org, OrgId(uuid4())
        await stage.set_up(10, 10, 10)
        theirs = await stage.campaign([PHONE])
        stage.org = home
        await leave_alone(stage, PHONE)
        assert await stage.counts(mine) == {"skipped": 1}
        assert await stage.counts(theirs) == {"pending": 1}


async def test_a_reserved_call_is_given_back_and_its_contact_skipped(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE])
        await _claimed(stage)
        await leave_alone(stage, PHONE)
        assert await stage.calls(campaign) == [(await _contact(stage), "released", 1, None)]
        assert await stage.counts(campaign) == {"skipped": 1}


async def test_a_live_call_goes_on_and_is_not_repeated(db: Any) -> None:
    async with scene(db, NOW, mix=only(Outcome.NO_ANSWER)) as stage:
        campaign = await stage.campaign([PHONE])
        await stage.tick()
        await leave_alone(stage, PHONE)
        assert await stage.counts(campaign) == {"calling": 1}
        await stage.pass_time(hours=3)
        await stage.tick()
        assert await stage.counts(campaign) == {"skipped": 1}
        assert len(stage.placements()) == 1


async def test_what_is_said_on_a_call_is_told_of_everybody_it_concerns(db: Any) -> None:
    async with scene(db, NOW, mix=only(Outcome.OPTED_OUT)) as stage:
        first = await stage.campaign([PHONE])
        await stage.tick()
        second = await stage.campaign([PHONE], status="paused")
        await stage.pass_time(minutes=1)
        assert await stage.counts(first) == await stage.counts(second) == {"skipped": 1}
        assert {id for id, _ in await events(stage, "contact.opted_out")} == {first, second}
        assert not await events(stage, "contact.skipped")
        (kept,) = await stage.sql("SELECT phone, source, call_id FROM opt_outs")
        assert kept == (PHONE, "call", await stage.one("SELECT id FROM calls"))


async def test_an_opt_out_and_a_dialing_commit_wait_for_each_other(db: Any) -> None:
    """The call is dialled before the opt-out's commit, or not at all: here the dialing came first."""
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE])
        turn = await _claimed(stage)
        async with stage.database.transaction() as dialling:
            assert len(await _dial(dialling, stage, turn)) == 1
            other = asyncio.create_task(leave_alone(stage, PHONE))
            await until_waiting(stage.database)
            assert not other.done()
        await other
        assert [status for _, status, _, _ in await stage.calls(campaign)] == ["dialing"]
        assert await stage.counts(campaign) == {"calling": 1}


async def test_a_dialing_commit_that_comes_second_dials_nothing(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE])
        turn = await _claimed(stage)
        async with stage.database.transaction() as leaving:
            await opt_out(leaving, stage.org, {PHONE: None}, OptOutSource.API, NOW)
            other = asyncio.create_task(stage.database.run(_dial, stage, turn))
            await until_waiting(stage.database)
        assert await other == set()
        assert await stage.counts(campaign) == {"skipped": 1}


async def test_a_claim_under_way_is_waited_for(db: Any) -> None:
    """Its reservations are seen and given back: a dialing commit has no old picture of the world to go by."""
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE])
        await stage.registered()
        async with stage.database.transaction() as claiming:
            await _claim(stage, claiming)
            other = asyncio.create_task(leave_alone(stage, PHONE))
            await until_waiting(stage.database)
            assert not other.done()
        await other
        assert [status for _, status, _, _ in await stage.calls(campaign)] == ["released"]
        assert await stage.counts(campaign) == {"skipped": 1}


async def test_nobody_claims_while_an_opt_out_is_under_way(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE, OTHER])
        async with stage.database.transaction() as leaving:
            await opt_out(leaving, stage.org, {PHONE: None}, OptOutSource.API, NOW)
            await stage.tick()
            assert stage.placements() == []
        await stage.tick()
        assert await stage.counts(campaign) == {"skipped": 1, "calling": 1}


async def test_many_opt_outs_and_a_busy_dialer_do_not_meet_head_on(db: Any) -> None:
    phones = [f"+12125551{n:03d}" for n in range(60)]
    async with scene(db, NOW, mix=only(Outcome.OPTED_OUT)) as stage:
        campaigns = [await stage.campaign(phones) for _ in range(3)]
        for part in range(6):
            await asyncio.gather(
                stage.tick(),
                *(leave_alone(stage, *phones[n::7]) for n in range(part, 7, 3)),
            )
            await stage.pass_time(minutes=1)
        await stage.tick()
        for campaign in campaigns:
            assert set(await stage.counts(campaign)) == {"skipped"}
        rung = [line.phone for line in stage.carrier.exchange.ledger.rows()]
        assert len(rung) == len(set(rung))


@pytest.mark.parametrize("source", ["api", "import", "console"])
async def test_the_first_opt_out_stands(db: Any, source: Any) -> None:
    async with scene(db, NOW) as stage:
        draft = opt_outs.NewOptOut(phone=PHONE, source=source)
        _, new = await stage.database.run(opt_outs.create, stage.org, draft, NOW)
        again, anew = await stage.database.run(opt_outs.create, stage.org, opt_outs.NewOptOut(phone=PHONE), NOW)
        assert (new, anew, again.source) == (True, False, source)


async def _contact(stage: Scene) -> str:
    return str(await stage.one("SELECT contact_id FROM campaign_contacts"))


async def _claim(stage: Scene, tx: Tx) -> Turn:
    assert stage.dialer.id is not None
    turn = await claim(tx, stage.org, dialer=stage.dialer.id, kinds={"simulator"}, slots=100, now=stage.now)
    assert turn.reservations
    return turn


async def _claimed(stage: Scene) -> Turn:
    """What the dialer has reserved of what is due."""
    await stage.registered()
    async with stage.database.transaction() as tx:
        return await _claim(stage, tx)


async def _dial(tx: Tx, stage: Scene, turn: Turn) -> set[CallId]:
    """The second check, and the dialing commit."""
    assert stage.dialer.id is not None
    lease = timedelta(seconds=10)
    return await commit(tx, stage.org, turn.reservations, dialer=stage.dialer.id, lease=lease, now=stage.now)
