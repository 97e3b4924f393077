"""From which number to call: rotation, local presence, and what a number may bear in a day."""

import heapq
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

import msgspec
import phonenumbers

# (calls begun today when last looked at, place in the list, number), least first
_Queue = list[tuple[int, int, str]]
# A number of the North American plan says its area in the three digits after +1, everywhere alike.
_NANP_AREA = 5
# +, up to three digits of the country and up to five of the area: no area is written in more.
_LONGEST_AREA = 9


class CallerIdStrategy(StrEnum):
    """`rotate`: all numbers alike. `local`: one of the callee's area code if there is any, else of the country."""

    ROTATE = "rotate"
    LOCAL = "local"


class CallerIdRule(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How a campaign's caller ids are used. `daily_cap`: calls a number may begin per UTC day in the organization."""

    strategy: CallerIdStrategy = CallerIdStrategy.ROTATE
    daily_cap: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None

    def problem(self) -> tuple[str, str] | None:
        """The first thing wrong with this rule, as (field, message), or None."""
        if self.daily_cap is not None and not 1 <= self.daily_cap <= 1_000_000:
            return "callerIdRule.dailyCap", "must be from 1 to 1000000"
        return None


class Numbers(msgspec.Struct, frozen=True, cache_hash=True):
    """A campaign's caller ids and the rule for them."""

    caller_ids: tuple[str, ...]
    rule: CallerIdRule = CallerIdRule()


def day_of(now: datetime) -> date:
    """The UTC day on which calls begun at `now` count."""
    return now.astimezone(UTC).date()


def next_day(now: datetime) -> datetime:
    """When the next UTC day begins."""
    return datetime.combine(day_of(now) + timedelta(days=1), time(), UTC)


class Usage(msgspec.Struct, frozen=True):
    """What the organization's numbers did on one day: calls begun from each, and those that rest for the rest of it."""

    calls: Mapping[str, int] = {}
    resting: Collection[str] = ()

    def room(self, numbers: Numbers) -> int | None:
        """Calls that may still begin today from these numbers; None if nothing bounds them, or there are none."""
        awake = [number for number in numbers.caller_ids if number not in self.resting]
        cap = numbers.rule.daily_cap
        if cap is None:
            return None if awake or not numbers.caller_ids else 0
        if not numbers.caller_ids:
            return None
        return sum(max(0, cap - self.calls.get(number, 0)) for number in awake)


class Rota:
    """Hands out numbers, call by call, on a day of which so much is `usage`. `begun` is what it has handed out."""

    def __init__(self, usage: Usage) -> None:
        self.begun: dict[str, int] = {}
        self._calls = dict(usage.calls)
        self._resting = usage.resting
        self._queues: dict[Numbers, dict[str, _Queue]] = {}

    def next(self, numbers: Numbers, phone: str) -> str | None:
        """The number to call `phone` from: of the nearest that are not used up the one that is least used today, the
        earlier of the list among equals. None: there is no number, or none is left.
        """
        if numbers not in self._queues:
            self._queues[numbers] = {
                circle: [(self._calls.get(number, 0), i, number) for i, number in enumerate(members)]
                for circle, members in _circles(numbers).items()
            }
            for queue in self._queues[numbers].values():
                heapq.heapify(queue)
        queues = self._queues[numbers]
        for circle in _ways(queues, phone):
            if number := self._least_used(queues[circle], numbers.rule.daily_cap):
                self._calls[number] = self._calls.get(number, 0) + 1
                self.begun[number] = self.begun.get(number, 0) + 1
                return number
        return None

    def _least_used(self, queue: _Queue, cap: int | None) -> str | None:
        while queue:
            seen, i, number = queue[0]
            used = self._calls.get(number, 0)
            if number in self._resting or (cap is not None and used >= cap):
                heapq.heappop(queue)
            elif used != seen:  # by another campaign, or by another circle of this one
                heapq.heapreplace(queue, (used, i, number))
            else:
                return number
        return None


def _ways(circles: Collection[str], phone: str) -> Iterator[str]:
    """The circles around a phone that have numbers, nearest first: its area, its country, all."""
    if len(circles) > 1:
        yield from (phone[:n] for n in range(_LONGEST_AREA, 2, -1) if phone[:n] in circles)
        if (country := country_of(phone)) in circles:
            yield country
    yield ""


@lru_cache(maxsize=1024)
def _circles(numbers: Numbers) -> Mapping[str, tuple[str, ...]]:
    """Caller ids by area (as +1212) and by country (as US or +44) where the rule asks for it, and under "" all."""
    circles: dict[str, list[str]] = {"": []}
    for number in dict.fromkeys(numbers.caller_ids):
        circles[""].append(number)
        if numbers.rule.strategy is CallerIdStrategy.LOCAL:
            circles.setdefault(country_of(number), []).append(number)
            if area := area_of(number):
                circles.setdefault(area, []).append(number)
    return {circle: tuple(members) for circle, members in circles.items()}


@lru_cache(maxsize=4096)
def area_of(number: str) -> str | None:
    """The beginning of `number` (E.164) that names its area, as `+1212` or `+4420`; None for one that has none."""
    if number.startswith("+1"):
        return number[:_NANP_AREA]
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    digits = phonenumbers.length_of_geographical_area_code(parsed)
    return number[: 1 + len(str(parsed.country_code)) + digits] if digits else None


def country_of(number: str) -> str:
    """The country of `number`: its calling code, as `+44`, and within +1 the country of its area, as `US`."""
    return _region_of_area(number[:_NANP_AREA]) if number.startswith("+1") else _calling_code(number[:4])


@lru_cache(maxsize=1024)
def _region_of_area(area: str) -> str:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(f"{area}5550100")) or "+1"
    except phonenumbers.NumberParseException:
        return "+1"


@lru_cache(maxsize=4096)
def _calling_code(start: str) -> str:
    # No calling code is the beginning of another.
    return next((start[:n] for n in (2, 3, 4) if int(start[1:n]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), start)
