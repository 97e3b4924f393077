"""The telephone exchange of the simulated world: it takes calls, keeps their ledger, and knows what is due when.

It has no timer and no network. Whoever owns it tells it the time; the in-process carrier and the server are thin
shells around it, and a simulation on virtual time drives it by itself.
"""

import heapq
import re
from collections import Counter
from datetime import datetime, timedelta
from itertools import count

import msgspec

from agentalk.carriers.carrier import Absent, Found, Listed, Placement
from agentalk.carriers.simulator import world
from agentalk.carriers.simulator.faults import NO_FAULTS, Fault, Faults
from agentalk.carriers.simulator.ledger import Ledger, Placed
from agentalk.domain.call import CallEvent, EventType
from agentalk.domain.ids import CallId

E164 = re.compile(r"\+[1-9][0-9]{1,14}")


class Answer(msgspec.Struct, frozen=True):
    """What became of a request: the carrier's id of the call, empty if nothing rings, and the fault in telling it."""

    carrier_call_id: str
    fault: Fault | None


class Due(msgspec.Struct, frozen=True, order=True):
    """An event that happens or is reported at a time; `order` keeps those of the same time in sequence."""

    at: datetime
    order: int
    event: CallEvent
    reported: bool


class Exchange:
    """Every call of one carrier. `mix` and `faults` may be replaced at any time, for the calls placed from then on.

    Calls that the ledger brings from an earlier process run on, and are reported once more from their beginning.
    """

    def __init__(
        self, *, mix: world.Mix | None = None, faults: Faults = NO_FAULTS, ledger: Ledger | None = None
    ) -> None:
        self.mix = world.Mix() if mix is None else mix
        self.faults = faults
        self.ledger = Ledger() if ledger is None else ledger
        self.faults_shown: Counter[Fault] = Counter()
        self._requests: Counter[str] = Counter()
        self._due: list[Due] = []
        self._order = count()
        for placed in self.ledger.live():
            self._schedule(placed, placed.course)

    def place(self, placement: Placement, now: datetime, report_to: str = "") -> Answer:
        """Place a call, unless a fault prevents it. The same call placed again rings again. Raises `OSError`."""
        phone = placement.phone
        if not E164.fullmatch(phone):
            return Answer("", Fault.BAD_REQUEST)
        fault, reporting = self.faults.decide(self.mix.seed, phone, self._requests[phone])
        if self.faults != NO_FAULTS:
            self._requests[phone] += 1
        if fault is not None:
            self.faults_shown[fault] += 1
            if not fault.rings:
                return Answer("", fault)
        carrier_call_id = self._new_id(placement.call_id)
        placed = Placed(
            call_id=placement.call_id,
            carrier_call_id=carrier_call_id,
            phone=phone,
            caller_id=placement.caller_id,
            at=now,
            course=world.course(self.mix, placement, self.ledger.calls_to(phone), carrier_call_id, now),
            report_to=report_to,
            reporting=reporting,
        )
        self.ledger.place(placed)
        self._schedule(placed, placed.course)
        return Answer(carrier_call_id, fault)

    def find(self, call_id: CallId, now: datetime) -> Found | Absent:
        """The call and its events until `now`; the last placement of it, if there are several."""
        placements = self.ledger.of_call(call_id)
        if not placements:
            return Absent()
        return _so_far(placements[-1], now)

    def placed_since(self, moment: datetime, now: datetime) -> tuple[Listed, ...]:
        """Every call placed at `moment` or later, in order, each with its events until `now`."""
        return tuple(
            Listed(placed.call_id, placed.phone, placed.caller_id, placed.at, _so_far(placed, now))
            for placed in self.ledger.since(moment)
        )

    def hangup(self, carrier_call_id: str, now: datetime) -> None:
        """End a call now, if it lives."""
        placed = self.ledger.find(carrier_call_id)
        if placed is None or placed.course[-1].at <= now:
            return
        end = world.hung_up(placed.course, now)
        self.ledger.end(end)
        self._schedule(placed, (end,))

    def next_due(self) -> datetime | None:
        """When `advance` will next have something to do."""
        return self._due[0].at if self._due else None

    def advance(self, now: datetime) -> list[CallEvent]:
        """Let time pass until `now`: ends go to the ledger, and the reports that fell due are returned in order."""
        reports = []
        while self._due and self._due[0].at <= now:
            due = heapq.heappop(self._due)
            event = due.event
            placed = self.ledger.find(event.carrier_call_id)
            # A call that was hung up no longer has the events it would have had.
            if placed is None or not any(event is one for one in placed.course):
                continue
            if event.type is EventType.ENDED:
                self.ledger.end(event)
            if due.reported:
                reports.append(event)
        return reports

    def _schedule(self, placed: Placed, events: tuple[CallEvent, ...]) -> None:
        how = placed.reporting
        end = events[-1]
        if how.copies != 1 or how.delay_seconds or how.backwards:
            self._push(end.at, end, reported=False)
        delay = timedelta(seconds=how.delay_seconds)
        for event in reversed(events) if how.backwards else events:
            for _ in range(how.copies):
                self._push((end if how.backwards else event).at + delay, event, reported=True)

    def _push(self, at: datetime, event: CallEvent, *, reported: bool) -> None:
        heapq.heappush(self._due, Due(at, next(self._order), event, reported))

    def _new_id(self, call_id: CallId) -> str:
        # Never used before, also by a carrier that has lost its ledger, and the same in a second run.
        earlier = len(self.ledger.of_call(call_id))
        return f"sim-{call_id.hex}" + (f"-{earlier + 1}" if earlier else "")


def _so_far(placed: Placed, now: datetime) -> Found:
    return Found(placed.carrier_call_id, tuple(event for event in placed.course if event.at <= now))
