"""How many calls will be begun when: what waits, the hours it may be called in, and the pace, hour by hour."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from agentalk.domain.call import Outcome
from agentalk.domain.retry import RetryPolicy, wait_after
from agentalk.domain.spans import Span

HOUR = timedelta(hours=1)
# Nothing is said of what would come later.
HORIZON = timedelta(days=30)
_HOURS = HORIZON // HOUR
# Below this a cohort is no call any more, but what rounding left of one.
_NOBODY = 0.05

# Where a campaign has not called enough itself. Our guess, to be named wherever it is used: no source gives these for
# all lists and countries.
USUAL_OUTCOMES: Mapping[Outcome, float] = {
    Outcome.NO_ANSWER: 0.35,
    Outcome.ANSWERED: 0.28,
    Outcome.VOICEMAIL: 0.25,
    Outcome.BUSY: 0.05,
    Outcome.REJECTED: 0.03,
    Outcome.UNREACHABLE: 0.03,
    Outcome.INVALID_NUMBER: 0.01,
}
USUAL_CALL_SECONDS = 40.0


class Crowd(msgspec.Struct, frozen=True):
    """So many contacts that may be called alike: within these `spans`, from the moment `ready_at`, after `attempts`."""

    spans: tuple[Span, ...]
    ready_at: datetime
    attempts: int
    contacts: int


class Pace(msgspec.Struct, frozen=True, rename="camel"):
    """The most calls that can be begun: `per_hour`, bounded by `bound_by`, and `per_day` (None: nothing bounds it)."""

    per_hour: float
    bound_by: str
    per_day: int | None


class Hour(msgspec.Struct, frozen=True, rename="camel"):
    """Calls begun in the hour from `starts_at` on, and how many of them are retries."""

    starts_at: datetime
    calls: int
    retries: int


class Forecast(msgspec.Struct, frozen=True):
    """Hour by hour until the last call; `ends_at` is None if that is beyond the horizon, or never comes."""

    hours: tuple[Hour, ...]
    first_calls: int
    retries: int
    ends_at: datetime | None


# Of contacts alike in their hours: (attempts, hour from the start on in which they are ready) → how many.
_Cohorts = dict[tuple[int, int], float]


class _Group:
    """Contacts alike in their hours: `open` is the part of each hour from the start on in which they may be called."""

    def __init__(self, spans: Sequence[Span], start: datetime) -> None:
        self.open = _openness(spans, start)
        self.cohorts: _Cohorts = defaultdict(float)

    def due(self, hour: int) -> list[tuple[int, int]]:
        """The cohorts that may be called in this hour."""
        return [cohort for cohort in self.cohorts if cohort[1] <= hour] if self.open[hour] else []


def foresee(
    crowds: Sequence[Crowd], pace: Pace, retry: RetryPolicy, outcomes: Mapping[Outcome, float], start: datetime
) -> Forecast:
    """What calls are to be expected from `start` on, if calls end as `outcomes` says (shares that add up to 1)."""
    groups: dict[tuple[Span, ...], _Group] = {}
    for crowd in crowds:
        if crowd.spans not in groups:
            groups[crowd.spans] = _Group(crowd.spans, start)
        groups[crowd.spans].cohorts[crowd.attempts, max(0, (crowd.ready_at - start) // HOUR)] += crowd.contacts
    hours: list[Hour] = []
    firsts = retries = today = 0.0
    ends_at = start
    for hour in range(_HOURS):
        if not any(group.cohorts for group in groups.values()):
            return Forecast(tuple(hours), round(firsts), round(retries), ends_at)
        moment = start + hour * HOUR
        today = 0.0 if moment.hour == 0 else today
        room = pace.per_hour * max((group.open[hour] for group in groups.values() if group.due(hour)), default=0.0)
        if pace.per_day is not None:
            room = min(room, max(0.0, pace.per_day - today))
        first, again = _begin(list(groups.values()), hour, room, retry, outcomes)
        begun = first + again
        firsts, retries, today = firsts + first, retries + again, today + begun
        if begun:
            ends_at = moment + HOUR * min(1.0, begun / pace.per_hour)
        # By what has come together, so that the hours add up: of many small parts none is lost to rounding.
        hours.append(
            Hour(
                moment,
                round(firsts + retries) - round(firsts + retries - begun),
                round(retries) - round(retries - again),
            )
        )
    return Forecast(tuple(hours), round(firsts), round(retries), None)


def _openness(spans: Sequence[Span], start: datetime) -> list[float]:
    parts = [0.0] * _HOURS
    for opens, closes in spans:
        begin, end = max(0.0, (opens - start) / HOUR), min(float(_HOURS), (closes - start) / HOUR)
        for hour in range(int(begin), math.ceil(end)):
            parts[hour] += min(end, hour + 1) - max(begin, hour)
    return parts


def _begin(
    groups: Sequence[_Group], hour: int, room: float, retry: RetryPolicy, outcomes: Mapping[Outcome, float]
) -> tuple[float, float]:
    """Begin the calls of one hour, retries before first ones, and put back who is to be tried again: (first, again)."""
    first = again = 0.0
    due = [(cohort[0] == 0, cohort, group) for group in groups for cohort in group.due(hour)]
    for is_first, cohort, group in sorted(due, key=lambda one: one[:2]):
        number = min(group.cohorts[cohort], room)
        if number <= 0:
            break
        room -= number
        group.cohorts[cohort] -= number
        if group.cohorts[cohort] < _NOBODY:
            del group.cohorts[cohort]
        first, again = (first + number, again) if is_first else (first, again + number)
        _put_back(group.cohorts, number, cohort[0] + 1, hour, retry, outcomes)
    return first, again


def _put_back(
    cohorts: _Cohorts, number: float, attempts: int, hour: int, retry: RetryPolicy, outcomes: Mapping[Outcome, float]
) -> None:
    for outcome, share in outcomes.items():
        wait = wait_after(retry, attempts, {outcome: attempts}, outcome)
        if wait is not None and number * share >= _NOBODY:
            # By whole hours: cohorts that are ready together are one.
            cohorts[attempts, hour + max(1, math.ceil(wait.delay / HOUR))] += number * share
