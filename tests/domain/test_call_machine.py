"""A call against a simple model: whatever is reported of it, in any order and any number of times."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agentalk.domain.call import (
    Bound,
    CallEvent,
    CallStatus,
    Course,
    Doubtful,
    EventType,
    Lost,
    NotPlaced,
    Outcome,
    Report,
    apply,
    dated,
)
from agentalk.domain.ids import CallId

CALL = CallId(UUID(int=1))
DIALED = datetime(2026, 3, 4, 15, tzinfo=UTC)
RANK: dict[CallStatus, int] = {status: rank for rank, status in enumerate(CallStatus)}
LEGS = ("leg-1", "leg-2")
# Seconds that a carrier's clock may be off by.
CLOCKS = st.sampled_from([0, 0, 0, 30, -30, 10**8, -(10**8)])


class CallMachine(RuleBasedStateMachine):
    """What is known: where the call stands, who has it, and how it ended. Time passes with every report."""

    def __init__(self) -> None:
        super().__init__()
        self.course = Course(status=CallStatus.DIALING)
        self.rank, self.leg = RANK[CallStatus.DIALING], ""
        self.end: tuple[Outcome, datetime] | None = None
        self.now = DIALED
        self.told: list[Report] = []

    def tell(self, report: Report) -> None:
        self.now += timedelta(seconds=1)
        before = self.course
        if isinstance(report, CallEvent):
            report = dated(report, before, DIALED, self.now)
        self.course = apply(before, report)
        assert apply(self.course, report) == self.course, "the same again changes nothing"
        if self.end:
            assert self.course == before, "the first end stands"
        self.told.append(report)

    def ends(self, outcome: Outcome) -> None:
        if self.end is None:
            self.end, self.rank = (outcome, self.now), RANK[CallStatus.ENDED]

    def reaches(self, status: CallStatus, leg: str) -> None:
        if self.end is None:
            self.rank, self.leg = max(self.rank, RANK[status]), self.leg or leg

    @rule(off=CLOCKS, leg=st.sampled_from(LEGS), type=st.sampled_from([EventType.RINGING, EventType.ANSWERED]))
    def moves(self, off: int, leg: str, type: EventType) -> None:
        self.tell(self.event(type, leg, off))
        self.reaches(CallStatus.RINGING if type is EventType.RINGING else CallStatus.IN_PROGRESS, leg)

    @rule(off=CLOCKS, leg=st.sampled_from(LEGS), outcome=st.sampled_from(Outcome))
    def reports_an_end(self, off: int, leg: str, outcome: Outcome) -> None:
        self.tell(self.event(EventType.ENDED, leg, off, outcome))
        self.reaches(CallStatus.ENDED, leg)
        self.ends(outcome)

    @rule(leg=st.sampled_from(LEGS))
    def accepts(self, leg: str) -> None:
        self.tell(Bound(CALL, leg))
        self.reaches(CallStatus.DIALING, leg)

    @rule(for_good=st.booleans())
    def refuses(self, for_good: bool) -> None:
        self.tell(NotPlaced(CALL, self.now, "refused", for_good))
        if not self.leg:
            self.ends(Outcome.NOT_PLACED)

    @rule()
    def is_unsure(self) -> None:
        self.tell(Doubtful(CALL, self.now))
        if not self.leg:
            self.reaches(CallStatus.UNCERTAIN, "")

    @rule()
    def is_given_up(self) -> None:
        self.tell(Lost(CALL, self.now))
        self.ends(Outcome.UNKNOWN)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def is_repeated(self, data: st.DataObject) -> None:
        """Any earlier report comes again: none of them is news but one that was passed over for want of a leg."""
        report = data.draw(st.sampled_from(self.told))
        if isinstance(report, CallEvent | Bound | Lost):
            before = self.course
            self.tell(report)
            assert self.course == before

    @invariant()
    def is_as_the_model_says(self) -> None:
        course = self.course
        assert RANK[course.status] == self.rank
        assert (course.carrier_call_id or "") == self.leg
        assert course.outcome == (self.end and self.end[0])
        assert (course.ended_at is None) == (self.end is None)

    @invariant()
    def happened_in_order_and_not_in_the_future(self) -> None:
        course = self.course
        moments = [course.answered_at or course.ringing_at, course.ended_at]
        known = [DIALED, *(moment for moment in moments if moment), self.now]
        assert known == sorted(known)

    def event(self, type: EventType, leg: str, off: int, outcome: Outcome | None = None) -> CallEvent:
        at = self.now + timedelta(seconds=off)
        number = list(EventType).index(type) + 1
        return CallEvent(call_id=CALL, carrier_call_id=leg, type=type, sequence=number, at=at, outcome=outcome)


TestCall = CallMachine.TestCase
TestCall.settings = settings(max_examples=400, stateful_step_count=15, deadline=None, derandomize=True)
