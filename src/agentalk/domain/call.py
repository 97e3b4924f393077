"""One attempt to reach a contact: its states, its outcomes, and what an event does to it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

import msgspec
from msgspec.structs import replace

from agentalk.domain.ids import CallId, CampaignId, ContactId


class CallStatus(StrEnum):
    """Where a call stands. `released` is a reservation given back; it used no attempt and is not shown."""

    RESERVED = "reserved"
    DIALING = "dialing"
    UNCERTAIN = "uncertain"
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"
    ENDED = "ended"
    RELEASED = "released"


class Outcome(StrEnum):
    """What became of a call."""

    ANSWERED = "answered"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    UNWANTED = "unwanted"
    BLOCKED = "blocked"
    INVALID_NUMBER = "invalid_number"
    UNREACHABLE = "unreachable"
    FAX = "fax"
    CARRIER_FAILURE = "carrier_failure"
    NOT_PLACED = "not_placed"
    AGENT_ERROR = "agent_error"
    ABANDONED = "abandoned"
    CANCELED = "canceled"
    UNKNOWN = "unknown"
    OPTED_OUT = "opted_out"


class AnsweredBy(StrEnum):
    """Who or what took the call."""

    HUMAN = "human"
    VOICEMAIL = "voicemail"
    IVR = "ivr"
    CALL_SCREEN = "call_screen"
    FAX = "fax"
    UNKNOWN = "unknown"


class EventType(StrEnum):
    """What a carrier reports of a call."""

    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


class Utterance(msgspec.Struct, frozen=True):
    """One line of a transcript. `at` is in seconds since the answer."""

    at: float
    speaker: str
    text: str


class CallEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One report of a carrier's about one call.

    (`carrier_call_id`, `type`, `sequence`) identifies the report: the same one delivered again carries the same three.
    `at` is when it happened, by the carrier's clock. Only an `ended` event has an outcome, and then always; and only it
    has a `callback_at`, the time at which the callee asked to be called: without an offset, a time where the callee is.
    """

    call_id: CallId
    carrier_call_id: str
    type: EventType
    sequence: int
    at: datetime
    outcome: Outcome | None = None
    answered_by: AnsweredBy | None = None
    ended_reason: str | None = None
    message_left: bool = False
    transcript: tuple[Utterance, ...] = ()
    callback_at: datetime | None = None


class Bound(msgspec.Struct, frozen=True):
    """The carrier took the call, under an id of its own."""

    call_id: CallId
    carrier_call_id: str


class NotPlaced(msgspec.Struct, frozen=True):
    """The carrier certainly placed nothing. `for_good`: and would not if it were asked again."""

    call_id: CallId
    at: datetime
    reason: str
    for_good: bool = False


class Doubtful(msgspec.Struct, frozen=True):
    """Nobody knows whether the carrier heard the request."""

    call_id: CallId
    at: datetime


class Lost(msgspec.Struct, frozen=True):
    """The carrier does not know, or does not say, what became of the call: it is given up."""

    call_id: CallId
    at: datetime


Report = CallEvent | Bound | NotPlaced | Doubtful | Lost


class CallSummary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One attempt to reach a contact, as lists show it.

    `carrier` is the kind of carrier, `duration_seconds` runs from the answer to the end.
    """

    id: CallId
    campaign_id: CampaignId
    contact_id: ContactId
    attempt: int
    status: CallStatus
    outcome: Outcome | None
    answered_by: AnsweredBy | None
    phone: str
    caller_id: str | None
    carrier: str
    carrier_call_id: str | None
    reserved_at: datetime
    dialed_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None
    ended_reason: str | None


class Call(CallSummary, frozen=True, kw_only=True, rename="camel"):
    """One attempt to reach a contact, with what was said.

    `policy_version` names the policy that it was decided by; `decision` is what spoke for it then.
    """

    policy_version: str | None
    decision: dict[str, Any] | None
    transcript: tuple[Utterance, ...]


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a call so far: the part of it that events change."""

    status: CallStatus
    carrier_call_id: str | None = None
    uncertain_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    answered_by: AnsweredBy | None = None
    ended_reason: str | None = None
    message_left: bool = False
    transcript: tuple[Utterance, ...] = ()
    refused_for_good: bool = False
    callback_at: datetime | None = None


