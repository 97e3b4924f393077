"""Each figure of the policy's table, and how several jurisdictions become one."""

from datetime import date

import pytest

from agentalk.domain.consent import ConsentType
from agentalk.domain.policy.model import Purpose
from agentalk.domain.policy.presets import Preset, hours_of, joined, preset, presets, read
from agentalk.domain.window import WEEK

STATES = [name for name in presets() if name.startswith("US-") and name != "US-ZZ"]
MARKETING, INFORMATIONAL, SURVEY, DEBT = Purpose
WEEKDAYS, ALL_WEEK = 5, 7


def week(*spans: str, days: int = ALL_WEEK, saturday: str = "", sunday: str = "") -> list[tuple[str, ...]]:
    """Hours of each day: the spans on so many days, Saturday's and Sunday's if they have their own."""
    whole = [spans] * days + [()] * (7 - days)
    whole[5] = (saturday,) if saturday else whole[5]
    whole[6] = (sunday,) if sunday else whole[6]
    return whole


@pytest.mark.parametrize(
    ("jurisdiction", "hours"),
    [
        ("US", week("08:00-21:00")),
        ("US-NY", week("08:00-21:00")),
        ("US-FL", week("08:00-20:00")),
        ("US-OK", week("08:00-20:00")),
        ("US-MD", week("08:00-20:00")),
        ("US-WA", week("08:00-20:00")),
        ("US-TX", week("09:00-21:00", sunday="12:00-21:00")),
        ("US-CT", week("09:00-20:00")),
        ("US-AL", week("08:00-20:00", days=6)),
        ("US-LA", week("08:00-20:00", days=6)),
        ("US-MS", week("08:00-20:00", days=6)),
        ("US-RI", week("09:00-18:00", days=WEEKDAYS, saturday="10:00-17:00")),
        ("CA", week("09:00-21:30", days=WEEKDAYS, saturday="10:00-18:00", sunday="10:00-18:00")),
        ("CA-QC", week("09:00-21:30", days=WEEKDAYS, saturday="10:00-18:00", sunday="10:00-18:00")),
        ("FR", week("10:00-13:00", "14:00-20:00", days=WEEKDAYS)),
        ("ZZ", week("09:00-20:00", days=WEEKDAYS, saturday="10:00-18:00")),
        ("GB", week("09:00-20:00", days=WEEKDAYS, saturday="10:00-18:00")),
        ("DE", week("09:00-20:00", days=WEEKDAYS, saturday="10:00-18:00")),
        ("BR", week("09:00-20:00", days=WEEKDAYS, saturday="10:00-18:00")),
    ],
)
def test_hours(jurisdiction: str, hours: list[tuple[str, ...]]) -> None:
    named = preset(jurisdiction).hours or {}
    assert [named.get(day, ()) for day in WEEK] == hours


@pytest.mark.parametrize(
    ("jurisdiction", "purpose", "attempts"),
    [
        ("US-FL", MARKETING, {(3, 24)}),
        ("US-OK", INFORMATIONAL, {(3, 24)}),
        ("US-MD", SURVEY, {(3, 24)}),
        ("US-WA", MARKETING, set()),
        ("US", MARKETING, set()),
        ("US", DEBT, {(7, 7 * 24)}),
        ("US-FL", DEBT, {(3, 24), (7, 7 * 24)}),
        ("FR", INFORMATIONAL, {(4, 30 * 24)}),
        ("CA", MARKETING, set()),
        ("ZZ", MARKETING, set()),
    ],
)
def test_attempts(jurisdiction: str, purpose: Purpose, attempts: set[tuple[int, float]]) -> None:
    found = preset(jurisdiction).attempts
    assert {(one.max, one.hours) for one in found if purpose in one.purposes} == attempts


def test_debt_leaves_people_in_peace_after_a_conversation() -> None:
    assert [(one.hours, one.purposes) for one in preset("US-TX").lockouts] == [(7 * 24, (DEBT,))]
    assert preset("FR").lockouts == ()


