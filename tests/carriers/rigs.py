"""The simulator in its two forms, ready for a test, and a receiver for its callbacks."""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
import msgspec

from agentalk.carriers.simulator.client import SimulatorClient
from agentalk.carriers.simulator.faults import NO_FAULTS, Faults
from agentalk.carriers.simulator.inprocess import SimulatedCarrier
from agentalk.carriers.simulator.ledger import Ledger, Row
from agentalk.carriers.simulator.server import build_app, web_server
from agentalk.carriers.simulator.world import AT_ONCE, Mix
from agentalk.domain.call import CallEvent
from agentalk.domain.clock import Clock
from agentalk.domain.ids import CallId

SECRET = "a secret between carrier and engine"
PATIENCE = 20.0


class InProcess:
    """The simulator in the test's own process."""

    def __init__(self, mix: Mix, faults: Faults) -> None:
        self.clock = Clock()
        self.ledger = Ledger()
        self._events: asyncio.Queue[CallEvent] = asyncio.Queue()
        self.carrier = SimulatedCarrier(
            clock=self.clock, sink=self._events.put_nowait, mix=mix, faults=faults, ledger=self.ledger
        )

    async def event(self) -> CallEvent:
        async with asyncio.timeout(PATIENCE):
            return await self._events.get()

    async def rings(self, call_id: CallId) -> int:
        return len(self.ledger.of_call(call_id))

    async def misbehave(self, faults: Faults) -> None:
        self.carrier.exchange.faults = faults


@asynccontextmanager
async def in_process(mix: Mix, faults: Faults) -> AsyncIterator[InProcess]:
    rig = InProcess(mix, faults)
    yield rig
    await rig.carrier.close()


class Receiver:
    """Takes callbacks over HTTP; `answers` are the statuses to give first, then it is always 204."""

    def __init__(self) -> None:
        self.posts: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        self.answers: deque[int] = deque()
        self.port = 0
        self._serving: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/callbacks"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for writer in self._serving:
            writer.close()
        await asyncio.gather(*self._serving.values())
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving[writer] = asyncio.create_task(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                _, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers["content-length"]))
                status = self.answers.popleft() if self.answers else 204
                if status < 300:
                    self.posts.put_nowait((headers, body))
                writer.write(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


class OverHttp:
    """The simulator behind a real server, and the client that speaks to it."""

    def __init__(self, base_url: str, receiver: Receiver, clock: Clock, timeout: float) -> None:
        self.carrier = SimulatorClient(base_url, callback_url=receiver.url, secret=SECRET, timeout=timeout)
        self.clock = clock
        self.receiver = receiver
        self._events: deque[CallEvent] = deque()
        self.http = httpx.AsyncClient(base_url=base_url, trust_env=False)

    async def event(self) -> CallEvent:
        async with asyncio.timeout(PATIENCE):
            while not self._events:
                self._events.extend(self.carrier.read_callback(*await self.receiver.posts.get()))
        return self._events.popleft()

    async def rows(self, call_id: CallId) -> list[Row]:
        answer = await self.http.get("/ledger", params={"callId": str(call_id)})
        return [msgspec.json.decode(line, type=Row) for line in answer.content.splitlines()]

    async def rings(self, call_id: CallId) -> int:
        return len(await self.rows(call_id))

    async def misbehave(self, faults: Faults) -> None:
        (await self.http.put("/faults", content=msgspec.json.encode(faults))).raise_for_status()

    async def close(self) -> None:
        await self.carrier.close()
        await self.http.aclose()


@asynccontextmanager
async def over_http(
    mix: Mix = AT_ONCE, faults: Faults = NO_FAULTS, ledger: Ledger | None = None
) -> AsyncIterator[OverHttp]:
    clock = Clock()
    receiver = Receiver()
    await receiver.start()
    with serving(mix, faults, clock, ledger) as base_url:
        rig = OverHttp(base_url, receiver, clock, timeout=1.0 if faults.accept_then_timeout else PATIENCE)
        yield rig
        await rig.close()
    await receiver.stop()


@contextmanager
def serving(mix: Mix, faults: Faults, clock: Clock, ledger: Ledger | None) -> Iterator[str]:
    """A simulator's server in a thread, on a free port; its URL."""
    app = build_app(clock=clock, ledger=Ledger() if ledger is None else ledger, secret=SECRET, mix=mix, faults=faults)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = web_server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()
