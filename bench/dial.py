"""Calls per second through their whole life, with a carrier in the same process that answers at once."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg
from agentalk.carriers.simulator.inprocess import SimulatedCarrier
from agentalk.carriers.simulator.world import AT_ONCE
from agentalk.dialer import Dialer
from agentalk.domain.call import CallEvent
from agentalk.domain.clock import Clock
from agentalk.store.database import Database

from bench.ground import Ground, server

SECONDS = 8.0


class Rate(msgspec.Struct, frozen=True):
    """Calls ended per second, statements sent per call, and first call after the start in milliseconds."""

    pending: int
    calls_per_second: float
    statements_per_call: float


async def dial(pending: int, seconds: float = SECONDS) -> Rate:
    """Dial a campaign of `pending` contacts for some seconds; the rate after a warm-up of one second."""
    async with server() as dsn:
        ground = Ground(dsn)
        org = ground.organization()
        ground.contacts(org, pending)
        campaign = ground.campaigns(org, 1, active=True)[0]
        ground.audience(org, campaign, pending)
        ground.settle()
        clock = Clock()
        database = Database(dsn, engine=True)
        await database.open()
        dialer: Dialer

        def sink(event: CallEvent) -> None:
            dialer.hear("simulator", event)

        carrier = SimulatedCarrier(clock=clock, sink=sink, mix=AT_ONCE)
        dialer = Dialer(database, {"simulator": carrier}, slots=1000)
        stop = asyncio.Event()
        with _counted() as statements:
            run = asyncio.create_task(dialer.run(clock, stop))
            await asyncio.sleep(1.0)
            before, sent, began = _ended(ground), statements(), time.perf_counter()
            while time.perf_counter() - began < seconds and _ended(ground) < pending:
                await asyncio.sleep(0.25)
            took = time.perf_counter() - began
            ended, sent = _ended(ground) - before, statements() - sent
            stop.set()
            await run
        await database.close()
        ground.close()
        return Rate(pending, ended / took, sent / max(1, ended))


def _ended(ground: Ground) -> int:
    return ground.one("SELECT count(*) FROM calls WHERE status = 'ended'")


class _counted:
    """Counts the statements that the driver sends."""

    def __enter__(self) -> Callable[[], int]:
        self._execute = psycopg.AsyncCursor.execute
        count = 0
        original = self._execute

        async def execute(cursor: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            return await original(cursor, *args, **kwargs)

        psycopg.AsyncCursor.execute = execute  # type: ignore[method-assign]
        return lambda: count

    def __exit__(self, *_: object) -> None:
        psycopg.AsyncCursor.execute = self._execute  # type: ignore[method-assign]
