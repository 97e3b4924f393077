"""When a person may be called: the campaign's window, within the hours and days of every jurisdiction in every zone."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from agentalk.domain.policy.calendar import holidays
from agentalk.domain.policy.model import InForce, Purpose
from agentalk.domain.policy.presets import ELSEWHERE, hours_of, joined, preset
from agentalk.domain.spans import Span, in_all, intersect, merge, wall
from agentalk.domain.window import (
    UNKNOWN_ZONE,
    Slot,
    Window,
    ZoneGroup,
    group_key,
    hours,
    jurisdictions_of,
    zones_of,
)

# Most open within days. Where days off leave nothing so soon, it is looked further: past any run of holidays.
_NEAR_DAYS, _FAR_DAYS = 9, 64
# A span that holds `now` may have begun on the day before, and that may be another day in UTC.
_PAST_DAYS = 2
_DAY_MINUTES = 24 * 60
_SUNDAY = 6


def next_lawful(window: Window, inforce: InForce, group: ZoneGroup, now: datetime) -> Span | None:
    """The lawful span that holds `now`, or else the next one: (start, end) in UTC, end excluded.

    None if none begins within two months: the window never opens, the zone is not known and the window says to skip
    such contacts, or the person may be in so many zones that no moment suits them all.
    """
    clocks = zones_of(window.group_for(group))
    zones = zones_of(group) or clocks
    if not clocks:
        return None
    places = jurisdictions(inforce, group)
    today = now.astimezone(UTC).date()
    for days in (_NEAR_DAYS, _FAR_DAYS):
        for span in _lawful(window.slots, clocks, inforce.purpose, zones, places, today, days):
            if now < span[1]:
                return span
        if not _open(window.slots, clocks, zones, places, today, days):
            return None  # and no day off is to blame: the weeks to come are as this one
    return None


def is_lawful(window: Window, inforce: InForce, group: ZoneGroup, now: datetime) -> bool:
    """Whether a person of `group` may be called at `now`, as far as the clock and the calendar go."""
    span = next_lawful(window, inforce, group, now)
    return span is not None and span[0] <= now


def unplaceable(window: Window, inforce: InForce, group: ZoneGroup, now: datetime) -> bool:
    """Whether nobody of this group can ever be called because it is not known well enough where they are.

    The zone is not known, and the window says to skip such contacts; or the zones are so far apart, as a toll-free
    number's, that no moment is lawful in all of them, though each alone has some.
    """
    if window.group_for(group) == UNKNOWN_ZONE:
        return True
    zones = zones_of(group)
    if len(zones) < 2 or next_lawful(window, inforce, group, now) is not None:
        return False
    places = jurisdictions_of(group)
    return all(next_lawful(window, inforce, group_key([zone], places), now) is not None for zone in zones)


@lru_cache(maxsize=4096)
def _places(own: tuple[str, ...], group: ZoneGroup) -> tuple[str, ...]:
    return tuple(sorted({*(jurisdictions_of(group) or (ELSEWHERE,)), *own}))


def jurisdictions(inforce: InForce, group: ZoneGroup) -> tuple[str, ...]:
    """Every jurisdiction that counts for a person of `group`, in order; `ZZ` if the group names none."""
    return _places(inforce.jurisdictions, group)


@lru_cache(maxsize=4096)
def _lawful(
    slots: tuple[Slot, ...],
    clocks: tuple[str, ...],
    purpose: Purpose,
    zones: tuple[str, ...],
    places: tuple[str, ...],
    today: date,
    days: int,
) -> tuple[Span, ...]:
    spans: Sequence[Span] = _open(slots, clocks, zones, places, today, days)
    first, days = today - timedelta(days=_PAST_DAYS), days + _PAST_DAYS
    off = frozenset(_days_off(purpose, places, first, days)) if spans else frozenset[date]()
    for zone in zones if off else ():
        spans = intersect(spans, _days_on(off, ZoneInfo(zone), first, days))
    return tuple(spans)


@lru_cache(maxsize=1024)
def _open(
    slots: tuple[Slot, ...],
    clocks: tuple[str, ...],
    zones: tuple[str, ...],
    places: tuple[str, ...],
    today: date,
    days: int,
) -> tuple[Span, ...]:
    """The window within the hours of law, whatever the day: from shortly before `today` to `days` days after."""
    first, days = today - timedelta(days=_PAST_DAYS), days + _PAST_DAYS
    lawful = in_all(hours_of(joined(places)), zones, first, days)
    return tuple(intersect(in_all(hours(slots), clocks, first, days), lawful)) if lawful else ()


def _days_off(purpose: Purpose, places: Iterable[str], first: date, days: int) -> Iterable[date]:
    """The days on which someone in one of these places is not called for this purpose."""
    span = [first + timedelta(days=offset) for offset in range(days + 1)]
    for place in places:
        rules = preset(place)
        if purpose in rules.no_sundays:
            yield from (day for day in span if day.weekday() == _SUNDAY)
        if purpose in rules.no_holidays:
            for year in {day.year for day in span}:
                yield from holidays(place, year)


def _days_on(off: frozenset[date], zone: ZoneInfo, first: date, days: int) -> Sequence[Span]:
    on = (first + timedelta(days=offset) for offset in range(days + 1))
    whole = (wall(day, 0, _DAY_MINUTES, zone) for day in on if day not in off)
    return merge(span for span in whole if span is not None)
