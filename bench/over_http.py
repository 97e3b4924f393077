"""Calls per second through their whole life, with the carrier, the API and the dialer as processes of their own."""

import asyncio
import time
from statistics import median
from uuid import uuid4

import msgspec

from agentalk.carriers.simulator.connection import Connections
from agentalk.carriers.simulator.wire import CallRequest
from agentalk.carriers.simulator.world import AT_ONCE
from agentalk.domain.ids import CallId
from bench.ground import Ground, server
from bench.processes import api, simulator, start_dialer
from bench.report import Figure

CONNECTIONS = 32
MIX = msgspec.json.encode(AT_ONCE).decode()


async def run(count: int, seconds: float = 8.0) -> list[Figure]:
    """Dial a campaign of `count` contacts for some seconds; then place calls there and do nothing else."""
    async with server() as dsn:
        ground = Ground(dsn)
        org = ground.organization()
        ground.contacts(org, count)
        campaign = ground.campaigns(org, 1, active=True)[0]
        ground.audience(org, campaign, count)
        ground.settle()
        with simulator(MIX) as carrier, api(dsn, carrier.url) as web:
            dialer = start_dialer(dsn, carrier.url, web.url)
            try:
                rates = await _watch(ground, count, seconds)
            finally:
                dialer.end()
            least = await _bare(carrier.url, seconds / 2)
        ground.close()
    rate = median(rates)
    return [
        Figure(
            "dial, carrier, API and dialer as processes, a callback for every event",
            f"{rate:,.0f} calls/s",
            f"bare client, callbacks taken and thrown away: {least:,.0f}/s",
            f"{rate / least:.0%}",
            "≥ 500/s",
        )
    ]


async def _watch(ground: Ground, count: int, seconds: float) -> list[float]:
    """Calls ended per second, in turns of two seconds, after a warm-up of one."""
    await asyncio.sleep(1.0)
    began, before, rates = time.perf_counter(), ground.ended(), []
    while time.perf_counter() - began < seconds and before < count:
        turn = time.perf_counter()
        await asyncio.sleep(2.0)
        now = ground.ended()
        rates.append((now - before) / (time.perf_counter() - turn))
        before = now
    return rates


async def _bare(carrier_url: str, seconds: float) -> float:
    """Calls per second that the same carrier takes from a client that decides and keeps nothing."""
    callbacks = await asyncio.start_server(_take, "127.0.0.1", 0)
    port = callbacks.sockets[0].getsockname()[1]
    connections = Connections(carrier_url, timeout=10.0, limit=CONNECTIONS)
    placed, ends = 0, time.perf_counter() + seconds

    async def place() -> None:
        nonlocal placed
        while time.perf_counter() < ends:
            request = CallRequest(
                call_id=CallId(uuid4()),
                phone=f"+1212{placed % 10_000_000:07d}",
                caller_id=None,
                ring_seconds=25,
                first_message="Hello Ada",
                voicemail_message="",
                callback_url=f"http://127.0.0.1:{port}/",
            )
            if (await connections.request("POST", "/calls", msgspec.json.encode(request))).status != 201:
                raise SystemExit("The carrier refused a call.")
            placed += 1

    began = time.perf_counter()
    await asyncio.gather(*(place() for _ in range(CONNECTIONS)))
    took = time.perf_counter() - began
    await connections.close()
    callbacks.close()
    return placed / took


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say yes to every callback on a connection."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