LIVE_STATUSES = tuple(status for status in CallStatus if status not in (CallStatus.ENDED, CallStatus.RELEASED))

# status → the statuses it may turn into. `tests/domain` holds docs/states.md and the code to this table.
TRANSITIONS: Mapping[CallStatus, frozenset[CallStatus]] = {
    CallStatus.RESERVED: frozenset({CallStatus.DIALING, CallStatus.RELEASED}),
    CallStatus.DIALING: frozenset({CallStatus.RINGING, CallStatus.IN_PROGRESS, CallStatus.ENDED, CallStatus.UNCERTAIN}),
    CallStatus.UNCERTAIN: frozenset({CallStatus.RINGING, CallStatus.IN_PROGRESS, CallStatus.ENDED}),
    CallStatus.RINGING: frozenset({CallStatus.IN_PROGRESS, CallStatus.ENDED}),
    CallStatus.IN_PROGRESS: frozenset({CallStatus.ENDED}),
    CallStatus.ENDED: frozenset(),
    CallStatus.RELEASED: frozenset(),
}

_LEADS_TO = {
    EventType.RINGING: CallStatus.RINGING,
    EventType.ANSWERED: CallStatus.IN_PROGRESS,
    EventType.ENDED: CallStatus.ENDED,
}


def dated(event: CallEvent, course: Course, dialed_at: datetime, now: datetime) -> CallEvent:
    """The event at a moment that can be. What is said to have happened before the call was dialled or answered, or in
    the future, is told by a clock that is wrong: the moment at which it is heard of stands in for it.
    """
    ending = event.type is EventType.ENDED
    since = max(filter(None, (dialed_at, course.answered_at, course.ringing_at))) if ending else dialed_at
    return event if since <= event.at <= now else replace(event, at=now)


def apply(course: Course, report: Report) -> Course:
    """The call after one report. What comes late, or again, moves nothing back; the first end stands.

    A reservation that was never dialled takes no reports: no carrier can know of it.
    """
    if course.status in (CallStatus.ENDED, CallStatus.RELEASED, CallStatus.RESERVED):
        return course
    match report:
        case CallEvent():
            return _after_event(course, report)
        case Bound():
            return replace(course, carrier_call_id=course.carrier_call_id or report.carrier_call_id)
        case NotPlaced():
            if course.carrier_call_id is not None:
                return course  # a callback proved otherwise
            refused = _ended(course, report.at, Outcome.NOT_PLACED, report.reason)
            return replace(refused, refused_for_good=report.for_good)
        case Doubtful():
            if course.carrier_call_id is not None or course.status is not CallStatus.DIALING:
                return course
            return replace(course, status=CallStatus.UNCERTAIN, uncertain_at=report.at)
        case Lost():
            return _ended(course, report.at, Outcome.UNKNOWN, "lost")
    assert_never(report)


def _after_event(course: Course, event: CallEvent) -> Course:
    target = _LEADS_TO[event.type]
    moved = replace(
        course,
        carrier_call_id=course.carrier_call_id or event.carrier_call_id,
        status=target if target in TRANSITIONS[course.status] else course.status,
    )
    match event.type:
        case EventType.RINGING:
            return replace(moved, ringing_at=course.ringing_at or event.at)
        case EventType.ANSWERED:
            return replace(
                moved,
                answered_at=course.answered_at or event.at,
                answered_by=event.answered_by or course.answered_by,
            )
        case EventType.ENDED:
            return replace(
                _ended(moved, event.at, event.outcome or Outcome.UNKNOWN, event.ended_reason),
                answered_by=event.answered_by or course.answered_by,
                message_left=event.message_left,
                transcript=event.transcript,
                callback_at=event.callback_at,
            )
    assert_never(event.type)


def _ended(course: Course, at: datetime, outcome: Outcome, reason: str | None) -> Course:
    return replace(course, status=CallStatus.ENDED, ended_at=at, outcome=outcome, ended_reason=reason)
