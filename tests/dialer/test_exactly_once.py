"""Nobody is rung twice for one attempt: not after doubt, a crash, a fence, or two dialers at once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from agentalk.carriers.simulator.faults import Faults
from agentalk.dialer import Fenced
from agentalk.dialer.claim import claim
from agentalk.store import dialers
from agentalk.store.database import Unavailable
from tests.conftest import NOW
from tests.dialer.scene import Scene, scene


async def run_down(stage: Scene, rounds: int = 60, seconds: float = 20) -> None:
    """Let the world go on until everything should be over."""
    for _ in range(rounds):
        await stage.pass_time(seconds=seconds)
        await stage.tick()


def nobody_twice(stage: Scene) -> None:
    placed = stage.placements()
    assert len(placed) == len(set(placed)), "a call was placed twice"


@pytest.mark.parametrize(
    "faults",
    [
        Faults(accept_then_timeout=1.0),
        Faults(server_error=1.0),
        Faults(server_error_placed=1.0),
        Faults(reset=1.0),
        Faults(reset_placed=1.0),
        Faults(callback_missing=1.0),
        Faults(accept_then_timeout=0.2, server_error=0.2, reset_placed=0.2, too_many_requests=0.2),
        Faults(callback_repeated=0.4, callback_reordered=0.3, callback_late=0.3),
    ],
)
async def test_a_carrier_that_fails_in_doubt(db: Any, faults: Faults) -> None:
    async with scene(db, NOW, faults=faults) as stage:
        campaign = await stage.campaign(12)
        await stage.tick()
        await run_down(stage, rounds=20)
        stage.carrier.exchange.faults = Faults()
        await run_down(stage, rounds=40, seconds=120)
        nobody_twice(stage)
        counts = await stage.counts(campaign)
        assert counts.get("calling", 0) == 0, "no capacity may leak"
        assert counts == {"completed": 12}


async def test_what_was_proven_absent_is_refunded(db: Any) -> None:
    async with scene(db, NOW, faults=Faults(server_error=1.0)) as stage:
        campaign = await stage.campaign(1)
        await stage.tick()
        assert [(status, outcome) for _, status, _, outcome in await stage.calls(campaign)] == [("uncertain", None)]
        await run_down(stage, rounds=4)
        first = (await stage.calls(campaign))[0]
        assert first[1:] == ("ended", 1, "not_placed")
        stage.carrier.exchange.faults = Faults()
        await run_down(stage, rounds=10)
        last = (await stage.calls(campaign))[-1]
        assert last[1:] == ("ended", 1, "answered"), "the attempt that did not happen does not count"
        assert stage.placements() == [await stage.one("SELECT id FROM calls WHERE outcome = 'answered'")]


async def test_absent_proves_nothing_while_the_request_may_be_on_its_way(db: Any) -> None:
    async with scene(db, NOW, faults=Faults(server_error=1.0)) as stage:
        campaign = await stage.campaign(1)
        await stage.tick()
        for _ in range(4):
            await stage.pass_time(seconds=3)
            await stage.tick()
            assert [status for _, status, _, _ in await stage.calls(campaign)] == ["uncertain"]


async def test_a_dead_dialers_calls_are_taken_over(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(3)
        dead = stage.new_dialer()
        await dead.tick(stage.now)
        await dead.settle()
        assert (await stage.counts(campaign)) == {"calling": 3}
        stage.now += timedelta(seconds=9)
        await stage.tick()
        assert await stage.one("SELECT count(*) FROM dialers WHERE fenced_at IS NOT NULL") == 0
        stage.now += timedelta(seconds=20)
        stage.carrier.advance(stage.now)  # the events reach nobody
        await stage.tick()
        assert await stage.counts(campaign) == {"completed": 3}
        nobody_twice(stage)
        with pytest.raises(Fenced):
            await dead.tick(stage.now)


async def test_reservations_of_a_dead_dialer_are_given_back(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(2)
        dead = await stage.registered()
        async with stage.database.transaction() as tx:
            turn = await claim(tx, stage.org, dialer=dead, kinds={"simulator"}, slots=10, now=stage.now)
        assert len(turn.reservations) == 2
        other = stage.new_dialer()
        stage.now += timedelta(seconds=11)
        await stage.tick(other)
        assert await stage.counts(campaign) == {"calling": 2}
        nobody_twice(stage)
        assert sorted(status for _, status, _, _ in await stage.calls(campaign)) == [
            "dialing", "dialing", "released", "released",
        ]  # fmt: skip


async def test_a_dialer_that_slept_past_its_lease_dials_nothing(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(2)
        sleeper = await stage.registered()
        async with stage.database.transaction() as tx:
            turn = await claim(tx, stage.org, dialer=sleeper, kinds={"simulator"}, slots=10, now=stage.now)
        stage.now += timedelta(seconds=11)
        assert stage.dialer.dispatcher is not None
        await stage.dialer.dispatcher.dispatch(stage.org, turn, stage.now)
        await stage.dialer.settle()
        assert stage.placements() == []
        assert await stage.counts(campaign) == {"pending": 2}


async def test_a_forgotten_reservation_of_a_living_dialer_is_given_back(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(2)
        mine = await stage.registered()
        async with stage.database.transaction() as tx:
            await claim(tx, stage.org, dialer=mine, kinds={"simulator"}, slots=10, now=stage.now)
        for _ in range(4):
            await stage.pass_time(seconds=5)
            await stage.tick()
        await run_down(stage, rounds=5)
        assert await stage.counts(campaign) == {"completed": 2}
        nobody_twice(stage)


async def test_many_dialers_on_one_campaign_share_it_and_never_exceed_its_limit(db: Any) -> None:
    async with scene(db, NOW, max_concurrency=5) as stage:
        campaign = await stage.campaign(60)
        dialers = [stage.new_dialer() for _ in range(8)]
        for _ in range(40):
            await asyncio.gather(*(dialer.tick(stage.now) for dialer in dialers))
            await asyncio.gather(*(dialer.settle() for dialer in dialers))
            assert await stage.one("SELECT count(*) FROM calls WHERE live") <= 5
            stage.now += timedelta(seconds=4)
            for event in stage.carrier.advance(stage.now):
                dialers[0].hear("simulator", event)
            await dialers[0].settle()
        await run_down(stage, rounds=30)
        assert await stage.counts(campaign) == {"completed": 60}
        nobody_twice(stage)
        assert len(stage.placements()) == 60


async def test_a_hangup_is_asked_of_the_carrier_until_the_call_ends(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(1)
        await stage.tick()
        await stage.sql("UPDATE calls SET hangup_at = %s", stage.now)
        await stage.tick()
        await stage.pass_time(seconds=1)
        assert [(status, outcome) for _, status, _, outcome in await stage.calls(campaign)] == [("ended", "canceled")]
        assert await stage.counts(campaign) == {"canceled": 1}


async def test_a_frozen_dialers_transaction_ends_before_its_lease(db: Any) -> None:
    """Its locks go with it; when it thaws, its next statement says that the database is away."""
    async with db() as database, database.for_engine() as engine:
        with pytest.raises(Unavailable):
            async with engine.transaction() as tx:
                allowed = await (await tx.execute("SHOW idle_in_transaction_session_timeout")).fetchone()
                assert allowed == ("5s",)
                await tx.execute("SET idle_in_transaction_session_timeout = 1")
                pid = tx.info.backend_pid
                async with database.reading() as other, asyncio.timeout(20):
                    while await (
                        await other.execute("SELECT pid FROM pg_stat_activity WHERE pid = %s", (pid,))
                    ).fetchone():
                        pass
                await tx.execute("SELECT 1")


async def test_a_dialer_whose_registration_got_no_answer_says_it_again(db: Any) -> None:
    async with scene(db, NOW) as stage:
        id = await stage.registered()
        await stage.database.run(dialers.register, id, stage.now)
        assert await stage.one("SELECT count(*) FROM dialers") == 1
