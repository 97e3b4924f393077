"""What a full house, or somebody's long transaction, does to the dialer: it neither spins nor stands."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, LiteralString

import pytest

from agentalk.domain.call import Outcome
from tests.conftest import NOW
from tests.dialer.scene import Scene, only, scene


@asynccontextmanager
async def held_by_another(stage: Scene, statement: LiteralString) -> AsyncIterator[None]:
    """While somebody's transaction holds what `statement` locks; whoever waits for it fails."""
    async with stage.database.transaction() as tx:
        await tx.execute(statement)
        async with asyncio.timeout(10):
            yield


@pytest.mark.parametrize("campaigns", [1, 2])
@pytest.mark.parametrize(("organization", "slots"), [(1, 100), (100, 1)])
async def test_without_capacity_nobody_comes_again_before_a_call_ends(
    db: Any, campaigns: int, organization: int, slots: int
) -> None:
    async with scene(db, NOW, max_concurrency=organization) as stage:
        dialer = stage.new_dialer(slots=slots)
        ids = [await stage.campaign(3) for _ in range(campaigns)]
        await stage.tick(dialer)

        assert await stage.tick(dialer) == NOW + timedelta(seconds=10), "nothing is due but a question to the carrier"

        phases = sorted([str((await stage.status(id))[1]) for id in ids])
        assert phases == ["dialing", "no_capacity"][:campaigns]


async def test_without_capacity_a_retry_to_come_is_still_waited_for(db: Any) -> None:
    async with scene(db, NOW, max_concurrency=1) as stage:
        await stage.campaign(2)
        later = await stage.campaign(1)
        due = NOW + timedelta(seconds=5)
        await stage.sql("UPDATE campaign_contacts SET due_at = %s WHERE campaign_id = %s", due, later)
        await stage.tick()

        assert await stage.tick() == due


async def test_contacts_that_somebody_is_changing_are_not_waited_for(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign, unknown = await stage.campaign(5), await stage.campaign(5, zones="")
        async with held_by_another(stage, "SELECT FROM campaign_contacts FOR UPDATE"):
            moment = await stage.tick()
        assert stage.placements() == []
        assert moment is not None
        assert NOW < moment < NOW + timedelta(seconds=1)

        await stage.tick()
        assert await stage.counts(campaign) == {"calling": 5}
        assert await stage.counts(unknown) == {"skipped": 5}


async def test_a_campaign_that_is_being_stopped_holds_no_other_up(db: Any) -> None:
    async with scene(db, NOW) as stage:
        stopping, other = await stage.campaign(5), await stage.campaign(5)
        await stage.tick()
        await stage.add(stopping, 1)
        await stage.add(other, 1)
        await stage.sql("UPDATE campaigns SET phase = 'waiting'")
        async with held_by_another(stage, "SELECT FROM campaigns ORDER BY id LIMIT 1 FOR UPDATE"):
            await stage.tick()
        assert len(stage.placements()) == 11


async def test_tallies_that_somebody_is_summing_up_are_not_waited_for(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(0)
        for _ in range(60):
            await stage.add(campaign, 1)
        async with held_by_another(stage, "SELECT FROM campaign_tallies FOR UPDATE"):
            await stage.tick()
        assert await stage.counts(campaign) == {"calling": 60}


async def test_a_number_that_does_not_exist_is_recorded_while_its_contact_is_being_imported(db: Any) -> None:
    async with scene(db, NOW, mix=only(Outcome.INVALID_NUMBER)) as stage:
        campaign = await stage.campaign(1)
        await stage.tick()
        async with held_by_another(stage, "UPDATE contacts SET name = 'Grace'"):
            await stage.pass_time(minutes=1)
        assert await stage.counts(campaign) == {"skipped": 1}
