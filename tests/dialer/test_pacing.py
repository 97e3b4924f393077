"""Places that are kept, a carrier that recovers, and what a campaign is said to wait for."""

from datetime import timedelta
from typing import Any

from agentalk.carriers.simulator.faults import Faults
from agentalk.carriers.simulator.world import Mix
from agentalk.domain.call import Outcome
from agentalk.domain.retry import RetryPolicy, RetryRule
from agentalk.domain.window import Window
from tests.conftest import NOW
from tests.dialer.scene import KOLKATA, Scene, only, scene

STORM = Faults(too_many_requests=1.0)
LONG = Mix(weights={Outcome.ANSWERED: 1.0}, ring_seconds=(2.0, 2.0), talk_seconds=(600.0, 600.0))


async def calling(stage: Scene, *campaigns: Any) -> list[int]:
    return [(await stage.counts(id)).get("calling", 0) for id in campaigns]


async def test_kept_places_stay_free_while_the_campaign_is_active(db: Any) -> None:
    async with scene(db, NOW, max_concurrency=10) as stage:
        keeper, other = await stage.campaign(0), await stage.campaign(50, priority=9)
        await stage.sql("UPDATE campaigns SET reserved_concurrency = 4 WHERE id = %s", keeper)
        await stage.tick()
        assert await calling(stage, other) == [6]
        await stage.add(keeper, 50)
        await stage.tick()
        assert await calling(stage, keeper, other) == [4, 6]
        await stage.sql("UPDATE campaigns SET status = 'paused' WHERE id = %s", keeper)
        await stage.pass_time(minutes=1)
        await stage.tick()
        assert await calling(stage, other) == [10]


async def test_kept_places_are_no_more_than_its_own_limit(db: Any) -> None:
    async with scene(db, NOW, max_concurrency=10) as stage:
        keeper, other = await stage.campaign(50, max_concurrency=2), await stage.campaign(50)
        await stage.sql("UPDATE campaigns SET reserved_concurrency = 7 WHERE id = %s", keeper)
        await stage.tick()
        assert await calling(stage, keeper, other) == [2, 8]


async def test_more_kept_than_there_is_is_shared_by_those_it_is_kept_for(db: Any) -> None:
    async with scene(db, NOW, max_concurrency=10) as stage:
        first, second, other = [await stage.campaign(50) for _ in range(3)]
        await stage.sql("UPDATE campaigns SET reserved_concurrency = 8 WHERE id = ANY(%s)", [first, second])
        await stage.tick()
        assert await calling(stage, first, second, other) == [5, 5, 0]


async def test_a_storm_of_refusals_burns_no_attempt_and_the_pauses_grow(db: Any) -> None:
    async with scene(db, NOW, faults=STORM) as stage:
        await stage.campaign(40)
        await stage.tick()
        pauses = [await stage.one("SELECT slow_until FROM carriers") - stage.now]
        for _ in range(6):
            stage.now = await stage.one("SELECT slow_until FROM carriers") + timedelta(seconds=6)
            await stage.tick()
            pauses.append(await stage.one("SELECT slow_until FROM carriers") - stage.now)
        assert [pause.total_seconds() for pause in pauses] == [2, 4, 8, 16, 32, 64, 64]
        assert await stage.one("SELECT max(attempts) FROM campaign_contacts") == 0
        assert stage.placements() == []


async def test_no_herd_after_the_storm(db: Any) -> None:
    async with scene(db, NOW, mix=LONG, carrier_calls=500, carrier_rate=100) as stage:
        await stage.campaign(400)
        await stage.sql("UPDATE carriers SET slow_until = %s", NOW + timedelta(seconds=2))
        assert await stage.tick() == NOW + timedelta(seconds=2)
        assert stage.placements() == []
        begun: list[int] = []
        for tenth in range(120):
            stage.now = NOW + timedelta(seconds=2 + tenth / 10)
            await stage.tick()
            begun.append(len(stage.placements()))
        # 50 lines in a second at most, of 100: a tenth of that at first, then growing
        assert 4 <= begun[9] <= 8
        assert 70 <= begun[119] <= 130


async def test_an_outage_slows_a_carrier_that_answers_nobody(db: Any) -> None:
    async with scene(db, NOW, faults=Faults(server_error=1.0)) as stage:
        await stage.campaign(4)
        await stage.tick()
        assert await stage.one("SELECT slow_until FROM carriers") is None
        await stage.campaign(4)
        await stage.tick()
        assert await stage.one("SELECT slow_until FROM carriers") == NOW + timedelta(seconds=2)


async def test_what_a_campaign_waits_for(db: Any) -> None:
    later = RetryPolicy(rules=(RetryRule(Outcome.NO_ANSWER, (10,)),))
    async with scene(db, NOW, mix=only(Outcome.NO_ANSWER), max_concurrency=2) as stage:
        asleep = await stage.campaign(2, zones=KOLKATA)
        never = await stage.campaign(2, window=Window(slots=()))
        busy = await stage.campaign(2, priority=1)
        crowded_out = await stage.campaign(2)
        await stage.tick()
        assert [(await stage.status(id))[1] for id in (asleep, never, busy, crowded_out)] == [
            "outside_window", "outside_window", "dialing", "no_capacity",
        ]  # fmt: skip
        retrying = await stage.campaign(1, retry=later, priority=9)
        await stage.pass_time(minutes=1)
        await stage.tick()
        await stage.pass_time(minutes=1)
        await stage.sql("UPDATE campaigns SET status = 'paused' WHERE id <> ALL(%s)", [retrying, asleep])
        await stage.tick()
        assert (await stage.status(retrying)) == ("active", "waiting")
        assert (await stage.status(asleep)) == ("active", "outside_window")


async def test_a_lone_campaign_without_anybody_due_is_not_said_to_want_capacity(db: Any) -> None:
    async with scene(db, NOW, max_concurrency=0) as stage:
        campaign = await stage.campaign(1)
        await stage.tick()
        assert await stage.status(campaign) == ("active", "no_capacity")
        await stage.sql("UPDATE campaign_contacts SET due_at = %s", NOW + timedelta(minutes=5))
        await stage.tick()
        assert await stage.status(campaign) == ("active", "waiting")
