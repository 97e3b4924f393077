"""A round takes its time: what is decided in it goes by the moment of the decision, not by the round's beginning."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from agentalk.carriers.carrier import PlaceAnswer, Placement, Refused
from agentalk.dialer.claim import claim
from agentalk.domain.clock import Clock
from agentalk.domain.ids import OrgId
from tests.conftest import NOW
from tests.dialer.scene import Scene, scene


class Hand(Clock):
    """A clock that a hand moves."""

    def __init__(self, moment: datetime) -> None:
        super().__init__(moment)
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


async def run_until_done(stage: Scene, clock: Clock, done: asyncio.Event) -> None:
    async with asyncio.timeout(20):
        await stage.dialer.run(clock, done)


def after_a_claim(monkeypatch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    async def claiming(*args: Any, **options: Any) -> Any:
        turn = await claim(*args, **options)
        then()
        return turn

    monkeypatch.setattr("agentalk.dialer.dialer.claim", claiming)


async def test_a_window_that_closes_between_the_claim_and_the_second_check(
    db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, stop = Hand(NOW.replace(day=5, hour=0, minute=59, second=59)), asyncio.Event()  # 19:59:59 in New York
    async with scene(db, clock.moment) as stage:
        campaign = await stage.campaign(3)

        def close() -> None:
            clock.moment += timedelta(seconds=1)
            stop.set()

        after_a_claim(monkeypatch, close)
        await run_until_done(stage, clock, stop)

        assert stage.placements() == []
        assert await stage.counts(campaign) == {"pending": 3}


async def test_an_organization_whose_turn_comes_late_in_a_round_is_called_by_its_own_moment(
    db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, stop = Hand(NOW), asyncio.Event()
    async with scene(db, NOW) as stage:
        claims = itertools.count(1)
        for _ in range(5):  # one more than have their turns side by side; begun at one moment, all in one round
            stage.org = OrgId(uuid4())
            await stage.set_up(10, 10, 100)
            campaign = await stage.campaign(1, status="draft")
            await stage.sql("UPDATE campaigns SET start_at = %s WHERE id = %s", NOW, campaign)

        def pass_by() -> None:
            clock.moment += timedelta(seconds=1)
            if next(claims) == 5:
                stop.set()

        after_a_claim(monkeypatch, pass_by)
        await run_until_done(stage, clock, stop)

        reserved = [at for (at,) in await stage.sql("SELECT reserved_at FROM calls ORDER BY 1")]
        assert reserved[:4] == [NOW] * 4
        assert reserved[4] > NOW


class Late:
    """A carrier that is too busy to take a call, and needs ten seconds to say so."""

    kind = "simulator"
    absent_proves_after = timedelta()

    def __init__(self, clock: Hand, stop: asyncio.Event) -> None:
        self._clock, self._stop = clock, stop

    async def place(self, placement: Placement, now: datetime) -> PlaceAnswer:
        self._clock.moment += timedelta(seconds=10)
        self._stop.set()
        return Refused("too_many_requests", slow_down=True)


async def test_a_refusal_that_came_late_slows_the_pace_from_then_on(db: Any) -> None:
    clock, stop = Hand(NOW), asyncio.Event()
    async with scene(db, NOW) as stage:
        await stage.campaign(1)
        stage.carrier = Late(clock, stop)  # type: ignore[assignment]
        stage.dialer = stage.new_dialer()
        await run_until_done(stage, clock, stop)

        assert await stage.one("SELECT slow_until FROM carriers") == NOW + timedelta(seconds=12)
        assert await stage.one("SELECT due_at FROM campaign_contacts") >= NOW + timedelta(seconds=15)
        assert await stage.one("SELECT ended_at FROM calls") == NOW + timedelta(seconds=10)


async def test_a_scheduled_start_makes_no_other_organization_wait(db: Any) -> None:
    async with scene(db, NOW) as stage:
        await stage.campaign(2, rate=0.5)
        token = await stage.tick()
        assert token is not None
        first, stage.org = stage.org, OrgId(uuid4())
        await stage.set_up(10, 10, 100)
        campaign = await stage.campaign(1, status="draft")
        at = NOW + timedelta(seconds=1)
        await stage.sql("UPDATE campaigns SET start_at = %s WHERE id = %s", at, campaign)
        stage.now = at

        assert await stage.dialer.tick(at, []) == token, f"{first} is due when it was due before"
        await stage.dialer.settle()
        assert await stage.one("SELECT dialed_at FROM calls WHERE campaign_id = %s", campaign) == at
