"""What the dialer asks of its carriers, and that a carrier without an answer holds nothing up."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import OperationalError

from agentalk.carriers.carrier import FindAnswer, PlaceAnswer, Placement, Unsure
from agentalk.carriers.simulator.faults import Faults
from agentalk.dialer import Dialer
from agentalk.domain.clock import Clock
from agentalk.domain.ids import CallId
from agentalk.operations import campaigns
from agentalk.store import dialing
from tests.conftest import NOW
from tests.dialer.scene import Scene, scene


class Hanging:
    """A carrier that takes requests and answers nothing until it is let go."""

    kind = "simulator"
    absent_proves_after = timedelta(seconds=15)

    def __init__(self, stage: Scene) -> None:
        self._carrier = stage.carrier
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def place(self, placement: Placement, now: datetime) -> PlaceAnswer:
        return await self._carrier.place(placement, now)

    async def find(self, call_id: CallId, now: datetime) -> FindAnswer:
        self.asked.set()
        await self.go_on.wait()
        return await self._carrier.find(call_id, now)

    async def hangup(self, carrier_call_id: str, now: datetime) -> None:
        await self._carrier.hangup(carrier_call_id, now)

    async def close(self) -> None:
        pass

    def read_callback(self, headers: Any, body: bytes) -> Any:
        raise NotImplementedError


async def test_a_carrier_that_does_not_answer_holds_no_other_call_up(db: Any) -> None:
    async with scene(db, NOW, faults=Faults(callback_missing=1.0)) as stage, asyncio.timeout(20):
        hanging = Hanging(stage)
        dialer = Dialer(stage.database, {"simulator": hanging})
        campaign = await stage.campaign(1)
        await dialer.tick(stage.now)
        await dialer.settle()
        await stage.add(campaign, 1)
        stage.now += timedelta(seconds=61)

        await dialer.tick(stage.now)
        await hanging.asked.wait()
        assert dialer.dispatcher
        await dialer.dispatcher.settle()

        assert len(stage.placements()) == 2, "the next call is placed while the first is asked about"
        hanging.go_on.set()
        await dialer.settle()
        assert await stage.counts(campaign) == {"completed": 1, "calling": 1}


class Thawing(Hanging):
    """Frozen with a request in its buffer. It thaws, and answers a question before it reads that request."""

    def __init__(self, stage: Scene) -> None:
        super().__init__(stage)
        self.unread: list[Placement] = []
        self.frozen = True

    async def place(self, placement: Placement, now: datetime) -> PlaceAnswer:
        if not self.frozen:
            return await super().place(placement, now)
        self.unread.append(placement)
        return Unsure("timeout")

    async def find(self, call_id: CallId, now: datetime) -> FindAnswer:
        if self.frozen:
            return Unsure("timeout")
        answer = await self._carrier.find(call_id, now)
        while self.unread:
            await self._carrier.place(self.unread.pop(), now)
        return answer


async def test_a_carrier_that_was_away_has_proven_nothing_by_its_first_answer(db: Any) -> None:
    async with scene(db, NOW) as stage:
        thawing = Thawing(stage)
        dialer = Dialer(stage.database, {"simulator": thawing})
        campaign = await stage.campaign(1)
        for _ in range(5):
            await stage.tick(dialer)
            stage.now += timedelta(seconds=5)
        thawing.frozen = False
        for _ in range(10):
            await stage.tick(dialer)
            await stage.pass_time(seconds=5)

        assert len(stage.placements()) == 1, "one attempt rang twice"
        assert await stage.counts(campaign) == {"completed": 1}


async def test_a_call_to_be_hung_up_whose_name_is_not_known_yet_is_not_asked_for_again_and_again(db: Any) -> None:
    async with scene(db, NOW, faults=Faults(server_error_placed=1.0)) as stage:
        campaign = await stage.campaign(1)
        moment = await stage.dialer.tick(stage.now)
        await stage.database.run(campaigns.stop, stage.org, campaign, stage.now)

        moment = await stage.dialer.tick(stage.now)

        assert moment is not None
        assert moment > stage.now
        await stage.dialer.settle()


async def test_a_call_of_a_carrier_that_this_process_does_not_have_is_left_to_others(db: Any) -> None:
    async with scene(db, NOW, faults=Faults(callback_missing=1.0)) as stage:
        campaign = await stage.campaign(1)
        await stage.tick()
        stranger = Dialer(stage.database, {})
        await stage.pass_time(seconds=70)

        moment = await stranger.tick(stage.now)

        assert moment is None
        await stage.tick(stage.new_dialer())
        assert await stage.counts(campaign) == {"completed": 1}


async def test_a_refusal_is_recorded_though_the_pace_could_not_be(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(dialing, "slow_carrier", away)
    async with scene(db, NOW, faults=Faults(too_many_requests=1.0)) as stage:
        campaign = await stage.campaign(1)
        await stage.tick()
        assert [outcome for *_, outcome in await stage.calls(campaign)] == ["not_placed"]


async def test_a_dialer_that_stops_leaves_its_calls_at_once_though_its_carrier_hangs(db: Any) -> None:
    async with scene(db, NOW, faults=Faults(callback_missing=1.0)) as stage, asyncio.timeout(20):
        hanging = Hanging(stage)
        dialer, stop = Dialer(stage.database, {"simulator": hanging}), asyncio.Event()
        await stage.campaign(1)
        await dialer.tick(stage.now)
        await dialer.settle()
        await stage.sql("UPDATE calls SET check_at = %s", stage.now)
        running = asyncio.create_task(dialer.run(Clock(stage.now), stop))
        await hanging.asked.wait()
        stop.set()
        await running
        assert await stage.one("SELECT fenced_at IS NOT NULL FROM dialers")
        await stage.pass_time(seconds=9)
        await stage.tick(stage.new_dialer())
        assert await stage.one("SELECT dialer_id FROM calls") != dialer.id
