"""What becomes of a call in the simulated world: a pure function of the mix, the number and how often it was called.

No lot depends on when or in which order calls arrive: a second run with the same contacts takes the same course.

Magic numbers, whatever the mix says: +15005550001 invalid_number, …02 unreachable, …03 busy, …04 no_answer,
…05 rejected, …06 answered, …07 voicemail, …08 carrier_failure, …09 fax.
"""

from datetime import datetime, timedelta
from hashlib import blake2b
from math import fsum
from struct import unpack
from typing import NamedTuple

import msgspec

from agentalk.carriers.carrier import Placement
from agentalk.carriers.simulator import script
from agentalk.domain.call import AnsweredBy, CallEvent, EventType, Outcome

PICKED_UP = {
    Outcome.ANSWERED: AnsweredBy.HUMAN,
    Outcome.VOICEMAIL: AnsweredBy.VOICEMAIL,
    Outcome.FAX: AnsweredBy.FAX,
    Outcome.AGENT_ERROR: AnsweredBy.HUMAN,
    Outcome.ABANDONED: AnsweredBy.HUMAN,
    Outcome.OPTED_OUT: AnsweredBy.HUMAN,
}
ONLY_RANG = (Outcome.NO_ANSWER, Outcome.REJECTED)
NEVER_RANG = (
    Outcome.BUSY,
    Outcome.UNWANTED,
    Outcome.BLOCKED,
    Outcome.INVALID_NUMBER,
    Outcome.UNREACHABLE,
    Outcome.CARRIER_FAILURE,
)
SIMULATED = (*PICKED_UP, *ONLY_RANG, *NEVER_RANG)

MAGIC_NUMBERS = {
    "+15005550001": Outcome.INVALID_NUMBER,
    "+15005550002": Outcome.UNREACHABLE,
    "+15005550003": Outcome.BUSY,
    "+15005550004": Outcome.NO_ANSWER,
    "+15005550005": Outcome.REJECTED,
    "+15005550006": Outcome.ANSWERED,
    "+15005550007": Outcome.VOICEMAIL,
    "+15005550008": Outcome.CARRIER_FAILURE,
    "+15005550009": Outcome.FAX,
}

# Why a call ended, where that is not the outcome's own name.
ENDED_REASONS = {
    Outcome.VOICEMAIL: "agent_hangup",
    Outcome.FAX: "agent_hangup",
    Outcome.OPTED_OUT: "agent_hangup",
    Outcome.ABANDONED: "callee_hangup",
    Outcome.NO_ANSWER: "ring_timeout",
}
SEQUENCE = {EventType.RINGING: 1, EventType.ANSWERED: 2, EventType.ENDED: 3}
# A network that will not ring says so within this many seconds.
LONGEST_SETUP = 2.0
# Who hears nothing for this many seconds was abandoned (the engine's own limit).
LONGEST_SILENCE = 2.0


def _usual_weights() -> dict[Outcome, float]:
    return {
        Outcome.ANSWERED: 0.42,
        Outcome.VOICEMAIL: 0.24,
        Outcome.NO_ANSWER: 0.20,
        Outcome.BUSY: 0.06,
        Outcome.REJECTED: 0.03,
        Outcome.UNREACHABLE: 0.02,
        Outcome.INVALID_NUMBER: 0.01,
        Outcome.CARRIER_FAILURE: 0.01,
        Outcome.OPTED_OUT: 0.01,
    }


