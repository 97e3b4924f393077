"""Lawful hours, held against the plain reading of a wall clock, a calendar and the presets' files."""

import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agentalk.domain.policy.hours import is_lawful, next_lawful, unplaceable
from agentalk.domain.policy.model import DEFAULTS, InForce, Purpose
from agentalk.domain.spans import Span
from agentalk.domain.window import (
    WEEK,
    Day,
    Slot,
    TimeZoneMode,
    UnknownTimeZone,
    Window,
    jurisdictions_of,
    minutes,
    zones_of,
)

MARKETING = replace(DEFAULTS, purpose=Purpose.MARKETING, stated=True)
WHOLE_DAY = Window(slots=tuple(Slot(day, "00:00", "24:00") for day in WEEK))
NIGHT = Window(
    slots=(Slot(Day.FRIDAY, "18:00", "11:00"), Slot(Day.SUNDAY, "19:30", "09:15"), Slot(Day.MONDAY, "12:00", "13:30"))
)
MINUTE = timedelta(minutes=1)
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
# Clocks that change in spring and autumn on either side of the equator, by half an hour, at midnight, or never.
GROUPS = [
    "America/New_York@US-FL",
    "America/Chicago,America/Denver@US-TX",
    "America/New_York@US-RI",
    "Europe/Paris@FR",
    "America/St_Johns@CA-NL",
    "Australia/Lord_Howe@AU",
    "Africa/Cairo@EG",
    "Asia/Beirut@LB",
    "America/Santiago@CL",
    "Asia/Kolkata",
    "Europe/Paris,America/New_York@FR,US-NY",
]


@lru_cache
def file_of(place: str) -> list[dict[str, Any]]:
    """The files that a jurisdiction stands on, read without the code under test."""
    folder = files("agentalk.domain.policy") / "presets"
    country = place.partition("-")[0]
    found = [folder / f"{name}.toml" for name in dict.fromkeys([country, place])]
    known = [tomllib.loads(file.read_text()) for file in found if file.is_file()]
    return known or [tomllib.loads((folder / "ZZ.toml").read_text())]


@lru_cache
def days_off(place: str) -> set[date]:
    country, _, part = place.partition("-")
    parts = holidays.list_supported_countries().get(country, [])
    return (
        set(holidays.country_holidays(country, subdiv=part if part in parts else None, years=range(2025, 2029)))
        if country in holidays.list_supported_countries()
        else set()
    )


def in_slot(window: Window, wall: datetime) -> bool:
    minute = wall.hour * 60 + wall.minute
    for slot in window.slots:
        start, end = minutes(slot.start) or 0, minutes(slot.end) or 0
        if slot.day is WEEK[wall.weekday()] and start <= minute and (end <= start or minute < end):
            return True
        if slot.day is WEEK[wall.weekday() - 1] and end <= start and minute < end:
            return True
    return False


def lawful_by_the_wall(window: Window, inforce: InForce, group: str, now: datetime) -> bool:
    """The plain reading: in every zone the clock shows a minute of the window, and of every jurisdiction's hours."""
    for zone in zones_of(group):
        wall = now.astimezone(ZoneInfo(zone))
        clock = f"{wall:%H:%M}"
        if not in_slot(window, wall):
            return False
        for place in jurisdictions_of(group) or ("ZZ",):
            for rules in file_of(place):
                named = rules.get("hours", {})
                spans = named.get(WEEK[wall.weekday()].value, [])
                if named and not any(span[:5] <= clock < span[6:] for span in spans):
                    return False
                if inforce.purpose in rules.get("no_sundays", []) and wall.weekday() == 6:
                    return False
                if inforce.purpose in rules.get("no_holidays", []) and wall.date() in days_off(place):
                    return False
    return True


def openings(window: Window, inforce: InForce, group: str, start: datetime, end: datetime) -> Iterator[Span]:
    now = start
    while now < end and (span := next_lawful(window, inforce, group, now)):
        yield span
        now = span[1]


