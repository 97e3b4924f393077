"""One thing moves at a time: an event loop on virtual time, and the hand that chooses who goes next.

Everybody stops at a *gate* before each statement, each commit and each request to a carrier. When nobody is moving, the
hand opens one gate, chosen by the seed; when no gate may be opened yet, time passes to the next moment at which
something happens. Nothing here waits for real time but a statement that runs: a thousand virtual days cost what their
statements cost, and the same seed takes the same way.
"""

import asyncio
import contextvars
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from random import Random
from typing import Any, Protocol

ACTOR: contextvars.ContextVar["Actor"] = contextvars.ContextVar("actor")


class Stuck(Exception):
    """Nobody can ever move again."""


class Ended(Exception):
    """The world has ended: an invariant does not hold."""


class Waiter(Protocol):
    """A statement that waits within PostgreSQL for somebody's lock."""

    freed: asyncio.Future[None]
    actor: "Actor"

    def still_waits(self) -> bool:
        """Whether the lock it waits for is still held; waits until that is certain."""


class Actor:
    """Somebody with a will of their own: a dialer process, a user, the carrier's callbacks."""

    def __init__(self, name: str, hand: "Hand") -> None:
        self.name = name
        self.dead = False
        self.frozen_until: float = 0
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.died: Callable[[], None] = lambda: None
        self._hand = hand
        self.context = contextvars.copy_context()
        self.context.run(ACTOR.set, self)

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do `work` as this actor, and so everything that it starts."""
        return self._hand.loop.create_task(work, context=self.context)

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """As `start`, for work that nobody waits for."""
        self.start(work).add_done_callback(lambda _: None)

    def kill(self) -> None:
        """As SIGKILL: nothing of it moves again. What it sent is sent; its transactions end, and its memory is gone."""
        self.dead = True
        for task in list(self.tasks):
            task.cancel()
        self.died()


@dataclass(eq=False)
class Gate:
    """Where an actor waits to be let on. `dropped` says what happened to it meanwhile."""

    actor: Actor
    label: str
    opened: asyncio.Future[None]
    since: float
    not_before: float
    # Whether it opens although its actor is frozen: what has been handed to the network leaves all the same.
    leaves: bool = False
    # Within a transaction: how to end it, if its owner sleeps for longer than the database allows.
    drop: Callable[[], None] | None = None

    @property
    def opens_at(self) -> float:
        """When its actor may be let on."""
        return self.not_before if self.leaves else max(self.not_before, self.actor.frozen_until)


class Hand:
    """Chooses who moves. `stay` is the chance that the one who moved last goes on, `latency` draws a step's delay."""

    def __init__(self, seed: int, start: datetime) -> None:
        self.random = Random(seed)
        self.start = start
        self.loop = VirtualLoop(self)
        self.stay = 0.5
        self.latency: Callable[[], float] = lambda: 0.0
        self.steps = 0
        self.switches = 0
        self.waits = 0
        self.failure: Exception | None = None
        self.blocked: list[Waiter] = []
        self.time_passes: Callable[[datetime], None] = lambda _: None
        self.trace: Callable[[str, str, str], None] = lambda *_: None
        self._gates: list[Gate] = []
        self._last: Actor | None = None

    def now(self) -> datetime:
        """The present moment."""
        # Rounded up: a moment that has been waited for is reached.
        return self.start + timedelta(microseconds=ceil(self.loop.virtual * 1e6 - 1e-3))

    def seconds_until(self, moment: datetime) -> float:
        """From now; at least 0."""
        return max(0.0, (moment - self.start).total_seconds() - self.loop.virtual)

    async def gate(self, label: str, drop: Callable[[], None] | None = None, *, leaves: bool = False) -> None:
        """Wait to be let on."""
        actor = ACTOR.get()
        if actor.dead:
            raise asyncio.CancelledError
        now = self.loop.virtual
        gate = Gate(actor, label, self.loop.create_future(), now, now + self.latency(), leaves, drop)
        self._gates.append(gate)
        if self._is_next(gate):
            # As `idle` would, without a turn of the loop.
            self._let_on(self._choose([gate]))
            return
        try:
            await gate.opened
        finally:
            if gate in self._gates:
                self._gates.remove(gate)

    def _is_next(self, gate: Gate) -> bool:
        """Whether nobody else can move."""
        now = self.loop.virtual
        if self.blocked or self.failure is not None or self.loop.is_busy:
            return False
        return gate.opens_at <= now and all(other is gate or other.opens_at > now for other in self._gates)

    def idle(self, timeout: float | None) -> None:
        """Nobody moves: let somebody on, or let time pass, for `timeout` seconds at most."""
        if self.failure is not None:
            raise Ended from self.failure
        if self.blocked and self._free_blocked():
            return
        now = self.loop.virtual
        open_at = [gate.opens_at for gate in self._gates]
        able = [gate for gate, moment in zip(self._gates, open_at, strict=True) if moment <= now]
        if able:
            self._let_on(self._choose(able))
            return
        moments = [moment - now for moment in open_at]
        if timeout is not None:
            moments.append(timeout)
        if not moments:
            raise Stuck(f"{len(self.blocked)} statements wait for locks, and nothing else is to come")
        self._pass(min(moments))

    def _choose(self, able: list[Gate]) -> Gate:
        own = [gate for gate in able if gate.actor is self._last]
        if own and self.random.random() < self.stay:
            return own[0] if self.random.random() < 0.7 else self.random.choice(own)
        return able[0] if len(able) == 1 else self.random.choice(able)

    def _let_on(self, gate: Gate) -> None:
        self.steps += 1
        self.switches += gate.actor is not self._last
        self._last = gate.actor
        self._gates.remove(gate)
        if not gate.opened.done():
            gate.opened.set_result(None)

    def _free_blocked(self) -> bool:
        """Let on who no longer waits for a lock, one at a time."""
        free = [waiter for waiter in list(self.blocked) if not waiter.still_waits()]
        if not free:
            return False
        first = free[0]
        self.blocked.remove(first)
        self.steps += 1
        if not first.freed.done():
            first.freed.set_result(None)
        return True

    def _pass(self, seconds: float) -> None:
        for gate in self._gates:
            if gate.drop is not None:
                seconds = min(seconds, max(0.0, gate.since + IDLE_SECONDS - self.loop.virtual))
        self.loop.virtual += seconds
        for gate in self._gates:
            if gate.drop is not None and gate.since + IDLE_SECONDS <= self.loop.virtual:
                self.trace(gate.actor.name, "transaction ended", "it was idle for too long")
                gate.drop()
                gate.drop = None
        self.time_passes(self.now())


# As the engine's connections ask of the database: a transaction whose owner sleeps is ended.
IDLE_SECONDS = 5.0


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop without sockets, whose time is told to it."""

    def __init__(self, hand: Hand) -> None:
        super().__init__(_Stillness(hand))
        self.virtual = 0.0
        self.set_task_factory(_register)

    def time(self) -> float:
        return self.virtual

    @property
    def is_busy(self) -> bool:
        """Whether something is to be called before time passes."""
        scheduled = self._scheduled  # type: ignore[attr-defined]
        soon = self.virtual + self._clock_resolution  # type: ignore[attr-defined]
        return bool(self._ready) or bool(scheduled and scheduled[0]._when < soon)  # type: ignore[attr-defined]


class _Stillness(selectors.SelectSelector):
    def __init__(self, hand: Hand) -> None:
        super().__init__()
        self._hand = hand

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self._hand.idle(timeout)
        return []


def _register(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    context = options.get("context")
    actor = context.get(ACTOR) if context else ACTOR.get(None)
    if actor is not None:
        actor.tasks[task] = None
        task.add_done_callback(lambda done: actor.tasks.pop(done, None))
        if actor.dead:
            task.cancel()
    return task
