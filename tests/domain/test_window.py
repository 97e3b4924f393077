"""A window as it is written: what is wrong with it, and whose clock counts. And how a phone is read."""

import pytest

from agentalk.domain.contact import read_phone
from agentalk.domain.window import (
    WEEK,
    Day,
    Slot,
    TimeZoneMode,
    UnknownTimeZone,
    Window,
    hours,
    minutes,
)

PARIS, TOKYO = "Europe/Paris@FR", "Asia/Tokyo@JP"
UNKNOWN = ("", "@FR")


def test_whose_clock_counts() -> None:
    own = Window()
    ours = Window(time_zone_mode=TimeZoneMode.CAMPAIGN, time_zone="Europe/London")
    told = Window(unknown_time_zone=UnknownTimeZone.CAMPAIGN, time_zone="Europe/London")
    both = Window(
        time_zone_mode=TimeZoneMode.CAMPAIGN, time_zone="Europe/London", unknown_time_zone=UnknownTimeZone.CAMPAIGN
    )
    assert [window.group_for(TOKYO) for window in (own, ours, told, both)] == [
        TOKYO,
        "Europe/London",
        TOKYO,
        "Europe/London",
    ]
    for unknown in UNKNOWN:
        # Whose zone is not known is skipped, unless the campaign says otherwise.
        assert [window.group_for(unknown) for window in (own, ours, told, both)] == [
            "",
            "",
            "Europe/London",
            "Europe/London",
        ]


def test_the_hours_of_each_day_in_minutes() -> None:
    slots = (Slot(Day.MONDAY, "09:00", "12:30"), Slot(Day.SUNDAY, "22:00", "02:00"), Slot(Day.MONDAY, "14:00", "24:00"))
    assert hours(slots) == (((540, 750), (840, 1440)), (), (), (), (), (), ((1320, 120),))
    assert hours(Window().slots) == (((540, 1200),),) * len(WEEK)


@pytest.mark.parametrize(
    ("text", "value"), [("00:00", 0), ("24:00", 1440), ("24:01", None), ("9:00", None), ("09:60", None)]
)
def test_a_time_of_day(text: str, value: int | None) -> None:
    assert minutes(text) == value


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
