"""Caps over rolling windows, against counting by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agentalk.domain.policy.caps import caps, lockout, lookback, use
from agentalk.domain.policy.model import DEFAULT_FREQUENCY, DEFAULTS, CapScope, FrequencyCap, Purpose

NOW = datetime(2026, 11, 26, 15, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PHONE, CONTACT = CapScope.PHONE, CapScope.CONTACT
CAPS = st.builds(FrequencyCap, st.just(PHONE), st.integers(0, 4), st.sampled_from([0.5, 1, 24, 168]))
# Minutes ago, many of them on the edges of windows.
AGES = st.lists(st.sampled_from([0, 29, 30, 31, 59, 60, 61, 1439, 1440, 1441]) | st.integers(0, 12_000), max_size=12)


def allowed(cap: FrequencyCap, attempts: list[datetime], at: datetime) -> bool:
    """Whether one more attempt at `at` makes no stretch of `hours` hours that holds more than `max` attempts."""
    past = [one for one in attempts if one <= at]
    return len([one for one in past if at - one < timedelta(hours=cap.hours)]) + 1 <= cap.max


@given(CAPS, AGES)
def test_a_cap_says_whether_and_from_when_exactly(cap: FrequencyCap, ages: list[int]) -> None:
    attempts = sorted((NOW - age * MINUTE for age in ages), reverse=True)
    used = use(cap, attempts, NOW)
    assert (used.free_at == NOW) == allowed(cap, attempts, NOW)
    if cap.max == 0:
        assert used.free_at is None
        return
    assert used.free_at is not None
    assert used.free_at >= NOW
    assert allowed(cap, attempts, used.free_at)
    if used.free_at > NOW:
        before = [NOW, used.free_at - timedelta(microseconds=1), NOW + (used.free_at - NOW) / 2]
        assert not any(allowed(cap, attempts, moment) for moment in before)


@given(CAPS.filter(lambda cap: cap.max > 0), st.lists(st.integers(0, 3000), max_size=40))
def test_who_waits_for_the_moment_never_exceeds_the_cap(cap: FrequencyCap, gaps: list[int]) -> None:
    now, attempts = NOW, list[datetime]()
    for gap in gaps:
        now += gap * MINUTE
        free = use(cap, attempts, now).free_at
        assert free is not None
        now = free
        attempts.insert(0, now)
    window = timedelta(hours=cap.hours)
    for start in attempts:
        assert len([one for one in attempts if start <= one < start + window]) <= cap.max


def test_an_attempt_counts_until_exactly_the_end_of_the_window() -> None:
    cap = FrequencyCap(PHONE, 1, 24)
    assert use(cap, [NOW - 24 * HOUR], NOW).used == 0
    late = use(cap, [NOW - 24 * HOUR + timedelta(microseconds=1)], NOW)
    assert (late.used, late.free_at) == (1, NOW + timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("group", "purpose", "expected"),
    [
        ("America/New_York@US-NY", Purpose.MARKETING, set()),
        ("America/New_York@US-FL", Purpose.MARKETING, {(PHONE, 3, 24), (CONTACT, 3, 24)}),
        ("America/New_York@US-NY", Purpose.DEBT, {(PHONE, 7, 168), (CONTACT, 7, 168)}),
        ("Europe/Paris@FR", Purpose.SURVEY, {(PHONE, 4, 720), (CONTACT, 4, 720)}),
        ("Europe/Paris", Purpose.SURVEY, set()),
    ],
)
def test_the_laws_caps_come_on_top_of_the_policys(
    group: str, purpose: Purpose, expected: set[tuple[CapScope, int, float]]
) -> None:
    inforce = replace(DEFAULTS, purpose=purpose)
    own = {(cap.scope, cap.max, cap.hours) for cap in DEFAULT_FREQUENCY}
    assert {(cap.scope, cap.max, cap.hours) for cap in caps(inforce, group)} == own | expected
    none = replace(inforce, frequency=())
    assert {(cap.scope, cap.max, cap.hours) for cap in caps(none, group)} == expected


def test_attempts_count_as_far_back_as_the_longest_window_of_any_group() -> None:
    assert lookback(DEFAULTS, ["America/New_York@US-FL"]) == 168 * HOUR
    assert lookback(DEFAULTS, ["America/New_York@US-FL", "Europe/Paris@FR"]) == 720 * HOUR
    assert lookback(replace(DEFAULTS, frequency=()), ["Asia/Tokyo@JP"]) == 0 * HOUR


def test_peace_after_a_conversation_is_for_debt_in_the_us() -> None:
    debt = replace(DEFAULTS, purpose=Purpose.DEBT)
    assert lockout(debt, "America/Chicago@US-TX") == 168 * HOUR
    assert lockout(debt, "Europe/Paris@FR,US-NY") == 168 * HOUR
    assert lockout(debt, "Europe/Paris@FR") is None
    assert lockout(DEFAULTS, "America/Chicago@US-TX") is None
