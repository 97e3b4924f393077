"""The simulator inside the caller's own process: for `demo`, benchmarks, and simulations on virtual time."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never

from agentalk.carriers.carrier import (
    Absent,
    Accepted,
    EventSink,
    ForgedCallback,
    Found,
    Listed,
    PlaceAnswer,
    Placement,
    Refused,
    Unsure,
)
from agentalk.carriers.simulator.exchange import Answer, Exchange
from agentalk.carriers.simulator.faults import NO_FAULTS, Fault, Faults
from agentalk.carriers.simulator.ledger import Ledger
from agentalk.carriers.simulator.world import Mix
from agentalk.domain.call import CallEvent
from agentalk.domain.clock import Clock
from agentalk.domain.ids import CallId


class SimulatedCarrier:
    """A carrier in memory. `Absent` is true of this process and of the ledger it was given, and of nothing else.

    With a clock, it is made inside a running event loop, and calls `sink` by itself when events fall due, but never
    within `place`. Without one it stands still until `advance` is called.
    """

    kind = "simulator"
    absent_proves_after = timedelta(seconds=15)

    def __init__(
        self,
        *,
        clock: Clock | None,
        sink: EventSink,
        mix: Mix | None = None,
        faults: Faults = NO_FAULTS,
        ledger: Ledger | None = None,
    ) -> None:
        self.exchange = Exchange(mix=mix, faults=faults, ledger=ledger)
        self._clock = clock
        self._sink = sink
        self._loop = asyncio.get_running_loop() if clock else None
        self._timer: asyncio.Handle | None = None
        self._timer_due: datetime | None = None
        self._set_timer()

    async def place(self, placement: Placement, now: datetime) -> PlaceAnswer:
        """As the protocol says. A slow reply takes its time; one that never comes is told at once."""
        answer = self.take(placement, now)
        if answer.fault is Fault.SLOW_REPLY and self._clock:
            await self._clock.sleep(timedelta(seconds=self.exchange.faults.slow_reply_seconds))
        return _as_told(answer)

    def take(self, placement: Placement, now: datetime, report_to: str = "") -> Answer:
        """Place a call and say what became of it, the fault included: what the server needs to misbehave for real."""
        answer = self.exchange.place(placement, now, report_to)
        self._set_timer()
        return answer

    async def find(self, call_id: CallId, now: datetime) -> Found | Absent:
        """As the protocol says; never unsure."""
        return self.exchange.find(call_id, now)

    async def placed_since(self, moment: datetime, now: datetime) -> tuple[Listed, ...]:
        """As the protocol says; never unsure."""
        return self.exchange.placed_since(moment, now)

    async def hangup(self, carrier_call_id: str, now: datetime) -> None:
        """As the protocol says."""
        self.exchange.hangup(carrier_call_id, now)
        self._set_timer()

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> list[CallEvent]:  # noqa: ARG002
        """Always raises `ForgedCallback`: this carrier reports without HTTP."""
        raise ForgedCallback("The simulator inside this process sends no callbacks.")

    def advance(self, now: datetime) -> list[CallEvent]:
        """Let time pass until `now`, and hand what fell due to the sink; returns it too."""
        events = self.exchange.advance(now)
        for event in events:
            self._sink(event)
        return events

    async def close(self) -> None:
        """Report nothing more. The ledger belongs to whoever made it."""
        if self._timer:
            self._timer.cancel()
        self._loop = None

    def _set_timer(self) -> None:
        due = self.exchange.next_due()
        if not self._loop or not self._clock or due is None:
            return
        if self._timer_due is not None and self._timer_due <= due:
            return
        if self._timer:
            self._timer.cancel()
        self._timer_due = due
        seconds = (due - self._clock.now()).total_seconds() / self._clock.speed
        if seconds > 0:
            self._timer = self._loop.call_later(seconds, self._ring)
        else:
            self._timer = self._loop.call_soon(self._ring)

    def _ring(self) -> None:
        self._timer = self._timer_due = None
        if not self._loop or not self._clock:
            return
        try:
            for event in self.exchange.advance(self._clock.now()):
                # One by one, so that a sink that fails loses its own event and no other.
                self._loop.call_soon(self._sink, event)
        finally:
            self._set_timer()


def _as_told(answer: Answer) -> PlaceAnswer:
    match answer.fault:
        case None | Fault.SLOW_REPLY:
            return Accepted(answer.carrier_call_id)
        case Fault.TOO_MANY_REQUESTS:
            return Refused(answer.fault.value, slow_down=True)
        case Fault.BAD_REQUEST:
            return Refused(answer.fault.value)
        case Fault.SERVER_ERROR | Fault.SERVER_ERROR_PLACED | Fault.RESET | Fault.RESET_PLACED:
            return Unsure(answer.fault.value)
        case Fault.ACCEPT_THEN_TIMEOUT:
            return Unsure("timeout")
    assert_never(answer.fault)
