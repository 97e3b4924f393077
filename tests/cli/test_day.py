"""The demo's day and the rule by which it ends."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agentalk.cli.demo.day import HOME, HORIZON, WINDOW, at_rest, dawn, due, outlook
from agentalk.domain.policy.hours import is_lawful
from agentalk.domain.policy.model import DEFAULTS

PLACES = {
    "America/New_York@US-NY": True,
    "America/Denver@US-CO": True,
    "Europe/London@GB": True,
    "Europe/Berlin@DE": True,
    "America/Los_Angeles@US-CA": False,
    "Asia/Kolkata@IN": False,
    "Australia/Sydney@AU": False,
}


@pytest.mark.parametrize("month", range(1, 13))
def test_at_dawn_the_east_is_open_and_the_west_about_to_open(month: int) -> None:
    now = dawn(datetime(2026, month, 14, 12, tzinfo=UTC))

    assert {place: is_lawful(WINDOW, DEFAULTS, place, now) for place in PLACES} == PLACES
    assert is_lawful(WINDOW, DEFAULTS, "America/Los_Angeles@US-CA", now + timedelta(minutes=20))


@pytest.mark.parametrize(
    ("day", "expected"),
    [(25, "2026-11-25"), (27, "2026-11-27"), (28, "2026-11-30"), (29, "2026-11-30"), (30, "2026-11-30")],
)
def test_the_day_is_no_weekend(day: int, expected: str) -> None:
    morning = dawn(datetime(2026, 11, day, 20, tzinfo=UTC)).astimezone(HOME)

    assert f"{morning:%Y-%m-%d %H:%M}" == f"{expected} 07:40"


NOW = datetime(2026, 11, 25, 8, 25, tzinfo=ZoneInfo("America/Los_Angeles"))
FAR = (NOW + HORIZON).isoformat()
SOON = (NOW + HORIZON - timedelta(seconds=1)).isoformat()
ZONES = {"sydney": "Australia/Sydney", "denver": "America/Denver", "nowhere": ""}


def rest(*waiting: str | None, pending: tuple[str, ...] = ()) -> bool:
    records = [{"contactId": f"w{i}", "nextAttemptAt": at} for i, at in enumerate(waiting)]
    return at_rest(outlook(records, pending, ZONES, NOW), NOW)


def test_at_rest_with_nothing_left() -> None:
    assert rest()


def test_at_rest_with_what_is_left_beyond_the_horizon() -> None:
    assert rest(FAR, pending=("sydney",))


@pytest.mark.parametrize("at", [SOON, NOW.isoformat(), "2020-01-01T00:00:00Z", None])
def test_no_rest_with_an_attempt_that_is_due_or_soon_or_unknown(at: str | None) -> None:
    assert not rest(FAR, at)


@pytest.mark.parametrize("contact", ["denver", "nowhere", "stranger"])
def test_no_rest_with_a_pending_contact_in_its_hours_or_of_unknown_place(contact: str) -> None:
    assert not rest(FAR, pending=("sydney", contact))


def test_due_are_those_whose_time_has_come_or_is_not_known() -> None:
    records = [{"contactId": "soon", "nextAttemptAt": SOON}, {"contactId": "past", "nextAttemptAt": NOW.isoformat()}]
    coming = outlook(records, ("sydney", "denver", "nowhere"), ZONES, NOW)

    assert [one.contact_id for one in due(coming, NOW)] == ["past", "denver", "nowhere"]
