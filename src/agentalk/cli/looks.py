"""One look at a campaign after another, and the pace that shows between them."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from agentalk.cli.client import Client, Record

RECENT_CALLS = 12
OPEN = ("pending", "waiting", "calling")
ENDED = ("completed", "exhausted", "skipped", "canceled")
# Rates are read off the last so many seconds.
_WINDOW_SECONDS = 20.0


@dataclass(frozen=True)
class Look:
    """A campaign as it stood at one moment. `seconds_left` is an estimate, None if there is nothing to go by."""

    campaign: Record
    calls: list[Record]
    calls_total: int
    calls_per_second: float
    seconds_left: float | None

    @property
    def counts(self) -> dict[str, int]:
        """Contacts by status."""
        return dict(self.campaign["counts"])

    @property
    def ended(self) -> int:
        """Contacts that reached an end."""
        return sum(self.counts[name] for name in ENDED)


class Watcher:
    """Looks at one campaign again and again, and so learns its pace."""

    def __init__(self, client: Client, campaign: str, timer: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._campaign = campaign
        self._timer = timer
        self._past: deque[tuple[float, int, int]] = deque()

    async def look(self) -> Look:
        """How it stands now."""
        campaign = await self._client.get(f"/api/campaigns/{self._campaign}")
        calls = await self._client.get(f"/api/campaigns/{self._campaign}/calls", limit=RECENT_CALLS)
        total = calls["pagination"]["total"]
        counts = campaign["counts"]
        ended = sum(counts[name] for name in ENDED)
        seconds, called, finished = self._pace(total, ended)
        left = sum(counts[name] for name in OPEN)
        return Look(
            campaign=campaign,
            calls=calls["data"],
            calls_total=total,
            calls_per_second=called / seconds if seconds else 0.0,
            seconds_left=left * seconds / finished if left and finished and seconds else None,
        )

    def _pace(self, calls: int, ended: int) -> tuple[float, int, int]:
        """Seconds looked back, and calls placed and contacts finished in them."""
        now = self._timer()
        self._past.append((now, calls, ended))
        while len(self._past) > 2 and self._past[1][0] <= now - _WINDOW_SECONDS:
            self._past.popleft()
        then, calls_then, ended_then = self._past[0]
        return now - then, calls - calls_then, ended - ended_then
