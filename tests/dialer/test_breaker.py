"""A campaign whose calls fail is paused, and one too many of whose calls are abandoned is slowed down, then paused."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from agentalk.domain.call import Outcome
from agentalk.domain.ids import CampaignId
from agentalk.operations import campaigns
from agentalk.store import outcomes
from tests.conftest import NOW
from tests.dialer.scene import KOLKATA, Scene, only, scene

PAUSED = "SELECT (status, status_reason)::text FROM campaigns WHERE id = %s"


async def ended(stage: Scene, campaign: CampaignId, calls: dict[Outcome, int], at: datetime | None = None) -> None:
    async with stage.database.transaction() as tx:
        await outcomes.add(tx, [(campaign, outcome) for outcome, n in calls.items() for _ in range(n)], at or stage.now)


async def a_campaign(stage: Scene) -> CampaignId:
    """A campaign that has long been active, and nobody to call at the moment."""
    campaign = await stage.campaign(1, zones=KOLKATA)
    await stage.sql("UPDATE campaigns SET started_at = %s", NOW - timedelta(days=60))
    return campaign


async def told(stage: Scene) -> list[str]:
    return [type for (type,) in await stage.sql("SELECT type FROM events WHERE type LIKE 'campaign.%%' ORDER BY seq")]


async def restart(stage: Scene, campaign: CampaignId) -> None:
    async with stage.database.transaction() as tx:
        await campaigns.start(tx, stage.org, campaign, None, stage.now)


@pytest.mark.parametrize("outcome", [Outcome.CARRIER_FAILURE, Outcome.AGENT_ERROR])
async def test_calls_that_fail_open_the_circuit(db: Any, outcome: Outcome) -> None:
    async with scene(db, NOW, mix=only(outcome)) as stage:
        campaign = await stage.campaign(20)
        await stage.tick()
        await stage.pass_time(seconds=30)
        await stage.add(campaign, 3)
        await stage.tick()
        assert await stage.one(PAUSED, campaign) == "(paused,circuit_breaker)"
        assert await told(stage) == ["campaign.circuit_opened", "campaign.paused"]
        assert len(stage.placements()) == 20


async def test_calls_that_have_just_ended_are_judged_a_second_later(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await a_campaign(stage)
        await ended(stage, campaign, {Outcome.CARRIER_FAILURE: 20})
        assert await stage.tick() == NOW + timedelta(seconds=1)
        assert (await stage.status(campaign))[0] == "active"
        stage.now += timedelta(seconds=1)
        await stage.tick()
        assert (await stage.status(campaign))[0] == "paused"


async def test_nineteen_failures_do_not_and_other_ends_do_not(db: Any) -> None:
    async with scene(db, NOW) as stage:
        few, others = await a_campaign(stage), await a_campaign(stage)
        await ended(stage, few, {Outcome.CARRIER_FAILURE: 19, Outcome.NOT_PLACED: 100})
        await ended(stage, others, {Outcome.CARRIER_FAILURE: 19, Outcome.NO_ANSWER: 20})
        stage.now += timedelta(seconds=1)
        await stage.tick()
        assert [(await stage.status(id))[0] for id in (few, others)] == ["active", "active"]


async def test_failures_of_two_minutes_ago_are_forgotten(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await a_campaign(stage)
        for wait in (0, 60, 60):
            stage.now += timedelta(seconds=wait)
            await ended(stage, campaign, {Outcome.CARRIER_FAILURE: 8})
            await stage.tick()
        stage.now += timedelta(seconds=1)
        await stage.tick()
        assert (await stage.status(campaign))[0] == "active"


async def test_started_again_it_counts_from_there(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await a_campaign(stage)
        await ended(stage, campaign, {Outcome.AGENT_ERROR: 40})
        stage.now += timedelta(seconds=1)
        await stage.tick()
        assert (await stage.status(campaign))[0] == "paused"
        stage.now += timedelta(seconds=10)
        await restart(stage, campaign)
        for failed, status in ((19, "active"), (1, "paused")):
            stage.now += timedelta(seconds=5)
            await ended(stage, campaign, {Outcome.AGENT_ERROR: failed})
            stage.now += timedelta(seconds=1)
            await stage.tick()
            assert (await stage.status(campaign))[0] == status


async def test_what_is_reserved_when_the_circuit_opens_is_given_back(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(3)
        await stage.tick()
        await stage.add(campaign, 1)
        await ended(stage, campaign, {Outcome.CARRIER_FAILURE: 20})
        await stage.sql(
            "UPDATE calls SET status = 'reserved', dialed_at = NULL WHERE id = (SELECT id FROM calls LIMIT 1)"
        )
        stage.now += timedelta(seconds=1)
        await stage.tick()
        assert await stage.counts(campaign) == {"calling": 2, "pending": 2}


async def governed(
    stage: Scene, campaign: CampaignId, calls: Sequence[tuple[float, int, int]]
) -> list[tuple[str, bool]]:
    """(status, throttled) after calls so many hours ago, answered and abandoned."""
    states = []
    for hours, answered, abandoned in calls:
        tally = {Outcome.ANSWERED: answered, Outcome.ABANDONED: abandoned}
        await ended(stage, campaign, tally, stage.now - timedelta(hours=hours, seconds=1))
        await stage.tick()
        states += await stage.sql("SELECT status, throttled FROM campaigns WHERE id = %s", campaign)
    return states


async def test_abandoned_calls_throttle_then_pause(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await a_campaign(stage)
        assert await governed(stage, campaign, [(0, 90, 2), (0, 108, 0), (0, 0, 3), (0, 40, 0), (0, 0, 2)]) == [
            ("active", False),  # 92 calls are too few to tell
            ("active", False),  # 1 %
            ("active", True),  # 2.46 %, of 3 % allowed
            ("active", False),  # 2.06 %
            ("active", True),
        ]
        assert await told(stage) == ["campaign.throttled", "campaign.unthrottled", "campaign.throttled"]
        assert await governed(stage, campaign, [(0, 0, 1)]) == [("paused", True)]
        assert await stage.one(PAUSED, campaign) == "(paused,abandon_rate)"
        assert (await told(stage))[3:] == ["campaign.abandon_limit_reached", "campaign.paused"]


async def test_throttled_it_has_half_its_concurrency_and_half_its_pace(db: Any) -> None:
    async with scene(db, NOW) as stage:
        narrow, slow = await stage.campaign(40, max_concurrency=9), await stage.campaign(40, rate=1)
        await stage.sql("UPDATE campaigns SET throttled = true")
        for _ in range(41):
            await stage.tick()
            stage.now += timedelta(milliseconds=100)
        assert (await stage.counts(narrow))["calling"] == 5
        assert 2 <= (await stage.counts(slow))["calling"] <= 3


async def test_thirty_days_count_too(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await a_campaign(stage)
        assert await governed(stage, campaign, [(40 * 24, 0, 90), (20 * 24, 900, 27), (30, 96, 0), (0, 10, 5)]) == [
            ("active", False),
            ("active", True),
            ("active", True),
            ("paused", True),
        ]


async def test_started_over_the_limit_the_next_abandoned_call_pauses_it_again(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await a_campaign(stage)
        assert (await governed(stage, campaign, [(0, 90, 10)]))[0][0] == "paused"
        stage.now += timedelta(minutes=5)
        await restart(stage, campaign)
        stage.now += timedelta(minutes=1)
        assert await governed(stage, campaign, [(0, 20, 0), (0, 0, 1)]) == [("active", True), ("paused", True)]
        stage.now += timedelta(hours=26)
        await stage.sql("UPDATE outcome_tallies SET n = 1 WHERE outcome = 'abandoned' AND n > 1")
        await restart(stage, campaign)
        assert await governed(stage, campaign, [(0, 1, 0)]) == [("active", False)]