class Mix(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How calls go: relative weights of outcomes, shortest and longest ring and talk in seconds, and the seed.

    `callbacks` is the share of answered calls on which the callee asks to be called at another time.
    """

    weights: dict[Outcome, float] = msgspec.field(default_factory=_usual_weights)
    ring_seconds: tuple[float, float] = (2.0, 20.0)
    talk_seconds: tuple[float, float] = (6.0, 60.0)
    callbacks: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = sorted(self.weights.keys() - set(SIMULATED))
        if unknown:
            raise ValueError(f"The simulator cannot bring about: {', '.join(unknown)}.")
        if min(self.weights.values(), default=0) < 0 or sum(self.weights.values()) <= 0:
            raise ValueError("Weights must not be negative, and one must be positive.")
        if not 0 <= self.callbacks <= 1:
            raise ValueError("The share of callbacks is from 0 to 1.")
        for shortest, longest in (self.ring_seconds, self.talk_seconds):
            if not 0 <= shortest <= longest <= 86_400:
                raise ValueError("A range of seconds is [shortest, longest], both from 0 to 86400.")


# Everyone answers and has said everything in the same instant: the carrier that costs a benchmark least.
AT_ONCE = Mix(weights={Outcome.ANSWERED: 1.0}, ring_seconds=(0.0, 0.0), talk_seconds=(0.0, 0.0))


class Lots(NamedTuple):
    """Numbers in [0, 1), one for each thing that chance decides about a call."""

    outcome: float
    ring: float
    talk: float
    words: float
    hangup: float
    callback: float


def course(mix: Mix, placement: Placement, nth: int, carrier_call_id: str, now: datetime) -> tuple[CallEvent, ...]:
    """Every event that a call placed at `now` will have, in order; the last is its end.

    `nth` is the number of earlier calls to this phone. The ring never outlasts `placement.ring_seconds`.
    """
    lots = Lots(*draw(mix.seed, "course", placement.phone, nth)[:6])
    outcome = MAGIC_NUMBERS.get(placement.phone) or _pick(mix.weights, lots.outcome)
    ring = min(_between(mix.ring_seconds, lots.ring), placement.ring_seconds)
    if outcome in NEVER_RANG:
        ring = min(ring, LONGEST_SETUP)
    # Nobody waits for a timeout in a world in which nothing takes time.
    elif outcome is Outcome.NO_ANSWER and mix.ring_seconds[1] > 0:
        ring = placement.ring_seconds
    talk = _between(mix.talk_seconds, lots.talk) if outcome in PICKED_UP else 0.0
    if outcome is Outcome.ABANDONED:
        talk = min(talk, LONGEST_SILENCE)

    wait = _callback_wait(mix, outcome, lots.callback)

    def event(type: EventType, seconds: float) -> CallEvent:
        return CallEvent(
            call_id=placement.call_id,
            carrier_call_id=carrier_call_id,
            type=type,
            sequence=SEQUENCE[type],
            at=now + timedelta(seconds=round(seconds, 3)),
        )

    events = []
    if outcome not in NEVER_RANG:
        events.append(event(EventType.RINGING, 0.0))
    if outcome in PICKED_UP:
        events.append(event(EventType.ANSWERED, ring))
    end = msgspec.structs.replace(
        event(EventType.ENDED, ring + talk),
        outcome=outcome,
        answered_by=PICKED_UP.get(outcome),
        ended_reason=_ended_reason(outcome, lots.hangup),
        message_left=outcome is Outcome.VOICEMAIL and placement.voicemail_message != "",
        transcript=script.transcript(placement, outcome, talk, lots.words, wait),
        callback_at=wait and now + wait,
    )
    return *events, end


def hung_up(course: tuple[CallEvent, ...], now: datetime) -> CallEvent:
    """The end of a call that we hang up at `now`, before its course is over."""
    end = msgspec.structs.replace(course[-1], at=now, message_left=False)
    answer = next((event for event in course if event.type is EventType.ANSWERED and event.at <= now), None)
    if answer is None:
        return msgspec.structs.replace(
            end, outcome=Outcome.CANCELED, answered_by=None, ended_reason="canceled", transcript=(), callback_at=None
        )
    talked = (now - answer.at).total_seconds()
    return msgspec.structs.replace(
        end,
        outcome=Outcome.ANSWERED if end.answered_by is AnsweredBy.HUMAN else end.outcome,
        ended_reason="agent_hangup",
        transcript=tuple(line for line in end.transcript if line.at <= talked),
        callback_at=None,
    )


def draw(seed: int, topic: str, phone: str, nth: int) -> tuple[float, ...]:
    """Eight independent numbers in [0, 1), the same for the same arguments on every machine."""
    digest = blake2b(f"{seed}/{topic}/{phone}/{nth}".encode()).digest()
    # 53 bits are what a float holds: more could round up to 1.
    return tuple([(lot >> 11) / 2**53 for lot in unpack(">8Q", digest)])


def _pick(weights: dict[Outcome, float], lot: float) -> Outcome:
    # In an order of our own and summed exactly: the order of keys in somebody's JSON must not matter.
    left = lot * fsum(weights.values())
    for outcome in SIMULATED:
        left -= weights.get(outcome, 0.0)
        if left < 0:
            return outcome
    # Rounding left a crumb.
    return max(weights, key=lambda outcome: weights[outcome])


def _between(span: tuple[float, float], lot: float) -> float:
    shortest, longest = span
    return shortest + (longest - shortest) * lot


def _callback_wait(mix: Mix, outcome: Outcome, lot: float) -> timedelta | None:
    """How long after the call the callee asks to be called: whole hours from 1 to 48. None: there is no need."""
    if outcome is not Outcome.ANSWERED or lot >= mix.callbacks:
        return None
    return timedelta(hours=1 + int(lot / mix.callbacks * 48))


def _ended_reason(outcome: Outcome, lot: float) -> str:
    if outcome is Outcome.ANSWERED:
        return "agent_hangup" if lot < 0.6 else "callee_hangup"
    return ENDED_REASONS.get(outcome, outcome.value)
