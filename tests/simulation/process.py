"""A dialer process of a simulated world: it ticks when something is due, dies, and is replaced."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from agentalk.carriers.carrier import Carrier
from agentalk.dialer import Dialer, Fenced
from agentalk.dialer.catching_up import CarrierAway
from agentalk.domain.call import CallEvent
from agentalk.domain.ids import DialerId, OrgId
from agentalk.store.database import HANG_UP, Database, Unavailable
from tests.simulation.schedule import Actor, Hand

LEASE = timedelta(seconds=30)
_FULL_ROUND = timedelta(minutes=10)
# Seconds between full rounds when nothing is due. (A real one makes one every second: the rounds between do nothing.)
_POLL = 4 * 3600.0
_PAUSE = 1.0


class VirtualClock:
    """The world's clock, as the engine asks for it."""

    speed = 1.0
    is_wall = False

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def now(self) -> datetime:
        """The present moment."""
        return self._hand.now()


class Process:
    """One dialer process after another, under one name; the next begins when one has died."""

    def __init__(
        self,
        hand: Hand,
        name: str,
        database: Database,
        carriers: Mapping[str, Carrier],
        slots: int,
        grid: Callable[[], float],
        org: OrgId,
    ) -> None:
        self.actor = Actor(name, hand)
        self.dialer: Dialer | None = None
        self.lives = 0
        self._hand, self._name, self._database, self._carriers = hand, name, database, carriers
        self._slots, self._grid = slots, grid
        self._alarm: asyncio.Future[None] | None = None
        self._woken = False
        self._orgs = {org}

    def live(self) -> None:
        """Begin."""
        self.lives += 1
        self.actor = Actor(f"{self._name}.{self.lives}", self._hand)
        self.dialer, self._alarm, self._woken = None, None, False
        self.actor.begin(self._live())

    def hear_of(self, text: str) -> None:
        """A notification arrives: see to it soon."""
        if text in (HANG_UP, "") and self.dialer is not None:
            self.dialer._next_check = None  # as `run` does
        self._woken = True
        self._hand.loop.call_later(self._until(0.0), self._wake)

    def _wake(self) -> None:
        if self._alarm is not None and not self._alarm.done():
            self._alarm.set_result(None)

    def beat(self, beaten: Collection[DialerId], now: datetime) -> None:
        """The world has beaten for these dialers, as each does beside its rounds."""
        if self.dialer is not None and self.dialer.id in beaten:
            self.dialer._beat_at = now

    def hear(self, event: CallEvent) -> bool:
        """A carrier reports; whether anybody was there to hear it."""
        if self.dialer is None or self.dialer.dispatcher is None or self.actor.dead:
            return False
        self.actor.context.run(self.dialer.hear, "simulator", event)
        return True

    async def _live(self) -> None:
        while True:
            self.dialer = Dialer(self._database, self._carriers, slots=self._slots, lease=LEASE)
            clock: Any = VirtualClock(self._hand)
            self.dialer._clock = clock  # as `run` does
            try:
                await self._repeat(self.dialer)
            except Fenced:
                self._hand.trace(self.actor.name, "finds itself fenced", "")

    async def _repeat(self, dialer: Dialer) -> None:
        moment: datetime | None = None
        full_round_at = self._hand.now()
        while True:
            now = self._hand.now()
            self._woken = False
            try:
                if moment is None or now >= full_round_at:
                    full_round_at = now + _FULL_ROUND
                    moment = await dialer.tick(now)
                else:
                    moment = await dialer.tick(now, self._orgs)
            except (*Unavailable, CarrierAway):
                moment = None
                await asyncio.sleep(_PAUSE)
                continue
            await self._wait(moment)

    def _until(self, seconds: float) -> float:
        """Seconds until then, or somewhat later: at moments at which others come too, and there is more to do."""
        grid = self._grid()
        if not grid:
            return seconds
        at = self._hand.loop.virtual + seconds
        return max(0.0, (at // grid + 1) * grid - self._hand.loop.virtual)

    async def _wait(self, moment: datetime | None) -> None:
        if self._woken:
            seconds = self._until(0.0)
        else:
            seconds = self._until(_POLL if moment is None else min(_POLL, self._hand.seconds_until(moment)))
        loop = self._hand.loop
        self._alarm = alarm = loop.create_future()
        timer = loop.call_later(seconds, _set, alarm)
        try:
            await alarm
        finally:
            timer.cancel()
            self._alarm = None


def _set(alarm: asyncio.Future[None]) -> None:
    if not alarm.done():
        alarm.set_result(None)
