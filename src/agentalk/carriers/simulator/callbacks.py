"""Sends the simulator's status callbacks: signed, in small batches, and again until they are taken."""

import asyncio
from collections import deque
from functools import lru_cache
from itertools import islice

import httpx
import msgspec
import structlog

from agentalk.carriers.simulator.wire import SIGNATURE, sign
from agentalk.domain.call import CallEvent

log = structlog.get_logger()

# Events for one receiver gather for so long (seconds) and up to so many before they are posted together.
GATHER_SECONDS = 0.01
BATCH = 200
# A receiver that is down is tried again after 0.1 s, then twice as long each time up to 5 s, for 10 minutes in all.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
PATIENCE_SECONDS = 600.0
# What a shutdown leaves for events that are on their way.
PARTING_SECONDS = 2.0


@lru_cache(maxsize=1024)
def can_be_called_back(url: str) -> bool:
    """Whether `url` is one that callbacks can be sent to."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and parsed.host != ""


class Callbacks:
    """One queue a receiver, so that events arrive in the order in which they were sent.

    While a receiver is down, its events wait in memory: a kill of the simulator loses them, and its ledger does not.
    """

    def __init__(self, secret: str, *, connections: int = 32) -> None:
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        # Without the environment's proxies: a callback goes where its URL says.
        self._http = httpx.AsyncClient(limits=limits, timeout=10.0, trust_env=False)
        self._secret = secret
        self._encoder = msgspec.json.Encoder()
        self._waiting: dict[str, deque[CallEvent]] = {}
        self._senders: dict[str, asyncio.Task[None]] = {}
        # Events taken, events that were not, and posts that had to be made again.
        self.sent = 0
        self.given_up = 0
        self.retries = 0

    @property
    def waiting(self) -> int:
        """Events that no receiver has taken yet."""
        return sum(len(queue) for queue in self._waiting.values())

    def send(self, url: str, event: CallEvent) -> None:
        """Queue an event for `url`; returns at once."""
        queue = self._waiting.setdefault(url, deque())
        queue.append(event)
        if url not in self._senders:
            self._senders[url] = asyncio.create_task(self._drain(url, queue))

    async def close(self) -> None:
        """Give what is on its way a moment to arrive, then drop it."""
        tasks = list(self._senders.values())
        if tasks:
            await asyncio.wait(tasks, timeout=PARTING_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.aclose()

    async def _drain(self, url: str, queue: deque[CallEvent]) -> None:
        try:
            while queue:
                await asyncio.sleep(GATHER_SECONDS)
                batch = list(islice(queue, BATCH))
                taken = await self._deliver(url, self._encoder.encode(batch))
                for _ in batch:
                    queue.popleft()
                self.sent += len(batch) if taken else 0
                self.given_up += 0 if taken else len(batch)
        finally:
            del self._senders[url], self._waiting[url]

    async def _deliver(self, url: str, body: bytes) -> bool:
        """Post until the receiver takes the batch or refuses it for good, or until patience ends."""
        headers = {"Content-Type": "application/json", SIGNATURE: sign(self._secret, body)}
        patience_ends = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        pause = FIRST_PAUSE
        while True:
            try:
                status = (await self._http.post(url, content=body, headers=headers)).status_code
            except httpx.TransportError:
                status = None
            if status is not None and 200 <= status < 300:
                return True
            passing = status is None or status >= 500 or status in (408, 429)
            if not passing or asyncio.get_running_loop().time() > patience_ends:
                log.warning("A callback was not taken.", status=status)
                return False
            self.retries += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
