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
_FULL_ROUND = timedelta(hours=2)
# Seconds between full rounds when nothing is due.
_POLL = 6 * 3600.0
_PAUSE = 1.0
# Seconds between looks at calls of which nothing was heard: after ten minutes an absent one is forgotten, not proven.
_CHECKS = 150.0


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
        next_check: Callable[[DialerId | None], datetime | None],
        orgs: Collection[OrgId],
    ) -> None:
        self.actor = Actor(name, hand)
        self.dialer: Dialer | None = None
        self.lives = 0
        self._hand, self._name, self._database, self._carriers = hand, name, database, carriers
        self._slots, self._grid, self._next_check, self._orgs = slots, grid, next_check, orgs
        self._alarm: asyncio.Future[bool] | None = None
        self._woken = False

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
        if self._alarm is not None:
            _set(self._alarm, True)

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
        """As the real one's rounds, without those that would find nothing to do: a real one makes one every second."""
        full_round_at = self._hand.now()
        while True:
            now = self._hand.now()
            self._woken = False
            try:
                if now >= full_round_at:
                    full_round_at = now + _FULL_ROUND
                    await dialer.tick(now)
                else:
                    await dialer.tick(now, self._orgs)
                await self._wait(dialer)
            except (*Unavailable, CarrierAway):
                full_round_at = self._hand.now()
                await asyncio.sleep(_PAUSE)

    async def _wait(self, dialer: Dialer) -> None:
        """Until a turn is due or somebody wakes it; what its calls want to be asked about is asked meanwhile."""
        loop = self._hand.loop
        due = min(dialer._agenda.earliest, dialer._next_start)
        if self._woken or dialer._is_stopping or dialer._places_left:
            seconds = 0.0
        else:
            seconds = min(_POLL, self._hand.seconds_until(due))
        end = loop.time() + self._until(seconds)
        while True:
            moment = self._next_check(dialer.id)
            at = end if moment is None else ((loop.time() + self._hand.seconds_until(moment)) // _CHECKS + 1) * _CHECKS
            if await self._sleep(min(at, end)) or loop.time() >= end:
                return
            now, moment = self._hand.now(), self._next_check(dialer.id)
            if moment is not None and moment <= now:
                dialer._next_check = None  # as the real one's does every second
                await dialer.tick(now, ())

    async def _sleep(self, until: float) -> bool:
        """Whether somebody has woken it before that."""
        loop = self._hand.loop
        self._alarm = alarm = loop.create_future()
        timer = loop.call_at(until, _set, alarm, False)
        try:
            await alarm
        finally:
            timer.cancel()
            self._alarm = None
        return bool(alarm.result())

    def _until(self, seconds: float) -> float:
        """Seconds until then, or somewhat later: at moments at which others come too, and there is more to do."""
        grid = self._grid()
        if not grid:
            return seconds
        at = self._hand.loop.virtual + seconds
        return max(0.0, (at // grid + 1) * grid - self._hand.loop.virtual)


def _set(alarm: asyncio.Future[bool], woken: bool) -> None:
    if not alarm.done():
        alarm.set_result(woken)
