"""What one organization, or one long turn, does to the others."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

from agentalk.dialer import Dialer
from agentalk.domain.clock import Clock
from agentalk.domain.ids import OrgId
from tests.conftest import NOW
from tests.dialer.scene import scene


async def test_an_organization_whose_turn_fails_holds_no_other_up(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaigns = []
        for _ in range(3):
            stage.org = OrgId(uuid4())
            await stage.set_up(10, 10, 100)
            campaigns.append(await stage.campaign(1))
        await stage.sql("UPDATE campaigns SET window_hours = '{\"slots\": 1}' WHERE id = %s", campaigns[1])

        moment = await stage.tick()

        assert moment is not None
        assert moment > stage.now
        counts = [await stage.counts(id) for id in campaigns]
        assert counts == [{"calling": 1}, {"pending": 1}, {"calling": 1}]


async def test_a_dialer_in_a_long_turn_is_not_taken_for_dead(db: Any) -> None:
    async with scene(db, NOW) as stage, asyncio.timeout(30):
        lease, stop = timedelta(seconds=1), asyncio.Event()
        dialer = Dialer(stage.database, {"simulator": stage.carrier}, lease=lease)
        running = asyncio.create_task(dialer.run(Clock(), stop))
        while not await stage.sql("SELECT id FROM dialers"):
            pass
        async with stage.database.transaction() as tx:
            await tx.execute("LOCK TABLE calls")
            began = await stage.one("SELECT heartbeat_at FROM dialers")
            while await stage.one("SELECT heartbeat_at FROM dialers") < began + 2 * lease:
                pass
        stop.set()
        await running
