"""When the next attempt is due: another part of the day, bounded, lawful."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.campaign_contact import Policy
from agentalk.domain.due import elsewhere_in_day
from agentalk.domain.policy.hours import is_lawful
from agentalk.domain.policy.model import DEFAULTS
from agentalk.domain.retry import RetryPolicy
from agentalk.domain.window import Day, Slot, Window

NEW_YORK, CHICAGO, PARIS = "America/New_York", "America/Chicago", "Europe/Paris"
ALL_DAY = tuple(Slot(day, "09:00", "20:00") for day in Day)
MORNINGS = tuple(Slot(day, "09:00", "12:00") for day in Day)
MORNINGS_AND_SATURDAY = (*MORNINGS, Slot(Day.SATURDAY, "14:00", "16:00"))


def due(group: str, tried: datetime, earliest: datetime, slots: tuple[Slot, ...] = ALL_DAY) -> datetime:
    policy = Policy(CampaignStatus.ACTIVE, Window(slots=slots), RetryPolicy(), DEFAULTS)
    return elsewhere_in_day(policy.opens(group), policy.clocks(group), tried, earliest)


def local(text: str, zone: str = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("group", "slots", "tried", "earliest", "expected"),
    [
        # Wednesday the 4th; a day later is the same part of the day: the next one is gone to.
        (NEW_YORK, ALL_DAY, "2026-03-04 10:00", "2026-03-05 10:00", "2026-03-05 12:00"),
        (NEW_YORK, ALL_DAY, "2026-03-04 16:59", "2026-03-05 16:59", "2026-03-05 17:00"),
        (NEW_YORK, ALL_DAY, "2026-03-04 17:00", "2026-03-05 17:00", "2026-03-06 09:00"),
        # It is another part already.
        (NEW_YORK, ALL_DAY, "2026-03-04 10:00", "2026-03-05 12:00", "2026-03-05 12:00"),
        # What is due in the night is due in the morning, and moved on if that was it.
        (NEW_YORK, ALL_DAY, "2026-03-04 19:00", "2026-03-05 23:00", "2026-03-06 09:00"),
        (NEW_YORK, ALL_DAY, "2026-03-04 09:30", "2026-03-04 23:00", "2026-03-05 12:00"),
        # Clocks an hour apart: noon in New York is still morning in Chicago.
        (f"{CHICAGO},{NEW_YORK}", ALL_DAY, "2026-03-04 11:00", "2026-03-05 11:00", "2026-03-05 13:00"),
        # There is none but mornings; or none before Saturday.
        (NEW_YORK, MORNINGS, "2026-03-04 10:00", "2026-03-05 10:00", "2026-03-05 10:00"),
        (NEW_YORK, MORNINGS_AND_SATURDAY, "2026-03-04 10:00", "2026-03-05 10:00", "2026-03-07 14:00"),
        # The day on which the clocks go forward.
        (f"{NEW_YORK}@US", ALL_DAY, "2026-03-07 10:00", "2026-03-08 11:00", "2026-03-08 12:00"),
        # No calls on a Sunday.
        (NEW_YORK, ALL_DAY, "2026-03-07 10:00", "2026-03-08 11:00", "2026-03-09 12:00"),
    ],
)
def test_the_next_attempt_is_in_another_part_of_the_day(
    group: str, slots: tuple[Slot, ...], tried: str, earliest: str, expected: str
) -> None:
    assert due(group, local(tried), local(earliest), slots) == local(expected)


def test_a_window_that_never_opens_keeps_the_moment() -> None:
    earliest = local("2026-03-05 10:00")
    assert due(NEW_YORK, earliest - timedelta(days=1), earliest, ()) == earliest


MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n))


@given(
    MOMENTS,
    st.integers(0, 3 * 24 * 60),
    st.sampled_from([NEW_YORK, PARIS, "Asia/Kolkata", f"{CHICAGO},{NEW_YORK}", f"{NEW_YORK}@US-FL", f"{PARIS}@FR"]),
)
@settings(deadline=None)
def test_it_is_lawful_and_no_sooner_and_elsewhere_within_a_week(tried: datetime, delay: int, group: str) -> None:
    earliest = tried + timedelta(minutes=delay)
    moment = due(group, tried, earliest)
    assert moment >= earliest
    assert is_lawful(Window(slots=ALL_DAY), DEFAULTS, group, moment)

    zones = [ZoneInfo(zone) for zone in group.partition("@")[0].split(",")]
    assert all(part(moment, zone) != part(tried, zone) for zone in zones), "every group has such a moment each day"
    assert moment <= earliest + timedelta(days=8)


def part(moment: datetime, zone: ZoneInfo) -> str:
    hour = moment.astimezone(zone).hour
    return "morning" if hour < 12 else "afternoon" if hour < 17 else "evening"
