"""Spans of time: weekly hours of a wall clock, turned into moments."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

# From a moment to another, in UTC; the end is excluded.
Span = tuple[datetime, datetime]
# Of each weekday from Monday on, spans in minutes since its midnight; one that ends at or before its start ends on the
# next day.
Week = tuple[tuple[tuple[int, int], ...], ...]
_DAY_MINUTES = 24 * 60


@lru_cache(maxsize=512)
def weekly(hours: Week, zone: str, first: date, days: int) -> tuple[Span, ...]:
    """The spans of `days` days from `first` on by a clock in `zone`, merged and in order."""
    clock = ZoneInfo(zone)
    spans: list[Span] = []
    for offset in range(days):
        day = first + timedelta(days=offset)
        for start, end in hours[day.weekday()]:
            span = wall(day, start, end if end > start else end + _DAY_MINUTES, clock)
            if span is not None:
                spans.append(span)
    return tuple(merge(sorted(spans)))


def in_all(hours: Week, zones: Iterable[str], first: date, days: int) -> Sequence[Span]:
    """The spans of `weekly` that are so in every one of these zones. Of no zone: none."""
    shared: Sequence[Span] | None = None
    for zone in zones:
        own = weekly(hours, zone, first, days)
        shared = own if shared is None else intersect(shared, own)
        if not shared:
            break
    return shared or ()


# Weeks from one day on and from the next share all days but one.
@lru_cache(maxsize=4096)
def wall(day: date, start: int, end: int, zone: ZoneInfo) -> Span | None:
    """From one minute of a day to another, as a clock in `zone` shows them. Minutes may lie beyond the day.

    Where a clock change makes a wall time ambiguous or skips it, the narrower reading wins; None if nothing is left.
    """
    span = max(_readings(day, start, zone)), min(_readings(day, end, zone))
    return span if span[0] < span[1] else None


def _readings(day: date, minute: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Both readings (fold 0 and 1) of a wall time, in UTC."""
    at = datetime.combine(day, time(), zone) + timedelta(minutes=minute)
    return at.astimezone(UTC), at.replace(fold=1).astimezone(UTC)


def merge(spans: Iterable[Span]) -> list[Span]:
    """Spans in order of their starts, those that touch or overlap made one."""
    merged: list[Span] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def intersect(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """What two merged lists of spans share."""
    shared = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            shared.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return shared
