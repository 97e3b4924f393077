"""What a dialer costs that holds thousands of live calls, the carrier in its process: its share of one core."""

import asyncio
import time

from agentalk.carriers.simulator.inprocess import SimulatedCarrier
from agentalk.carriers.simulator.world import Mix
from agentalk.dialer import Dialer
from agentalk.domain.call import CallEvent, Outcome
from agentalk.domain.clock import Clock
from agentalk.store.database import Database
from agentalk.wiring.collector import let_rest
from bench.ground import Ground, server
from bench.report import Figure

# Conversations of a minute on the mean: what ends is replaced, so that live calls stay as many.
_TALK = (5.0, 115.0)
_RING = (0.5, 1.5)
_FILL_SECONDS = 40.0


async def run(live: int, seconds: float = 10.0) -> list[Figure]:
    """Fill up to `live` calls, then look for some seconds."""
    async with server() as dsn:
        ground = Ground(dsn)
        org = ground.organization(most=live)
        ground.contacts(org, 4 * live)
        campaign = ground.campaigns(org, 1, active=True)[0]
        ground.audience(org, campaign, 4 * live)
        ground.settle()
        let_rest()  # as the program does
        database = Database(dsn, engine=True)
        await database.open()
        clock = Clock()
        dialer: Dialer

        def sink(event: CallEvent) -> None:
            dialer.hear("simulator", event)

        mix = Mix(weights={Outcome.ANSWERED: 1.0}, ring_seconds=_RING, talk_seconds=_TALK)
        carrier = SimulatedCarrier(clock=clock, sink=sink, mix=mix)
        dialer = Dialer(database, {"simulator": carrier}, slots=live)
        stop = asyncio.Event()
        running = asyncio.create_task(dialer.run(clock, stop))
        await _until_full(ground, live)
        ended, used, began = ground.ended(), time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        took = time.perf_counter() - began
        share, turnover = (time.process_time() - used) / took, (ground.ended() - ended) / took
        held = ground.one("SELECT count(*) FROM calls WHERE live")
        stop.set()
        await running
        await carrier.close()
        await database.close()
        ground.close()
    return [
        Figure(
            f"{held:,} live calls of one dialer, {turnover:.0f} ending and {turnover:.0f} beginning each second",
            f"{share:.0%} of a core",
            "",
            "",
            "5,000 under one core",
        )
    ]


async def _until_full(ground: Ground, live: int) -> None:
    give_up = time.monotonic() + _FILL_SECONDS
    while ground.one("SELECT count(*) FROM calls WHERE live") < live * 0.98:
        if time.monotonic() > give_up:
            raise SystemExit(f"The dialer does not get to {live} live calls.")
        await asyncio.sleep(0.25)
