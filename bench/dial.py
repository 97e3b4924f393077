"""Calls per second through their whole life, with a carrier in the same process that answers at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg

from agentalk.carriers.simulator.inprocess import SimulatedCarrier
from agentalk.carriers.simulator.world import AT_ONCE
from agentalk.dialer import Dialer
from agentalk.domain.call import CallEvent
from agentalk.domain.clock import Clock
from agentalk.store.database import Database
from agentalk.wiring.collector import let_rest
from bench.ground import ZONES, Ground, server
from bench.report import Figure

SECONDS = 8.0
_TIMES = 3
_BATCH = 100
_NEWCOMERS = 5
_PATIENCE = 30.0
# The same rows written by hand: claim, dialing commit, three reports, the end, the contact, the outbox.
_BARE = (
    """WITH due AS (
           SELECT campaign_id, contact_id, organization_id FROM campaign_contacts
           WHERE campaign_id = %(campaign)s AND zones = %(zone)s AND lane = 2 AND status IN ('pending', 'waiting')
           ORDER BY due_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED
       ), taken AS (
           UPDATE campaign_contacts cc SET status = 'calling' FROM due
           WHERE cc.campaign_id = due.campaign_id AND cc.contact_id = due.contact_id RETURNING cc.*
       )
       INSERT INTO calls (id, organization_id, campaign_id, contact_id, carrier_id, carrier, dialer_id, generation,
           attempt, status, phone, reserved_at)
       SELECT gen_random_uuid(), t.organization_id, t.campaign_id, t.contact_id, %(carrier)s, 'simulator', %(dialer)s,
           0, 1, 'reserved', k.phone, %(now)s
       FROM taken t JOIN contacts k ON k.organization_id = t.organization_id AND k.id = t.contact_id""",
    """WITH dialed AS (UPDATE calls SET status = 'dialing', dialed_at = %(now)s
           WHERE dialer_id = %(dialer)s AND live RETURNING campaign_id, contact_id)
       UPDATE campaign_contacts cc SET attempts = attempts + 1 FROM dialed
       WHERE cc.campaign_id = dialed.campaign_id AND cc.contact_id = dialed.contact_id""",
    """INSERT INTO carrier_events (carrier, carrier_call_id, type, sequence, call_id, at, received_at)
       SELECT 'simulator', id::text, type, 1, id, %(now)s, %(now)s
       FROM calls, unnest('{ringing,answered,ended}'::text[]) type WHERE dialer_id = %(dialer)s AND live""",
    """WITH ended AS (UPDATE calls SET status = 'ended', outcome = 'answered', ended_at = %(now)s,
               ringing_at = %(now)s, answered_at = %(now)s, carrier_call_id = id::text
           WHERE dialer_id = %(dialer)s AND live RETURNING *), told AS (
           INSERT INTO events (id, organization_id, campaign_id, type, data, created_at)
           SELECT gen_random_uuid(), organization_id, campaign_id, type, '{}', %(now)s
           FROM ended, unnest('{call.started,call.ended,contact.completed}'::text[]) type)
       UPDATE campaign_contacts cc SET status = 'completed', last_outcome = 'answered' FROM ended
       WHERE cc.campaign_id = ended.campaign_id AND cc.contact_id = ended.contact_id""",
)


class Rate(msgspec.Struct, frozen=True):
    """Calls ended per second and statements sent per call, by us; calls per second of the bare statements."""

    calls_per_second: float
    statements_per_call: float
    bare: float


async def run(few: int, many: int) -> list[Figure]:
    """The rate with few and with many pending contacts, each against the bare statements in the same database.

    In turns, and the medians of the times: a machine that others use too is faster now and slower then.
    """
    small: list[Rate] = []
    large: list[Rate] = []
    async with stage(many) as beside:
        for _ in range(_TIMES):
            async with stage(few) as alone:
                small.append(await alone.rate())
            large.append(await beside.rate())
        newcomer = await beside.newcomer()
    figures = [_figure(few, small), _figure(many, large)]
    ratio = median(rate.calls_per_second for rate in small) / median(rate.calls_per_second for rate in large)
    return [
        *figures,
        Figure(f"  {few:,} pending against {many:,}", "", "", f"{ratio:.2f} ×", "≤ 1.2 ×"),
        Figure(
            f"  a campaign of 10 started beside one of {many:,}, {_NEWCOMERS} times",
            f"its first call within {newcomer:.2f} s",
            "",
            "",
            "≤ 1 s",
        ),
    ]


def _figure(pending: int, rates: list[Rate]) -> Figure:
    ours, bare = (median(getattr(rate, name) for rate in rates) for name in ("calls_per_second", "bare"))
    statements = max(rate.statements_per_call for rate in rates)
    return Figure(
        f"dial, {pending:,} pending, carrier in the process, median of {_TIMES}",
        f"{ours:,.0f} calls/s, {statements:.2f} statements a call",
        f"bare statements in batches of {_BATCH}: {bare:,.0f}/s",
        f"{ours / bare:.0%}",
        "≥ 1,500/s, ≤ 1.5 statements",
    )


@asynccontextmanager
async def stage(pending: int) -> AsyncIterator["Stage"]:
    """A database of its own with a campaign of `pending` contacts."""
    async with server() as dsn:
        ground = Ground(dsn)
        org = ground.organization()
        ground.contacts(org, pending)
        campaign = ground.campaigns(org, 1, active=True)[0]
        ground.audience(org, campaign, pending)
        ground.settle()
        let_rest()  # as the program does
        yield Stage(ground, org, pending)
        ground.close()


class Stage:
    """A campaign that may be dialled for some seconds, and again."""

    def __init__(self, ground: Ground, org: UUID, pending: int) -> None:
        self._ground, self._org, self._pending = ground, org, pending
        self._times = 0

    async def rate(self, seconds: float = SECONDS) -> Rate:
        """Dial for some seconds; the rate after a warm-up of one second."""
        self._times += 1
        with _Counted() as statements:
            async with self._dialing():
                await asyncio.sleep(1.0)
                before, sent, began = self._ground.ended(), statements(), time.perf_counter()
                while time.perf_counter() - began < seconds and self._ground.ended() < self._pending:
                    await asyncio.sleep(0.25)
                took = time.perf_counter() - began
                ended, sent = self._ground.ended() - before, statements() - sent
        bare = _bare(self._ground, self._org, f"b{self._times}")
        return Rate(ended / took, sent / max(1, ended), bare)

    async def newcomer(self) -> float:
        """The most seconds that a campaign of ten contacts, started meanwhile, waits for its first call."""
        async with self._dialing():
            await asyncio.sleep(1.0)
            return max([await _newcomer(self._ground, self._org, n) for n in range(_NEWCOMERS)])

    @asynccontextmanager
    async def _dialing(self) -> AsyncIterator[None]:
        clock, stop = Clock(), asyncio.Event()
        database = Database(self._ground.dsn, engine=True)
        await database.open()
        dialer: Dialer

        def sink(event: CallEvent) -> None:
            dialer.hear("simulator", event)

        carrier = SimulatedCarrier(clock=clock, sink=sink, mix=AT_ONCE)
        dialer = Dialer(database, {"simulator": carrier}, slots=1000)
        run = asyncio.create_task(dialer.run(clock, stop))
        yield
        stop.set()
        await run
        await database.close()


async def _newcomer(ground: Ground, org: UUID, n: int) -> float:
    """Seconds from a start of a campaign of ten contacts to its first call."""
    ground.contacts(org, 10, tag=f"n{n}")
    campaign = ground.campaigns(org, 1)[0]
    ground.audience(org, campaign, 10, tag=f"n{n}")
    began = time.perf_counter()
    ground.activate(org, campaign)
    while not ground.one(f"SELECT count(*) FROM calls WHERE campaign_id = '{campaign}' AND dialed_at IS NOT NULL"):
        await asyncio.sleep(0.005)
        if time.perf_counter() - began > _PATIENCE:
            raise SystemExit("A small campaign beside a huge one is not called.")
    return time.perf_counter() - began


def _bare(ground: Ground, org: UUID, tag: str, count: int = 5_000) -> float:
    """Calls per second of the bare statements, over `count` contacts of their own."""
    ground.contacts(org, count, tag=tag)
    campaign = ground.campaigns(org, 1)[0]
    ground.audience(org, campaign, count, tag=tag)
    dialer = uuid4()
    ground.connection.execute("INSERT INTO dialers VALUES (%s, %s, %s)", (dialer, ground.now, ground.now))
    values = {
        "campaign": campaign,
        "carrier": ground.carrier(org),
        "dialer": dialer,
        "now": ground.now,
        "batch": _BATCH,
    }
    ground.connection.execute("SET enable_seqscan = off")
    began = time.perf_counter()
    for zone in ZONES:
        for _ in range(count // len(ZONES) // _BATCH):
            for statement in _BARE:
                ground.connection.execute(statement, values | {"zone": zone})
    took = time.perf_counter() - began
    done = ground.one(f"SELECT count(*) FROM calls WHERE dialer_id = '{dialer}' AND status = 'ended'")
    if done != count:
        raise SystemExit(f"The bare statements ended {done} of {count} calls.")
    return count / took


class _Counted:
    """Counts the statements that the driver sends."""

    def __enter__(self) -> Callable[[], int]:
        self._execute = psycopg.AsyncCursor.execute
        count = 0
        original = self._execute

        async def execute(cursor: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            return await original(cursor, *args, **kwargs)

        psycopg.AsyncCursor.execute = execute  # type: ignore[method-assign, assignment]
        return lambda: count

    def __exit__(self, *_: object) -> None:
        psycopg.AsyncCursor.execute = self._execute  # type: ignore[method-assign]
