"""What goes wrong with processes and connections, as often as a world's seed wants it."""

from collections import Counter
from random import Random
from typing import Literal

import msgspec

from tests.simulation.schedule import Actor, Hand

Fault = Literal["lost", "collision", "crash", "freeze"]


class Rates(msgspec.Struct, frozen=True):
    """Chances, from 0 to 1: per statement, per commit, per request to the carrier. Times are in seconds."""

    lost: float = 0.0
    collision: float = 0.0
    crash: float = 0.0
    freeze: float = 0.0
    answer_lost: float = 0.0
    crash_after_commit: float = 0.0
    freeze_seconds: tuple[float, float] = (3.0, 180.0)


NO_FAULTS = Rates()


class Striker:
    """Decides at each gate whether something goes wrong there, and counts what did."""

    def __init__(self, hand: Hand, random: Random) -> None:
        self.rates = NO_FAULTS
        self.struck: Counter[str] = Counter()
        self.mortal: dict[Actor, None] = {}
        self._hand = hand
        self._random = random

    def before_statement(self, actor: Actor, label: str) -> Fault | None:
        """What happens to `actor` instead of its next statement."""
        rates = self.rates
        if rates is NO_FAULTS:
            return None
        lot = self._random.random()
        if lot < rates.lost:
            return self._struck("lost")
        if lot < rates.lost + rates.collision:
            return self._struck("collision")
        if actor not in self.mortal:
            return None
        if lot < rates.lost + rates.collision + rates.crash:
            self._kill(actor)
            return self._struck("crash")
        if lot < rates.lost + rates.collision + rates.crash + rates.freeze:
            self.freeze(actor)
            return self._struck("freeze")
        return None

    def after_commit(self, actor: Actor) -> Fault | None:
        """What keeps the answer to a commit from `actor`: the commit stands."""
        rates = self.rates
        if rates is NO_FAULTS:
            return None
        lot = self._random.random()
        if lot < rates.answer_lost:
            self._struck("answer lost")
            return "lost"
        if actor in self.mortal and lot < rates.answer_lost + rates.crash_after_commit:
            self._kill(actor)
            self._struck("crash after commit")
            return "crash"
        if actor in self.mortal and lot < rates.answer_lost + rates.crash_after_commit + rates.freeze:
            self.freeze(actor)
            return self._struck("freeze")
        return None

    def freeze(self, actor: Actor) -> None:
        """Stop a process for a while, wherever it is."""
        seconds = self._random.uniform(*self.rates.freeze_seconds)
        actor.frozen_until = max(actor.frozen_until, self._hand.loop.virtual + seconds)
        self._hand.trace(actor.name, "frozen", f"for {seconds:.0f} s")

    def crash(self, actor: Actor, kind: str) -> None:
        """Kill a process."""
        self._kill(actor)
        self._struck(kind)

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens now."""
        return probability > 0 and self._random.random() < probability

    def _kill(self, actor: Actor) -> None:
        self._hand.trace(actor.name, "killed", "")
        actor.kill()

    def _struck(self, kind: str) -> Fault:
        self.struck[kind] += 1
        return kind  # type: ignore[return-value]
