"""From which number a call is made: in turn, within the day's cap, and not from one that was called unwanted."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from agentalk.domain.call import Outcome
from agentalk.domain.ids import CampaignId
from tests.conftest import NOW
from tests.dialer.scene import LONDON, Scene, only, scene

ONE, TWO, THREE = "+12125550001", "+16175550001", "+442079460001"


async def numbers(stage: Scene, campaign: CampaignId, *callers: str, rule: str = "{}") -> None:
    await stage.sql(
        "UPDATE campaigns SET caller_ids = %s, caller_id_rule = %s WHERE id = %s", list(callers), rule, campaign
    )


async def used(stage: Scene) -> dict[str, int]:
    calls = await stage.sql("SELECT caller_id FROM calls WHERE status <> 'released'")
    counted = await stage.sql("SELECT caller_id, sum(calls) FROM caller_id_days GROUP BY 1 HAVING sum(calls) <> 0")
    truth = Counter(number for (number,) in calls if number)
    assert {number: int(n) for number, n in counted} == truth
    return dict(truth)


async def test_numbers_are_used_alike_over_all_campaigns(db: Any) -> None:
    async with scene(db, NOW) as stage:
        first, second = await stage.campaign(3), await stage.campaign(6)
        await numbers(stage, first, ONE)
        await numbers(stage, second, ONE, TWO)
        await stage.tick()
        assert await used(stage) == {ONE: 5, TWO: 4}


async def test_a_number_near_the_callee(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(["+12125551111", "+16175551111", "+13055551111", "+442079461111"], zones=LONDON)
        await numbers(stage, campaign, ONE, TWO, THREE, rule='{"strategy": "local"}')
        await stage.tick()
        pairs = dict(await stage.sql("SELECT phone, caller_id FROM calls"))
        assert (pairs["+12125551111"], pairs["+16175551111"]) == (ONE, TWO)
        assert pairs["+442079461111"] == THREE
        assert pairs["+13055551111"] in (ONE, TWO)


async def test_the_cap_holds_over_campaigns_until_the_next_utc_day(db: Any) -> None:
    async with scene(db, NOW) as stage:
        first, second = await stage.campaign(4), await stage.campaign(40)
        await numbers(stage, first, ONE)
        await numbers(stage, second, ONE, TWO, rule='{"dailyCap": 5}')
        moment = None
        for _ in range(5):
            moment = await stage.tick()
            await stage.pass_time(minutes=1)
        # the first has no cap of its own; what it used of the number counts against the second's
        assert await used(stage) == {ONE: 5, TWO: 5}
        assert await stage.status(second) == ("active", "no_capacity")
        assert moment is not None
        assert moment == datetime.combine(NOW.date() + timedelta(days=1), NOW.time().min, NOW.tzinfo)
        stage.now = moment
        await stage.tick()
        assert len(stage.placements()) == 20
        assert await stage.one("SELECT count(*) FROM caller_id_days WHERE day = %s", moment.date()) >= 2


async def test_the_cap_holds_among_eight_dialers(db: Any) -> None:
    async with scene(db, NOW) as stage:
        for _ in range(3):
            await numbers(stage, await stage.campaign(30), ONE, TWO, rule='{"dailyCap": 7}')
        dialers = [stage.new_dialer() for _ in range(8)]
        for _ in range(4):
            await asyncio.gather(*(stage.tick(dialer) for dialer in dialers))
        assert await used(stage) == {ONE: 7, TWO: 7}


async def test_a_call_that_is_given_back_gives_its_count_back(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(4)
        await numbers(stage, campaign, ONE, rule='{"dailyCap": 4}')
        await stage.dialer_dispatch_after("UPDATE campaigns SET status = 'paused'")()
        assert await used(stage) == {}
        await stage.sql("UPDATE campaigns SET status = 'active'")
        await stage.tick()
        assert await used(stage) == {ONE: 4}


@pytest.mark.parametrize("outcome", [Outcome.UNWANTED, Outcome.BLOCKED])
async def test_a_number_that_was_called_unwanted_rests_for_the_day(db: Any, outcome: Outcome) -> None:
    async with scene(db, NOW, mix=only(outcome)) as stage:
        campaign = await stage.campaign(2)
        await numbers(stage, campaign, ONE)
        await stage.tick()
        await stage.pass_time(minutes=1)
        flagged = await stage.sql("SELECT data ->> 'callerId' FROM events WHERE type = 'caller_id.flagged'")
        assert flagged == [(ONE,)]
        await stage.add(campaign, 3)
        await stage.tick()
        assert await used(stage) == {ONE: 2}
        assert await stage.status(campaign) == ("active", "no_capacity")
        await numbers(stage, campaign, ONE, TWO)
        await stage.tick()
        assert await used(stage) == {ONE: 2, TWO: 3}
        stage.now += timedelta(days=1)
        await stage.add(campaign, 2)
        await stage.tick()
        assert (await used(stage))[ONE] == 3


async def test_counts_are_folded_and_old_days_forgotten(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(0)
        await numbers(stage, campaign, ONE, TWO)
        for _ in range(60):
            await stage.add(campaign, 2)
            await stage.tick()
        assert await used(stage) == {ONE: 60, TWO: 60}
        assert await stage.one("SELECT count(*) FROM caller_id_days") < 60
