"""A database that was restored from a backup learns what its carrier has placed since, before anybody is called."""

from datetime import timedelta
from typing import Any

import pytest

from agentalk.carriers.carrier import Unsure
from agentalk.dialer.catching_up import CarrierAway
from agentalk.operations.reports import record
from agentalk.store import dialers
from tests.conftest import NOW
from tests.dialer.scene import Scene, scene

# What a backup does not bring back: calls placed since, and how far the contacts had come.
FORGET = (
    "DELETE FROM calls",
    "DELETE FROM carrier_events",
    "UPDATE campaign_contacts SET status = 'pending', attempts = 0, lane = 2, outcomes = '{}', last_outcome = NULL",
)


async def restore(stage: Scene, *statements: str) -> None:
    for statement in statements:
        await stage.sql(statement)
    await stage.database.run(dialers.fence_all, stage.now)


async def test_calls_that_were_forgotten_are_booked_and_nobody_is_rung_again(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(3)
        await stage.tick()
        await stage.pass_time(seconds=60)
        placed = stage.placements()
        assert len(placed) == 3
        await restore(stage, *FORGET)
        await stage.tick(stage.new_dialer())

        assert stage.placements() == placed
        assert await stage.counts(campaign) == {"completed": 3}
        assert [call[1:] for call in await stage.calls(campaign)] == [("ended", 1, "answered")] * 3


async def test_what_was_reported_of_a_forgotten_call_is_heard_again_once_it_is_booked(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(1)
        await stage.tick()
        told = stage.carrier.advance(stage.now + timedelta(seconds=60))
        assert len(told) == 3
        stage.now += timedelta(seconds=60)
        await restore(stage, *FORGET)
        # A carrier that begins anew tells all of it before anybody has asked.
        await stage.database.run(record, "simulator", told, stage.now, lambda: 0.0)
        await stage.tick(stage.new_dialer())

        assert await stage.counts(campaign) == {"completed": 1}


async def test_a_reservation_that_was_dialled_after_the_backup_is_not_given_back(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(1)
        await stage.tick()
        await restore(
            stage,
            "UPDATE calls SET status = 'reserved', dialed_at = NULL, carrier_call_id = NULL, ringing_at = NULL",
            "UPDATE campaign_contacts SET attempts = 0",
        )
        stage.now += timedelta(seconds=30)
        stage.carrier.advance(stage.now)
        await stage.tick(stage.new_dialer())

        assert len(stage.placements()) == 1
        assert await stage.counts(campaign) == {"completed": 1}
        assert await stage.one("SELECT attempts FROM campaign_contacts") == 1


async def test_who_finds_another_dialer_alive_asks_nobody(db: Any) -> None:
    async with scene(db, NOW) as stage:
        await stage.tick()
        stage.carrier.placed_since = away  # type: ignore[method-assign,assignment]
        await stage.tick(stage.new_dialer())
        assert await stage.one("SELECT count(*) FROM dialers") == 2


async def away(*_: Any) -> Unsure:
    return Unsure("timeout")


async def test_nobody_dials_before_the_carrier_has_said_what_it_placed(db: Any) -> None:
    async with scene(db, NOW) as stage:
        await stage.campaign(1)
        answers, stage.carrier.placed_since = stage.carrier.placed_since, away  # type: ignore[method-assign,assignment]
        with pytest.raises(CarrierAway):
            await stage.tick()
        assert stage.placements() == []
        stage.carrier.placed_since = answers  # type: ignore[method-assign]
        await stage.tick()
        assert len(stage.placements()) == 1