def moments_of_change(window: Window, group: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """Every moment at which the plain reading can change: between two of these no clock shows an edge of anything."""
    edges = {0, 24 * 60}
    edges |= {minutes(text) or 0 for slot in window.slots for text in (slot.start, slot.end)}
    for place in jurisdictions_of(group) or ("ZZ",):
        for rules in file_of(place):
            spans = [span for day in rules.get("hours", {}).values() for span in day]
            edges |= {minutes(text) or 0 for span in spans for text in span.split("-")}
    for zone in map(ZoneInfo, zones_of(group)):
        day = start.date() - timedelta(days=1)
        while day <= end.date():
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            offsets = {(midnight + timedelta(hours=h)).utcoffset() for h in (0, 12, 24)}
            for edge in edges:
                for fold in (0, 1):
                    wall = midnight.replace(tzinfo=None) + edge * MINUTE
                    yield wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            if len(offsets) > 1:
                yield from (midnight.astimezone(UTC) + k * 15 * MINUTE for k in range(-8, 110))
            day += timedelta(days=1)


@pytest.mark.parametrize("inforce", [DEFAULTS, MARKETING], ids=["informational", "marketing"])
@pytest.mark.parametrize("group", GROUPS)
def test_a_whole_year_is_as_the_wall_clock_says(group: str, inforce: InForce) -> None:
    window = WHOLE_DAY if "," in group else NIGHT
    start, end = YEAR, YEAR + timedelta(days=372)
    spans = list(openings(window, inforce, group, start, end))
    assert spans
    moments = sorted({m for m in moments_of_change(window, group, start, end) if start <= m < end} | {start})
    at = 0
    for moment in moments:
        while at < len(spans) and spans[at][1] <= moment:
            at += 1
        said = at < len(spans) and spans[at][0] <= moment
        assert said == lawful_by_the_wall(window, inforce, group, moment), f"{moment} in {group}"
    # Nothing opens or closes but at such a moment.
    assert {edge for span in spans[1:-1] for edge in span} <= set(moments)


@pytest.mark.parametrize(
    "group", ["America/New_York@US-FL", "Europe/Paris@FR", "Australia/Lord_Howe@AU", "Asia/Beirut@LB"]
)
def test_every_minute_of_the_days_on_which_clocks_change(group: str) -> None:
    zone = ZoneInfo(zones_of(group)[0])
    days = [YEAR + timedelta(days=d) for d in range(365)]
    changes = [
        day for day in days if len({(day + timedelta(hours=h)).astimezone(zone).utcoffset() for h in (0, 24)}) > 1
    ]
    assert len(changes) == 2
    for day in changes:
        for k in range(-600, 2200):
            now = day + k * MINUTE
            assert is_lawful(WHOLE_DAY, DEFAULTS, group, now) == lawful_by_the_wall(WHOLE_DAY, DEFAULTS, group, now), (
                now
            )


TIMES = st.integers(0, 24 * 60 - 1).map(lambda m: f"{m // 60:02}:{m % 60:02}")
WINDOWS = st.lists(st.builds(Slot, st.sampled_from(WEEK), TIMES, TIMES | st.just("24:00")), min_size=1, max_size=8).map(
    lambda slots: Window(slots=tuple(slots))
)
MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda m: YEAR + m * MINUTE)
PURPOSES = st.sampled_from(Purpose).map(lambda purpose: replace(DEFAULTS, purpose=purpose, stated=True))


@given(WINDOWS, PURPOSES, st.sampled_from(GROUPS), MOMENTS)
@settings(max_examples=300, deadline=None)
def test_any_window_at_any_moment(window: Window, inforce: InForce, group: str, now: datetime) -> None:
    span = next_lawful(window, inforce, group, now)
    said = span is not None and span[0] <= now
    by_the_wall = lawful_by_the_wall(window, inforce, group, now)
    offsets = {
        (now + timedelta(hours=k)).astimezone(ZoneInfo(zone)).utcoffset()
        for zone in zones_of(group)
        for k in range(-26, 27)
    }
    # At night, around a clock change, a slot's edge has two readings and the narrower one wins.
    assert said == by_the_wall or (by_the_wall and len(offsets) > len(zones_of(group)))
    if span is not None:
        assert span[0] < span[1]
        assert now < span[1]
        assert lawful_by_the_wall(window, inforce, group, span[0])
        assert lawful_by_the_wall(window, inforce, group, span[1] - MINUTE)


