"""Weekly hours as spans of time: every zone, every weekday, both clock changes, held against a clock on the wall."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalk.domain.spans import Span, in_all
from agentalk.domain.window import WEEK, Day, Slot, hours, minutes

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
TIMES = st.integers(0, 24 * 60 - 1).map(lambda m: f"{m // 60:02}:{m % 60:02}")
SLOTS = st.lists(st.builds(Slot, st.sampled_from(WEEK), TIMES, TIMES | st.just("24:00")), max_size=6).map(tuple)
MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m))


def next_opening(slots: tuple[Slot, ...], zones: str, now: datetime) -> Span | None:
    """The span that holds `now`, or the next one, in all of these zones."""
    spans = in_all(hours(slots), zones.split(","), now.date() - timedelta(days=2), 11)
    return next((span for span in spans if now < span[1]), None)


def next_open(slots: tuple[Slot, ...], zones: str, now: datetime) -> datetime | None:
    span = next_opening(slots, zones, now)
    return span and max(span[0], now)


def is_open(slots: tuple[Slot, ...], zones: str, now: datetime) -> bool:
    return next_open(slots, zones, now) == now


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
    by_the_clock = inside_by_the_clock(slots, zone, now)
    if is_open(slots, zone, now):
        assert by_the_clock
    elif by_the_clock:
        # Only around a clock change may the two readings differ, and then the narrower one wins.
        day = timedelta(hours=26)
        offsets = {(now + day * k / 26).astimezone(ZoneInfo(zone)).utcoffset() for k in range(-26, 27)}
        assert len(offsets) > 1


@given(SLOTS, st.lists(st.sampled_from(ZONES), min_size=1, max_size=4, unique=True), MOMENTS)
@settings(max_examples=200, deadline=None)
def test_a_group_is_open_only_where_all_its_zones_are(slots: tuple[Slot, ...], zones: list[str], now: datetime) -> None:
    assert is_open(slots, ",".join(sorted(zones)), now) == all(is_open(slots, zone, now) for zone in zones)


@given(SLOTS, st.sampled_from(ZONES), MOMENTS)
@settings(max_examples=200, deadline=None)
def test_the_next_opening_is_the_first(slots: tuple[Slot, ...], zone: str, now: datetime) -> None:
    moment = next_open(slots, zone, now)
    if moment is None:
        assert not any(is_open(slots, zone, now + timedelta(minutes=30 * k)) for k in range(48 * 7))
        return
    assert moment >= now
    assert is_open(slots, zone, moment)
    if moment > now:
        assert not is_open(slots, zone, moment - timedelta(seconds=1))
        gap = (moment - now) / 50
        assert not any(is_open(slots, zone, now + gap * k) for k in range(50))


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("America/New_York", datetime(2026, 3, 8, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_every_minute_around_a_clock_change(zone: str, change: datetime) -> None:
    slots = (Slot(Day.SUNDAY, "01:30", "02:30"),)
    start = change
    opened = [m for m in range(24 * 60) if is_open(slots, zone, start + timedelta(minutes=m))]
    for minute in opened:
        wall = (start + timedelta(minutes=minute)).astimezone(ZoneInfo(zone))
        assert "01:30" <= f"{wall:%H:%M}" < "02:30"
    # In spring 02:30 does not exist: the slot does not open. In autumn 01:30 comes twice: the later one opens it.
    assert len(opened) == {3: 0, 11: 60}[change.month]
    assert opened == list(range(min(opened, default=0), min(opened, default=0) + len(opened)))


def test_a_slot_that_crosses_midnight() -> None:
    slots = (Slot(Day.FRIDAY, "22:00", "02:00"),)
    friday = datetime(2026, 3, 6, tzinfo=ZoneInfo("Europe/Paris"))
    assert not is_open(slots, "Europe/Paris", friday.replace(hour=21, minute=59))
    assert is_open(slots, "Europe/Paris", friday.replace(hour=22))
    assert is_open(slots, "Europe/Paris", friday.replace(day=7, hour=1, minute=59))
    assert not is_open(slots, "Europe/Paris", friday.replace(day=7, hour=2))


def test_adjoining_slots_are_one_opening() -> None:
    slots = tuple(Slot(day, "00:00", "24:00") for day in WEEK)
    opening = next_opening(slots, "Asia/Tokyo", datetime(2026, 5, 5, tzinfo=UTC))
    assert opening is not None
    assert opening[1] - opening[0] > timedelta(days=7)
