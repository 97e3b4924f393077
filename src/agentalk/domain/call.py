"""One attempt to reach a contact: its states, its outcomes, and what an event does to it."""

from datetime import datetime
from enum import StrEnum
from typing import assert_never

import msgspec

from agentalk.domain.ids import AgentId, CallId, CampaignId, CarrierId, ContactId, DialerId, OrgId


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
    `at` is when it happened, by the carrier's clock. Only an `ended` event has an outcome, and then always.
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
