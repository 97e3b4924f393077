"""How many calls are begun when."""

from datetime import date, timedelta

from agentalk.domain.call import Outcome
from agentalk.domain.forecast import HORIZON, HOUR, Crowd, Forecast, Pace, foresee
from agentalk.domain.retry import RetryPolicy, RetryRule
from tests.conftest import NOW

ALL_DAY = ((NOW - HOUR, NOW + HORIZON + HOUR),)
NEVER = RetryPolicy(max_attempts=1)
ANSWERED = {Outcome.ANSWERED: 1.0}


def pace(per_hour: float, per_day: int | None = None) -> Pace:
    return Pace(per_hour, "callsPerSecond", per_day)


def crowd(contacts: int, *, opens: float = -1, closes: float = 800, ready: float = 0, attempts: int = 0) -> Crowd:
    spans = ((NOW + opens * HOUR, NOW + closes * HOUR),)
    return Crowd(spans, NOW + ready * HOUR, attempts, contacts)


def calls(told: Forecast) -> list[int]:
    return [hour.calls for hour in told.hours]


def test_the_pace_spreads_the_calls_and_names_the_end() -> None:
    told = foresee([crowd(250)], pace(100), NEVER, ANSWERED, NOW)
    assert calls(told) == [100, 100, 50]
    assert told.ends_at == NOW + 2.5 * HOUR
    assert (told.first_calls, told.retries) == (250, 0)


def test_nobody_is_called_before_their_hours_or_after() -> None:
    told = foresee([crowd(150, opens=2.5, closes=4)], pace(100), NEVER, ANSWERED, NOW)
    assert calls(told) == [0, 0, 50, 100]
    assert told.ends_at == NOW + 4 * HOUR


def test_what_does_not_fit_before_the_hours_close_never_ends() -> None:
    told = foresee([crowd(150, closes=1)], pace(100), NEVER, ANSWERED, NOW)
    assert told.first_calls == 100
    assert told.ends_at is None


def test_several_groups_share_the_pace() -> None:
    told = foresee([crowd(50, closes=1), crowd(100, opens=1)], pace(60), NEVER, ANSWERED, NOW)
    assert calls(told) == [50, 60, 40]


def test_retries_come_after_their_wait_and_go_first() -> None:
    retry = RetryPolicy(max_attempts=2, rules=(RetryRule(Outcome.BUSY, (60.0,)),))
    told = foresee([crowd(100)], pace(60), retry, {Outcome.BUSY: 0.5, Outcome.ANSWERED: 0.5}, NOW)
    assert [(hour.calls, hour.retries) for hour in told.hours] == [(60, 0), (60, 30), (25, 15), (5, 5)]
    assert told.retries == 50


def test_who_waits_is_called_later() -> None:
    told = foresee([crowd(10, ready=5, attempts=1)], pace(60), NEVER, ANSWERED, NOW)
    assert calls(told) == [0, 0, 0, 0, 0, 10]
    assert (told.first_calls, told.retries) == (0, 10)


def test_a_days_worth_of_caller_ids_bounds_a_day() -> None:
    told = foresee([crowd(100)], pace(60, per_day=70), NEVER, ANSWERED, NOW)
    by_day: dict[date, int] = {}
    for hour in told.hours:
        by_day[hour.starts_at.date()] = by_day.get(hour.starts_at.date(), 0) + hour.calls
    assert list(by_day.values()) == [70, 30]


def test_nothing_to_do_ends_at_once() -> None:
    assert foresee([], pace(60), NEVER, ANSWERED, NOW) == Forecast((), 0, 0, NOW)


def test_without_a_pace_it_never_ends() -> None:
    told = foresee([crowd(1)], pace(0), NEVER, ANSWERED, NOW)
    assert told.ends_at is None
    assert len(told.hours) == HORIZON // timedelta(hours=1)
