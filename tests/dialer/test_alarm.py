"""Calls that stay stuck raise an alert, once; and dialers that are long gone leave no rows."""

from datetime import timedelta
from typing import Any

from agentalk.carriers.carrier import Unsure
from agentalk.carriers.simulator.faults import Faults
from agentalk.store import dialers
from tests.conftest import NOW
from tests.dialer.scene import Scene, scene


async def alerts(stage: Scene) -> int:
    return int(await stage.one("SELECT count(*) FROM events WHERE type = 'engine.calls_stuck'"))


async def go_on(stage: Scene, seconds: int) -> None:
    for _ in range(seconds // 5):
        await stage.pass_time(seconds=5)
        await stage.tick()


async def test_stuck_calls_raise_one_alert_for_each_episode(db: Any) -> None:
    async def silent(*_: Any) -> Unsure:
        return Unsure("timeout")

    async with scene(db, NOW, faults=Faults(server_error_placed=1.0, callback_missing=1.0)) as stage:
        campaign = await stage.campaign(3)
        find, stage.carrier.find = stage.carrier.find, silent  # type: ignore[assignment,method-assign]
        await stage.tick()
        await go_on(stage, 55)
        assert await alerts(stage) == 0, "a carrier that is away for a moment alarms nobody"
        await go_on(stage, 60)
        assert await alerts(stage) == 1
        ((org, named, data),) = await stage.sql(
            "SELECT organization_id, campaign_id, data FROM events WHERE type = 'engine.calls_stuck'"
        )
        assert (org, named, data["calls"], data["carriers"]) == (stage.org, None, 3, ["simulator"])
        stage.carrier.find = find  # type: ignore[method-assign]
        await go_on(stage, 30)
        assert await stage.counts(campaign) == {"completed": 3}

        await stage.campaign(1)
        stage.carrier.find = silent  # type: ignore[assignment,method-assign]
        await go_on(stage, 90)
        assert await alerts(stage) == 2


async def test_dialers_that_are_long_gone_are_forgotten_but_the_last(db: Any) -> None:
    async with scene(db, NOW) as stage:
        await stage.campaign(1)
        holding = stage.new_dialer()
        await holding.tick(stage.now)
        await holding.settle()
        for _ in range(3):
            await stage.tick(stage.new_dialer())
        await stage.database.run(dialers.fence_all, stage.now)
        later = stage.now + timedelta(days=2)

        assert await stage.database.run(dialers.prune, later) == 0, "the newest says when there was last a dialer"
        await stage.sql(
            "UPDATE dialers SET heartbeat_at = %s WHERE id = (SELECT id FROM dialers WHERE id <> %s LIMIT 1)",
            later,
            holding.id,
        )
        assert await stage.database.run(dialers.prune, later) == 2
        assert await stage.one("SELECT dialer_id FROM calls") == holding.id