ZONES = ["America/New_York", "America/Los_Angeles", "America/Phoenix", "Europe/London", "Asia/Kolkata"]
PLACES = ["US-FL", "US-TX", "CA-ON", "FR", "GB", "US-ZZ"]


@given(
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(PLACES), max_size=3, unique=True),
    PURPOSES,
    MOMENTS,
)
@settings(max_examples=200, deadline=None)
def test_a_group_is_lawful_only_where_each_zone_and_each_jurisdiction_is(
    zones: list[str], places: list[str], inforce: InForce, now: datetime
) -> None:
    group = ",".join(sorted(zones)) + ("@" + ",".join(sorted(places)) if places else "")
    each = [f"{zone}@{place}" for zone in zones for place in places or ["ZZ"]]
    whole = is_lawful(WHOLE_DAY, inforce, group, now)
    assert whole == all(is_lawful(WHOLE_DAY, inforce, one, now) for one in each)


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


PARIS, NEW_YORK, CHICAGO, TORONTO = "Europe/Paris", "America/New_York", "America/Chicago", "America/Toronto"


@pytest.mark.parametrize(
    ("group", "purpose", "local", "lawful"),
    [
        (f"{PARIS}@FR", Purpose.SURVEY, "2026-07-13T12:59", True),
        (f"{PARIS}@FR", Purpose.SURVEY, "2026-07-13T13:00", False),  # lunch
        (f"{PARIS}@FR", Purpose.SURVEY, "2026-07-13T14:00", True),
        (f"{PARIS}@FR", Purpose.SURVEY, "2026-07-14T11:00", False),  # the national holiday
        (f"{PARIS}@FR", Purpose.SURVEY, "2026-07-18T11:00", False),  # a Saturday
        (f"{TORONTO}@CA-ON", Purpose.INFORMATIONAL, "2026-07-03T21:29", True),
        (f"{TORONTO}@CA-ON", Purpose.INFORMATIONAL, "2026-07-04T18:00", False),
        (f"{TORONTO}@CA-ON", Purpose.INFORMATIONAL, "2026-07-05T10:00", True),
        (f"{TORONTO}@CA-ON", Purpose.MARKETING, "2026-07-05T10:00", False),  # Sunday
        (f"{TORONTO}@CA-ON", Purpose.MARKETING, "2026-07-01T10:00", False),  # Canada Day
        (f"{NEW_YORK}@US-RI", Purpose.INFORMATIONAL, "2026-07-03T18:00", False),
        (f"{NEW_YORK}@US-RI", Purpose.INFORMATIONAL, "2026-07-04T10:00", True),
        (f"{NEW_YORK}@US-FL", Purpose.MARKETING, "2026-11-26T10:00", False),  # Thanksgiving
        (f"{NEW_YORK}@US-FL", Purpose.INFORMATIONAL, "2026-11-26T10:00", True),
        (f"{CHICAGO}@US-AL", Purpose.INFORMATIONAL, "2026-07-05T10:00", False),  # Sunday
        (f"{CHICAGO}@US-TX", Purpose.INFORMATIONAL, "2026-07-05T11:59", False),
        (f"{CHICAGO}@US-TX", Purpose.INFORMATIONAL, "2026-07-05T12:00", True),
        ("Europe/London", Purpose.INFORMATIONAL, "2026-07-05T12:00", False),  # Sunday, elsewhere
        ("Europe/London", Purpose.INFORMATIONAL, "2026-07-04T17:59", True),
    ],
)
def test_particular_moments(group: str, purpose: Purpose, local: str, lawful: bool) -> None:
    now = at(local, zones_of(group)[0])
    assert is_lawful(WHOLE_DAY, replace(DEFAULTS, purpose=purpose), group, now) is lawful


