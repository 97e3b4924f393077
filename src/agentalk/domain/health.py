"""Whether a campaign may go on by what became of its calls: the circuit breaker and the limit of abandoned calls."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

import msgspec

from agentalk.domain.call import Outcome
from agentalk.domain.policy.model import AbandonLimit

# Source of the figures: the engine's design. The share counts from so many calls on, over so long.
BREAKER_SPAN = timedelta(seconds=120)
_BREAKER_SHARE = 0.5
_BREAKER_CALLS = 20
# Source of the spans: 16 CFR 310.4(b)(4)(i) and Ofcom's guidance measure per 30 days and per 24 hours.
ABANDON_SPANS = (timedelta(hours=24), timedelta(days=30))
_THROTTLE_FROM = 0.8

_FAILED = (Outcome.CARRIER_FAILURE, Outcome.AGENT_ERROR)
# What never became a call tells nothing about how calls go.
_NO_CALL = (Outcome.NOT_PLACED, Outcome.CANCELED)
_HUMAN = (Outcome.ANSWERED, Outcome.OPTED_OUT, Outcome.ABANDONED)

# The part of its pace and concurrency that a throttled campaign has.
THROTTLED_PART = 0.5

Tally = Mapping[Outcome, int]


class Health(StrEnum):
    """What follows: the campaign runs, runs at half its pace and concurrency, or is paused, for one of two reasons."""

    FINE = "fine"
    THROTTLED = "throttled"
    BROKEN = "broken"
    ABANDONING = "abandoning"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """How a campaign's calls ended: in the breaker's span, and in 24 hours and 30 days, by outcome.

    `recent` leaves out what came before the campaign was last started; `abandoned_since` is how many were abandoned
    since then.
    """

    recent: Tally
    spans: tuple[Tally, ...]
    abandoned_since: int


def judge(record: Record, limit: AbandonLimit) -> Health:
    """What follows from the record.

    A campaign that is started while its share of abandoned calls is over the limit runs throttled, until the next
    abandoned call pauses it again.
    """
    calls = sum(n for outcome, n in record.recent.items() if outcome not in _NO_CALL)
    failed = sum(record.recent.get(outcome, 0) for outcome in _FAILED)
    if calls >= _BREAKER_CALLS and failed >= _BREAKER_SHARE * calls:
        return Health.BROKEN
    used = max(abandoned_of_limit(tally, limit) for tally in record.spans)
    if used >= 1 and record.abandoned_since:
        return Health.ABANDONING
    return Health.THROTTLED if used >= _THROTTLE_FROM else Health.FINE


def abandoned_of_limit(tally: Tally, limit: AbandonLimit) -> float:
    """How much of the limit is used, 1 being all of it: the abandoned calls among those a person answered."""
    answered = sum(tally.get(outcome, 0) for outcome in _HUMAN)
    abandoned = tally.get(Outcome.ABANDONED, 0)
    if abandoned == 0 or answered < limit.min_sample:
        return 0.0
    return abandoned / answered / limit.max_share if limit.max_share > 0 else 1.0
