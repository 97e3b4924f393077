"""From which number to call: rotation, local presence, daily caps."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalk.domain.caller_id import CallerIdRule, CallerIdStrategy, Numbers, Rota, Usage, area_of, country_of

NEW_YORK, BOSTON, TORONTO = "+12125550001", "+16175550001", "+14165550001"
LONDON, LEEDS, PARIS = "+442079460001", "+441134960001", "+33142685300"
UNUSED = Usage()
LOCAL = CallerIdRule(CallerIdStrategy.LOCAL)
POOL = tuple(f"+1212555{n:04d}" for n in range(6))


def assign(asks: list[tuple[Numbers, str]], usage: Usage) -> list[str | None]:
    rota = Rota(usage)
    given = [rota.next(*ask) for ask in asks]
    assert rota.begun == Counter(number for number in given if number)
    return given


def one(numbers: Numbers, phone: str, usage: Usage = UNUSED) -> str | None:
    return assign([(numbers, phone)], usage)[0]


def test_the_least_used_number_goes_first_then_all_in_turn() -> None:
    numbers = Numbers((NEW_YORK, BOSTON, TORONTO))
    given = assign([(numbers, LONDON)] * 5, Usage({NEW_YORK: 2, BOSTON: 1}))
    assert given == [TORONTO, BOSTON, TORONTO, NEW_YORK, BOSTON]


def test_a_campaign_without_numbers_gets_none_and_is_not_bound() -> None:
    assert one(Numbers(()), LONDON) is None
    assert Usage().room(Numbers((), CallerIdRule(daily_cap=5))) is None


@pytest.mark.parametrize(
    ("phone", "nearest"),
    [
        ("+12125559999", NEW_YORK),
        ("+16175559999", BOSTON),
        ("+16045559999", TORONTO),  # Vancouver: no number of its area, one of its country
        ("+442079469999", LONDON),
        ("+441134969999", LEEDS),
        ("+33612345678", PARIS),  # a mobile has no area
        ("+33491000000", PARIS),
        ("+4930123456", NEW_YORK),  # nobody near: any
    ],
)
def test_local_is_the_nearest_number(phone: str, nearest: str) -> None:
    assert one(Numbers((NEW_YORK, BOSTON, TORONTO, LONDON, LEEDS, PARIS), LOCAL), phone) == nearest


def test_a_country_without_a_number_of_the_area_rotates_over_the_country() -> None:
    numbers = Numbers((NEW_YORK, TORONTO, BOSTON), LOCAL)
    assert assign([(numbers, "+13055550100")] * 3, Usage()) == [NEW_YORK, BOSTON, NEW_YORK]


def test_the_area_is_used_up_then_the_country_then_any() -> None:
    numbers = Numbers((NEW_YORK, BOSTON, TORONTO), CallerIdRule(CallerIdStrategy.LOCAL, daily_cap=1))
    assert assign([(numbers, "+12125559999")] * 4, Usage()) == [NEW_YORK, BOSTON, TORONTO, None]


def test_a_number_that_rests_is_not_used() -> None:
    usage = Usage({}, frozenset({NEW_YORK}))
    assert assign([(Numbers((NEW_YORK, BOSTON)), LONDON)] * 2, usage) == [BOSTON, BOSTON]
    assert one(Numbers((NEW_YORK,)), LONDON, usage) is None
    assert usage.room(Numbers((NEW_YORK,))) == 0
    assert usage.room(Numbers((NEW_YORK, BOSTON), CallerIdRule(daily_cap=3))) == 3


@pytest.mark.parametrize(
    ("number", "area", "country"),
    [
        (NEW_YORK, "+1212", "US"),
        (TORONTO, "+1416", "CA"),
        ("+12425550100", "+1242", "BS"),
        (LONDON, "+4420", "+44"),
        ("+493012345678", "+4930", "+49"),
        ("+390612345678", "+3906", "+39"),
        ("+33612345678", None, "+33"),
        ("+999999", None, "+999"),
    ],
)
def test_area_and_country(number: str, area: str | None, country: str) -> None:
    assert area_of(number) == area
    assert country_of(number) == country


RULES = st.builds(CallerIdRule, st.sampled_from(CallerIdStrategy), st.none() | st.integers(1, 4))
NUMBERS = st.builds(Numbers, st.lists(st.sampled_from(POOL), max_size=4).map(tuple), RULES)
CAMPAIGNS = st.lists(NUMBERS, min_size=1, max_size=3)
USED = st.dictionaries(st.sampled_from(POOL), st.integers(0, 5))
RESTING = st.frozensets(st.sampled_from(POOL))


@given(CAMPAIGNS, st.lists(st.integers(0, 2), max_size=40), USED, RESTING)
def test_no_number_bears_more_than_its_rule_allows_and_the_least_used_goes_first(
    campaigns: list[Numbers], order: list[int], used: dict[str, int], resting: frozenset[str]
) -> None:
    usage = Usage(used, resting)
    asks = [(campaigns[i % len(campaigns)], "+12125559999") for i in order]
    calls = Counter(used)
    for (numbers, _), number in zip(asks, assign(asks, usage), strict=True):
        cap = numbers.rule.daily_cap
        able = [n for n in numbers.caller_ids if n not in usage.resting and (cap is None or calls[n] < cap)]
        assert (number in able) if able else number is None
        if number is not None:
            assert calls[number] == min(calls[n] for n in able)
            calls[number] += 1


@given(NUMBERS, USED)
def test_the_room_is_what_can_be_assigned(numbers: Numbers, used: dict[str, int]) -> None:
    unique = Numbers(tuple(dict.fromkeys(numbers.caller_ids)), numbers.rule)
    room = Usage(used).room(unique)
    if room is not None:
        given_out = assign([(unique, "+12125559999")] * 30, Usage(used))
        assert sum(number is not None for number in given_out) == room