def test_a_campaign_cannot_widen_what_is_lawful_but_narrow_it() -> None:
    evening = at("2026-07-06T20:30", NEW_YORK)
    assert not is_lawful(WHOLE_DAY, DEFAULTS, f"{NEW_YORK}@US-FL", evening)
    assert is_lawful(WHOLE_DAY, DEFAULTS, f"{NEW_YORK}@US-NY", evening)
    assert not is_lawful(Window(), DEFAULTS, f"{NEW_YORK}@US-NY", evening), "its own window ends at 20:00"


def test_jurisdictions_that_a_policy_adds_count_too() -> None:
    stricter = replace(DEFAULTS, jurisdictions=("FR",))
    lunch = at("2026-07-06T13:30", NEW_YORK)
    assert is_lawful(WHOLE_DAY, DEFAULTS, f"{NEW_YORK}@US-NY", lunch)
    assert not is_lawful(WHOLE_DAY, stricter, f"{NEW_YORK}@US-NY", lunch)


def test_the_campaigns_clock_opens_its_window_and_the_persons_clock_the_law() -> None:
    ours = Window(time_zone_mode=TimeZoneMode.CAMPAIGN, time_zone=PARIS)
    assert is_lawful(ours, DEFAULTS, f"{NEW_YORK}@US-NY", at("2026-07-06T15:00", PARIS)), "9:00 in New York"
    assert not is_lawful(ours, DEFAULTS, f"{NEW_YORK}@US-NY", at("2026-07-06T13:30", PARIS)), "7:30 in New York"


def test_an_unknown_zone_is_skipped_or_judged_by_the_campaigns() -> None:
    noon = at("2026-07-06T12:00", PARIS)
    told = Window(unknown_time_zone=UnknownTimeZone.CAMPAIGN, time_zone=PARIS)
    by_campaign = Window(time_zone_mode=TimeZoneMode.CAMPAIGN, time_zone=PARIS)
    for group in ("", "@FR"):
        assert not is_lawful(Window(), DEFAULTS, group, noon)
        assert not is_lawful(by_campaign, DEFAULTS, group, noon), "a window's clock says nothing of the person's"
        assert unplaceable(Window(), DEFAULTS, group, noon)
        assert is_lawful(told, DEFAULTS, group, noon)
    assert not is_lawful(told, DEFAULTS, "@FR", at("2026-07-06T13:30", PARIS)), "lunch in France"


def test_zones_too_far_apart_never_open_and_are_told_from_a_window_that_never_does() -> None:
    noon = at("2026-07-06T12:00", PARIS)
    apart = "America/New_York,Asia/Tokyo,Pacific/Honolulu"
    assert next_lawful(Window(), DEFAULTS, apart, noon) is None
    assert unplaceable(Window(), DEFAULTS, apart, noon)
    assert not unplaceable(Window(slots=()), DEFAULTS, apart, noon)
    assert not unplaceable(Window(), DEFAULTS, PARIS, noon)


def test_a_run_of_days_off_is_looked_past() -> None:
    fridays = Window(slots=(Slot(Day.FRIDAY, "10:00", "12:00"),))
    # Friday 2026-12-25 and Friday 2027-01-01 are holidays.
    span = next_lawful(fridays, MARKETING, f"{NEW_YORK}@US-NY", at("2026-12-19T10:00", NEW_YORK))
    assert span is not None
    assert span[0] == at("2027-01-08T10:00", NEW_YORK)


def test_holidays_of_a_state_are_off_in_that_state_alone() -> None:
    patriots_day = at("2026-04-20T12:00", NEW_YORK)
    assert not is_lawful(Window(), MARKETING, f"{NEW_YORK}@US-MA", patriots_day)
    assert is_lawful(Window(), MARKETING, f"{NEW_YORK}@US-NY", patriots_day)
