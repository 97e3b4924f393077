"""The hours in which a person may be called: weekly slots of local time, and every zone the person may be in.

A contact belongs to a *zone group*: the set of time zones its number, address or explicit zone allow, written as zone
names joined by commas (`""`: unknown). A moment is lawful only if it is inside the slots in every zone of the group.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import msgspec

ZoneGroup = str
UNKNOWN_ZONE: ZoneGroup = ""
# A week repeats, and a slot may cross midnight: nine days show every opening there is.
_HORIZON_DAYS = 9


class Day(StrEnum):
    """A day of the week, in the order of `date.weekday()`."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


WEEK = tuple(Day)


class TimeZoneMode(StrEnum):
    """Whose clock a slot is read on: each contact's own, or one zone for the whole campaign."""

    CONTACT = "contact"
    CAMPAIGN = "campaign"


class UnknownTimeZone(StrEnum):
    """What becomes of a contact whose zone is not known: skipped, or called by the campaign's zone."""

    SKIP = "skip"
    CAMPAIGN = "campaign"


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours of one day, `HH:MM`; `end` may be `24:00`. An end at or before the start is the next day's."""

    day: Day
    start: str
    end: str


class Window(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """When a campaign's contacts may be called. An empty tuple of slots never opens."""

    time_zone_mode: TimeZoneMode = TimeZoneMode.CONTACT
    time_zone: str | None = None
    slots: tuple[Slot, ...] = tuple(Slot(day, "09:00", "20:00") for day in WEEK)
    unknown_time_zone: UnknownTimeZone = UnknownTimeZone.SKIP

    def group_for(self, group: ZoneGroup) -> ZoneGroup:
        """The group whose clocks count for a contact of `group`; unknown if the contact may not be called at all."""
        if self.time_zone_mode is TimeZoneMode.CAMPAIGN:
            return self.time_zone or UNKNOWN_ZONE
        if group == UNKNOWN_ZONE and self.unknown_time_zone is UnknownTimeZone.CAMPAIGN:
            return self.time_zone or UNKNOWN_ZONE
        return group

    def problem(self) -> tuple[str, str] | None:
        """The first thing wrong with this window, as (field, message), or None."""
        needs_zone = TimeZoneMode.CAMPAIGN is self.time_zone_mode or (
            self.unknown_time_zone is UnknownTimeZone.CAMPAIGN
        )
        if needs_zone and self.time_zone is None:
            return (
                "window.timeZone",
                'is required when a time zone is to be taken from the campaign ("campaign")',
            )
        if self.time_zone is not None and not is_zone(self.time_zone):
            return (
                "window.timeZone",
                f'is not an IANA time zone: "{self.time_zone}" (an example: "Europe/Paris")',
            )
        if len(self.slots) > 100:
            return "window.slots", "may hold at most 100 slots"
        for i, slot in enumerate(self.slots):
            if minutes(slot.start) is None or slot.start == "24:00":
                return f"window.slots[{i}].start", 'must be a time of day from "00:00" to "23:59"'
            if minutes(slot.end) is None:
                return f"window.slots[{i}].end", 'must be a time of day from "00:00" to "24:00"'
        return None


def is_zone(name: str) -> bool:
    """Whether `name` is an IANA time zone that this machine knows."""
    return name in _zones()


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def minutes(text: str) -> int | None:
    """Minutes since midnight of `HH:MM` (00:00-24:00), or None if it is no time of day."""
    if len(text) != 5 or text[2] != ":" or not (text[:2] + text[3:]).isascii() or not (text[:2] + text[3:]).isdigit():
        return None
    hour, minute = int(text[:2]), int(text[3:])
    total = hour * 60 + minute
    return total if minute < 60 and total <= 24 * 60 else None


def is_open(window: Window, group: ZoneGroup, now: datetime) -> bool:
    """Whether a contact of `group` may be called at `now`. An unknown group never may."""
    opening = next_opening(window, group, now)
    return opening is not None and opening[0] <= now


def next_opening(window: Window, group: ZoneGroup, now: datetime) -> tuple[datetime, datetime] | None:
    """The opening that holds `now`, or else the next one: (start, end) in UTC, end excluded. None if there is none."""
    counted = window.group_for(group)
    if counted == UNKNOWN_ZONE:
        return None
    for start, end in _openings(window.slots, counted, now.astimezone(UTC).date()):
        if now < end:
            return start, end
    return None


def next_open(window: Window, group: ZoneGroup, now: datetime) -> datetime | None:
    """The first moment from `now` on at which a contact of `group` may be called, or None if there is none."""
    opening = next_opening(window, group, now)
    return None if opening is None else max(opening[0], now)


@lru_cache(maxsize=4096)
def _openings(slots: tuple[Slot, ...], group: ZoneGroup, day: date) -> tuple[tuple[datetime, datetime], ...]:
    """The spans inside the slots in every zone of the group, from the day before `day` on, merged and in order."""
    common: list[tuple[datetime, datetime]] | None = None
    for zone in group.split(","):
        own = _zone_openings(slots, ZoneInfo(zone), day)
        common = own if common is None else _intersect(common, own)
    return tuple(common or ())


def _zone_openings(slots: tuple[Slot, ...], zone: ZoneInfo, day: date) -> list[tuple[datetime, datetime]]:
    spans: list[tuple[datetime, datetime]] = []
    for offset in range(-2, _HORIZON_DAYS):
        local = day + timedelta(days=offset)
        for slot in slots:
            if slot.day is WEEK[local.weekday()]:
                start, end = minutes(slot.start) or 0, minutes(slot.end) or 0
                if end <= start:
                    end += 24 * 60
                # Where a clock change makes a wall time ambiguous, the narrower reading wins.
                span = max(_utc(local, start, zone)), min(_utc(local, end, zone))
                if span[0] < span[1]:
                    spans.append(span)
    return _merge(sorted(spans))


def _utc(local: date, minute: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Both readings (fold 0 and 1) of a wall time, in UTC."""
    wall = datetime.combine(local, time()) + timedelta(minutes=minute)
    return (
        wall.replace(tzinfo=zone, fold=0).astimezone(UTC),
        wall.replace(tzinfo=zone, fold=1).astimezone(UTC),
    )


def _merge(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def _intersect(
    one: list[tuple[datetime, datetime]], other: list[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
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
