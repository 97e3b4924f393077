"""The hours in which a person may be called: weekly slots of local time, and every zone the person may be in.

A contact belongs to a *zone group*: every time zone that its number, address or explicit zone allow, and every
jurisdiction, written `zone,zone@jurisdiction,jurisdiction`, as `Europe/Paris@FR`. `@FR`: the zone is not known. Without
`@` no jurisdiction is known. A moment is inside a window only if it is so in every zone of the group: see
`domain/policy/hours.py`, which knows the law as well.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from zoneinfo import available_timezones

import msgspec

from agentalk.domain.spans import Week

ZoneGroup = str
UNKNOWN_ZONE: ZoneGroup = ""


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
        if not zones_of(group) and self.unknown_time_zone is UnknownTimeZone.SKIP:
            return UNKNOWN_ZONE
        if self.time_zone_mode is TimeZoneMode.CAMPAIGN or not zones_of(group):
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


def group_key(zones: Iterable[str], jurisdictions: Iterable[str]) -> ZoneGroup:
    """The zone group of these: the same for the same ones in any order."""
    places = ",".join(sorted(set(jurisdictions)))
    return ",".join(sorted(set(zones))) + ("@" + places if places else "")


@lru_cache(maxsize=4096)
def zones_of(group: ZoneGroup) -> tuple[str, ...]:
    """The time zones that a person of this group may be in; none if that is not known."""
    zones, _, _ = group.partition("@")
    return tuple(zones.split(",")) if zones else ()


@lru_cache(maxsize=4096)
def jurisdictions_of(group: ZoneGroup) -> tuple[str, ...]:
    """The jurisdictions that a person of this group may be under, as US-FL; none if that is not known."""
    _, _, places = group.partition("@")
    return tuple(places.split(",")) if places else ()


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


@lru_cache(maxsize=1024)
def hours(slots: tuple[Slot, ...]) -> Week:
    """The slots of each weekday from Monday on, in minutes since its midnight."""
    return tuple(
        tuple((minutes(slot.start) or 0, minutes(slot.end) or 0) for slot in slots if slot.day is day) for day in WEEK
    )
