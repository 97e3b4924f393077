"""The circuit breaker and the limit of abandoned calls."""

import pytest

from agentalk.domain.call import Outcome
from agentalk.domain.health import Health, Record, judge
from agentalk.domain.policy.model import AbandonLimit

LIMIT = AbandonLimit(max_share=0.03, min_sample=100)
FAILED, BROKE, FINE = Outcome.CARRIER_FAILURE, Outcome.AGENT_ERROR, Outcome.ANSWERED


@pytest.mark.parametrize(
    ("recent", "health"),
    [
        ({FAILED: 19}, Health.FINE),
        ({FAILED: 20}, Health.BROKEN),
        ({FAILED: 5, BROKE: 5, FINE: 10}, Health.BROKEN),
        ({FAILED: 5, BROKE: 4, FINE: 11}, Health.FINE),
        ({FAILED: 10, Outcome.NOT_PLACED: 500, Outcome.CANCELED: 9}, Health.FINE),
        ({FAILED: 20, Outcome.NOT_PLACED: 500}, Health.BROKEN),
        ({Outcome.NOT_PLACED: 500}, Health.FINE),
        ({}, Health.FINE),
    ],
)
def test_the_breaker(recent: dict[Outcome, int], health: Health) -> None:
    assert judge(Record(recent=recent, spans=({},), abandoned_since=0), LIMIT) is health


@pytest.mark.parametrize(
    ("answered", "abandoned", "health"),
    [
        (98, 1, Health.FINE),  # 99 answered: not enough to tell
        (96, 3, Health.FINE),
        (97, 3, Health.ABANDONING),
        (998, 24, Health.FINE),
        (970, 24, Health.THROTTLED),  # 2.41 %: above four fifths of 3 %
        (976, 24, Health.THROTTLED),
        (977, 24, Health.FINE),
        (970, 30, Health.ABANDONING),
        (1000, 0, Health.FINE),
    ],
)
def test_abandoned_calls(answered: int, abandoned: int, health: Health) -> None:
    tally = {FINE: answered - 5, Outcome.OPTED_OUT: 5, Outcome.ABANDONED: abandoned, Outcome.VOICEMAIL: 10_000}
    none: dict[Outcome, int] = {}
    for spans in ((tally, none), (none, tally)):
        assert judge(Record(recent={}, spans=spans, abandoned_since=abandoned), LIMIT) is health


def test_started_over_the_limit_it_runs_throttled_until_the_next_abandoned_call() -> None:
    tally = {FINE: 50, Outcome.ABANDONED: 50}
    assert judge(Record(recent={}, spans=(tally, tally), abandoned_since=0), LIMIT) is Health.THROTTLED
    assert judge(Record(recent={}, spans=(tally, tally), abandoned_since=1), LIMIT) is Health.ABANDONING


def test_a_limit_of_nothing_is_reached_by_one_call() -> None:
    none = AbandonLimit(max_share=0.0, min_sample=1)
    assert judge(Record(recent={}, spans=({Outcome.ABANDONED: 1},), abandoned_since=1), none) is Health.ABANDONING
    assert judge(Record(recent={}, spans=({FINE: 1},), abandoned_since=0), none) is Health.FINE
