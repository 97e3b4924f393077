"""What reports do to a call: any order, any number of times, one end."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalk.domain.call import (
    LIVE_STATUSES,
    TRANSITIONS,
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
)
from agentalk.domain.ids import CallId

CALL = CallId(UUID(int=1))
START = datetime(2026, 3, 4, 15, tzinfo=UTC)
SEQUENCE = {EventType.RINGING: 1, EventType.ANSWERED: 2, EventType.ENDED: 3}


def event(kind: EventType, second: int = 0, outcome: Outcome | None = None) -> CallEvent:
    if kind is EventType.ENDED and outcome is None:
        outcome = Outcome.ANSWERED
    return CallEvent(
        call_id=CALL,
        carrier_call_id="c-1",
        type=kind,
        sequence=SEQUENCE[kind],
        at=START + timedelta(seconds=second),
        outcome=outcome,
    )


RINGING, ANSWERED, ENDED = (event(kind, n) for n, kind in enumerate(EventType))
REPORTS = st.sampled_from(
    [
        RINGING,
        ANSWERED,
        ENDED,
        event(EventType.ENDED, 9, Outcome.BUSY),
        Bound(CALL, "c-1"),
        NotPlaced(CALL, START, "refused"),
        Doubtful(CALL, START),
        Lost(CALL, START),
    ]
)
COURSES = st.sampled_from(CallStatus).map(
    lambda status: Course(
        status=status,
        outcome=Outcome.ANSWERED if status is CallStatus.ENDED else None,
        ended_at=START if status is CallStatus.ENDED else None,
        uncertain_at=START if status is CallStatus.UNCERTAIN else None,
        carrier_call_id="c-1" if status in (CallStatus.RINGING, CallStatus.IN_PROGRESS) else None,
    )
)


def told(course: Course, reports: list[Report]) -> Course:
    for report in reports:
        course = apply(course, report)
    return course


@given(COURSES, REPORTS)
def test_only_the_table_moves_a_call(course: Course, report: Report) -> None:
    after = apply(course, report).status
    assert after == course.status or after in TRANSITIONS[course.status]


@given(COURSES, REPORTS)
def test_a_repeated_report_changes_nothing(course: Course, report: Report) -> None:
    once = apply(course, report)
    assert apply(once, report) == once


@given(COURSES, st.lists(REPORTS, max_size=8))
def test_the_first_end_stands(course: Course, reports: list[Report]) -> None:
    seen = course
    for report in reports:
        after = apply(seen, report)
        if seen.status in (CallStatus.ENDED, CallStatus.RELEASED):
            assert after == seen
        seen = after


@given(COURSES, st.lists(REPORTS, max_size=8))
def test_what_the_database_demands_holds(course: Course, reports: list[Report]) -> None:
    seen = told(course, reports)
    assert (seen.status is CallStatus.ENDED) == (seen.outcome is not None) == (seen.ended_at is not None)
    assert seen.status is not CallStatus.UNCERTAIN or seen.uncertain_at is not None


@given(st.permutations([RINGING, ANSWERED, ENDED]))
def test_any_order_of_callbacks_comes_to_the_same_end(order: list[CallEvent]) -> None:
    end = told(Course(status=CallStatus.DIALING), list(order))
    assert (end.status, end.outcome, end.carrier_call_id) == (CallStatus.ENDED, Outcome.ANSWERED, "c-1")


def test_a_callback_before_the_reply_binds_the_call_and_outweighs_a_refusal() -> None:
    course = told(Course(status=CallStatus.DIALING), [RINGING, NotPlaced(CALL, START, "500"), Doubtful(CALL, START)])
    assert (course.status, course.carrier_call_id) == (CallStatus.RINGING, "c-1")


@pytest.mark.parametrize("status", [CallStatus.RESERVED, CallStatus.RELEASED])
def test_nobody_can_report_a_call_that_was_never_dialled(status: CallStatus) -> None:
    assert told(Course(status=status), [RINGING, ENDED]).status is status


def test_live_is_what_has_not_ended() -> None:
    assert set(CallStatus) - set(LIVE_STATUSES) == {CallStatus.ENDED, CallStatus.RELEASED}
    assert {status for status in CallStatus if not TRANSITIONS[status]} == {CallStatus.ENDED, CallStatus.RELEASED}