@pytest.mark.parametrize(
    ("jurisdiction", "needed"),
    [
        ("US", {MARKETING: "written", INFORMATIONAL: "express", SURVEY: "express", DEBT: "express"}),
        ("US-NY", {MARKETING: "written", INFORMATIONAL: "express", SURVEY: "express", DEBT: "express"}),
        ("CA", {MARKETING: "express"}),
        ("FR", {MARKETING: "express"}),
        ("GB", {MARKETING: "express"}),
        ("DE", {MARKETING: "express"}),
        ("ZZ", {MARKETING: "written"}),
    ],
)
def test_consent(jurisdiction: str, needed: dict[Purpose, str]) -> None:
    assert preset(jurisdiction).consent == needed


@pytest.mark.parametrize("jurisdiction", presets())
def test_sundays_and_holidays_are_off_for_marketing_and_registries_grow_stale(jurisdiction: str) -> None:
    rules = preset(jurisdiction)
    assert MARKETING in rules.no_sundays or not hours_of(rules)[6]
    assert MARKETING in rules.no_holidays
    assert rules.registry_days == (28 if jurisdiction == "GB" else 31)


def test_france_rests_on_holidays_for_every_purpose() -> None:
    assert set(preset("FR").no_holidays) == set(Purpose)
    assert preset("US").no_holidays == (MARKETING,)


@pytest.mark.parametrize(("name", "file"), presets().items())
def test_every_file_names_its_source_and_its_date(name: str, file: Preset) -> None:
    assert len(file.source) > 10
    assert date(2026, 1, 1) <= file.date <= date(2030, 1, 1)
    assert file.name


def within(one: Preset, other: Preset) -> bool:
    """Whether every minute of the one is allowed by the other."""
    return all(
        any(start <= a and b <= end for start, end in wide)
        for narrow, wide in zip(hours_of(one), hours_of(other), strict=True)
        for a, b in narrow
    )


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_within_its_country_and_no_state_is_stricter_than_the_unknown_one(state: str) -> None:
    unknown = preset("US-ZZ")
    assert within(preset(state), preset("US"))
    assert within(unknown, preset(state))
    assert set(preset(state).attempts) <= set(unknown.attempts)
    assert set(preset(state).lockouts) <= set(unknown.lockouts)
    assert preset(state).consent == unknown.consent


def test_of_several_jurisdictions_the_strictest_counts() -> None:
    both = joined(("FR", "US-RI"))
    assert within(both, preset("FR"))
    assert within(both, preset("US-RI"))
    assert (both.hours or {})[WEEK[0]] == ("10:00-13:00", "14:00-18:00")
    assert (both.hours or {})[WEEK[5]] == ()
    assert both.consent[MARKETING] == ConsentType.WRITTEN
    assert {(one.max, one.hours) for one in both.attempts} == {(7, 168), (4, 720)}
    assert set(both.no_holidays) == set(Purpose)


def test_written_consent_is_not_weakened_by_a_later_jurisdiction() -> None:
    for places in (("CA", "US"), ("US", "CA")):
        assert joined(places).consent[MARKETING] == ConsentType.WRITTEN


def test_no_jurisdiction_is_elsewhere() -> None:
    assert joined(()) == preset("ZZ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('monday = ["8:00-20:00"]', "not hours of a day"),
        ('monday = ["20:00-08:00"]', "not hours of a day"),
        ('monday = ["08:00-25:00"]', "not hours of a day"),
        ('someday = ["08:00-20:00"]', "someday"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_by_name(text: str, said: str) -> None:
    head = 'name = "X"\nsource = "A law"\ndate = 2026-11-26\n[hours]\n'
    with pytest.raises(ValueError, match=rf"presets/XX\.toml: .*{said}"):
        read("XX.toml", (head + text).encode())


def test_a_countrys_file_without_hours_is_refused() -> None:
    text = b'name = "X"\nsource = "A law"\ndate = 2026-11-26\n'
    assert read("XX-YY.toml", text).hours is None
    with pytest.raises(ValueError, match="hours"):
        read("XX.toml", text)


def test_a_file_without_a_source_is_refused() -> None:
    with pytest.raises(ValueError, match="source"):
        read("XX.toml", b'name = "X"\nsource = " "\ndate = 2026-11-26\n')
    with pytest.raises(ValueError, match="source"):
        read("XX.toml", b'name = "X"\ndate = 2026-11-26\n')
