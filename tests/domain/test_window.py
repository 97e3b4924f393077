"""Windows: every zone, every weekday, both clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalk.domain.contact import read_phone, zone_group
from agentalk.domain.window import (
    WEEK,
    Day,
    Slot,
    TimeZoneMode,
    UnknownTimeZone,
    Window,
    is_open,
    minutes,
    next_open,
    next_opening,
    zones_of,
)

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
TIMES = st.integers(0, 24 * 60 - 1).map(lambda m: f"{m // 60:02}:{m % 60:02}")
SLOTS = st.lists(st.builds(Slot, st.sampled_from(WEEK), TIMES, TIMES | st.just("24:00")), max_size=6).map(tuple)
MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m))


def inside_by_the_clock(slots: tuple[Slot, ...], zone: str, now: datetime) -> bool:
    """The plain reading: what a clock on the wall in `zone` shows lies in a slot of its day, or of the day before."""
    wall = now.astimezone(ZoneInfo(zone))
    minute = wall.hour * 60 + wall.minute
    today, yesterday = WEEK[wall.weekday()], WEEK[wall.weekday() - 1]
    for slot in slots:
        start, end = minutes(slot.start) or 0, minutes(slot.end) or 0
        crosses = end <= start
        if slot.day is today and start <= minute and (crosses or minute < end):
            return True
        if slot.day is yesterday and crosses and minute < end:
            return True
    return False


@given(SLOTS, st.sampled_from(ZONES), MOMENTS)
@settings(max_examples=400, deadline=None)
def test_an_open_window_is_open_by_the_wall_clock(slots: tuple[Slot, ...], zone: str, now: datetime) -> None:
    window = Window(slots=slots)
    by_the_clock = inside_by_the_clock(slots, zone, now)
    if is_open(window, zone, now):
        assert by_the_clock
    elif by_the_clock:
        # Only around a clock change may the two readings differ, and then the narrower one wins.
        day = timedelta(hours=26)
        offsets = {(now + day * k / 26).astimezone(ZoneInfo(zone)).utcoffset() for k in range(-26, 27)}
        assert len(offsets) > 1


@given(SLOTS, st.lists(st.sampled_from(ZONES), min_size=1, max_size=4, unique=True), MOMENTS)
@settings(max_examples=200, deadline=None)
def test_a_group_is_open_only_where_all_its_zones_are(slots: tuple[Slot, ...], zones: list[str], now: datetime) -> None:
    window = Window(slots=slots)
    assert is_open(window, ",".join(sorted(zones)), now) == all(is_open(window, zone, now) for zone in zones)


@given(SLOTS, st.sampled_from(ZONES), MOMENTS)
@settings(max_examples=200, deadline=None)
def test_the_next_opening_is_the_first(slots: tuple[Slot, ...], zone: str, now: datetime) -> None:
    window = Window(slots=slots)
    moment = next_open(window, zone, now)
    if moment is None:
        assert not any(is_open(window, zone, now + timedelta(minutes=30 * k)) for k in range(48 * 7))
        return
    assert moment >= now
    assert is_open(window, zone, moment)
    if moment > now:
        assert not is_open(window, zone, moment - timedelta(seconds=1))
        gap = (moment - now) / 50
        assert not any(is_open(window, zone, now + gap * k) for k in range(50))


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("America/New_York", datetime(2026, 3, 8, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_every_minute_around_a_clock_change(zone: str, change: datetime) -> None:
    window = Window(slots=(Slot(Day.SUNDAY, "01:30", "02:30"),))
    start = change
    opened = [m for m in range(24 * 60) if is_open(window, zone, start + timedelta(minutes=m))]
    for minute in opened:
        wall = (start + timedelta(minutes=minute)).astimezone(ZoneInfo(zone))
        assert "01:30" <= f"{wall:%H:%M}" < "02:30"
    # In spring 02:30 does not exist: the slot does not open. In autumn 01:30 comes twice: the later one opens it.
    assert len(opened) == {3: 0, 11: 60}[change.month]
    assert opened == list(range(min(opened, default=0), min(opened, default=0) + len(opened)))


def test_a_slot_that_crosses_midnight() -> None:
    window = Window(slots=(Slot(Day.FRIDAY, "22:00", "02:00"),))
    friday = datetime(2026, 3, 6, tzinfo=ZoneInfo("Europe/Paris"))
    assert not is_open(window, "Europe/Paris", friday.replace(hour=21, minute=59))
    assert is_open(window, "Europe/Paris", friday.replace(hour=22))
    assert is_open(window, "Europe/Paris", friday.replace(day=7, hour=1, minute=59))
    assert not is_open(window, "Europe/Paris", friday.replace(day=7, hour=2))


def test_adjoining_slots_are_one_opening() -> None:
    window = Window(slots=tuple(Slot(day, "00:00", "24:00") for day in WEEK))
    opening = next_opening(window, "Asia/Tokyo", datetime(2026, 5, 5, tzinfo=UTC))
    assert opening is not None
    assert opening[1] - opening[0] > timedelta(days=7)


def test_whose_clock_counts() -> None:
    moment = datetime(2026, 3, 4, 12, tzinfo=UTC)  # noon in London, 21:00 in Tokyo
    own, all_london = Window(), Window(time_zone_mode=TimeZoneMode.CAMPAIGN, time_zone="Europe/London")
    assert not is_open(own, "Asia/Tokyo", moment)
    assert is_open(all_london, "Asia/Tokyo", moment)
    assert not is_open(own, "", moment), "an unknown zone is never open"
    assert is_open(Window(unknown_time_zone=UnknownTimeZone.CAMPAIGN, time_zone="Europe/London"), "", moment)


@pytest.mark.parametrize(
    ("window", "field"),
    [
        (Window(time_zone_mode=TimeZoneMode.CAMPAIGN), "window.timeZone"),
        (Window(time_zone="Mars/Olympus"), "window.timeZone"),
        (Window(unknown_time_zone=UnknownTimeZone.CAMPAIGN), "window.timeZone"),
        (Window(slots=(Slot(Day.MONDAY, "9:00", "20:00"),)), "window.slots[0].start"),
        (Window(slots=(Slot(Day.MONDAY, "24:00", "20:00"),)), "window.slots[0].start"),
        (Window(slots=(Slot(Day.MONDAY, "09:00", "24:01"),)), "window.slots[0].end"),
        (Window(slots=(Slot(Day.MONDAY, "09:00", "२०:००"),)), "window.slots[0].end"),
    ],
)
def test_a_bad_window_names_its_field(window: Window, field: str) -> None:
    problem = window.problem()
    assert problem is not None
    assert problem[0] == field


def test_a_good_window_has_no_problem() -> None:
    assert Window().problem() is None


@pytest.mark.parametrize(
    ("phone", "zone", "group"),
    [
        ("+12125550100", None, "America/New_York@US-NY"),
        ("+442079460123", None, "Europe/London@GB"),
        ("+12125550100", "America/Los_Angeles", "America/Los_Angeles@US-NY"),
        (None, None, ""),
        (None, "Europe/Paris", "Europe/Paris"),
    ],
)
def test_zones_of_a_contact(phone: str | None, zone: str | None, group: str) -> None:
    assert zone_group(phone, zone, None) == group


def test_a_toll_free_number_may_be_anywhere() -> None:
    assert len(zones_of(zone_group("+18005550100", None, None))) > 10


@pytest.mark.parametrize(
    ("text", "country", "phone"),
    [
        ("+1 (212) 555-0100", None, "+12125550100"),
        ("020 7946 0123", "gb", "+442079460123"),
        ("020 7946 0123", None, None),
        ("+12", None, None),
        ("call me", "US", None),
        ("", None, None),
        ("+1 212 555 0100 ext. 5", None, None),
        ("+999999999999999999", None, None),
    ],
)
def test_reading_a_phone(text: str, country: str | None, phone: str | None) -> None:
    assert read_phone(text, country) == phone
