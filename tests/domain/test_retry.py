"""Retries: the outcome table, and what no policy may do."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalk.domain.call import Outcome
from agentalk.domain.retry import (
    DEFAULT_RULES,
    MISFIRES_MOST,
    NEVER_RETRIED,
    RetryPolicy,
    RetryRule,
    backoff,
    misfired,
    wait_after,
)


@pytest.mark.parametrize(
    ("outcome", "minutes"),
    [
        (Outcome.NO_ANSWER, [120, 1440]),
        (Outcome.BUSY, [15, 60]),
        (Outcome.REJECTED, [1440, None]),
        (Outcome.UNREACHABLE, [360, 360]),
        (Outcome.CARRIER_FAILURE, [5, 30]),
        (Outcome.VOICEMAIL, [240, 1440]),
        (Outcome.UNKNOWN, [120, None]),
        (Outcome.AGENT_ERROR, [5, None]),
        (Outcome.ABANDONED, [4320, None]),
    ],
)
def test_the_default_table(outcome: Outcome, minutes: list[int | None]) -> None:
    policy = RetryPolicy()
    for attempt, wait in enumerate(minutes, start=1):
        found = wait_after(policy, attempt, {outcome: attempt}, outcome)
        assert (found and found.delay) == (None if wait is None else timedelta(minutes=wait))
    assert wait_after(policy, 3, {outcome: 3}, outcome) is None, "three attempts are all there are"


@given(st.sampled_from(sorted(NEVER_RETRIED)), st.integers(1, 100))
def test_who_was_reached_or_refused_is_left_alone(outcome: Outcome, attempts: int) -> None:
    assert wait_after(RetryPolicy(max_attempts=100), attempts, {outcome: 1}, outcome) is None


@given(st.sampled_from(Outcome), st.integers(1, 6), st.integers(1, 6))
def test_an_outcome_that_is_not_named_is_not_retried(outcome: Outcome, attempts: int, times: int) -> None:
    assert wait_after(RetryPolicy(max_attempts=100, rules=()), attempts, {outcome: times}, outcome) is None


def test_different_outcomes_share_the_attempts() -> None:
    policy = RetryPolicy(max_attempts=2)
    assert wait_after(policy, 1, {"busy": 1}, Outcome.BUSY) is not None
    assert wait_after(policy, 2, {"busy": 1, "no_answer": 1}, Outcome.NO_ANSWER) is None


def test_later_retries_of_a_call_that_nobody_answered_are_in_another_part_of_the_day() -> None:
    policy = RetryPolicy(max_attempts=9)
    found = [wait_after(policy, n, {"no_answer": n}, Outcome.NO_ANSWER) for n in (1, 2, 3)]
    assert [wait and wait.another_part_of_day for wait in found] == [False, True, True]
    alone = RetryPolicy(rules=(RetryRule(Outcome.BUSY, (1440,), another_part_of_day=True),))
    wait = wait_after(alone, 1, {"busy": 1}, Outcome.BUSY)
    assert wait is not None
    assert wait.another_part_of_day


@pytest.mark.parametrize(
    ("outcomes", "hours", "elsewhere"),
    [({"unknown": 1}, 2, False), ({"unknown": 1, "no_answer": 1}, 24, True), ({"unknown": 1, "busy": 1}, 2, False)],
)
def test_what_may_have_rung_waits_as_long_as_what_rang(outcomes: dict[str, int], hours: int, elsewhere: bool) -> None:
    quick = RetryPolicy(rules=(RetryRule(Outcome.UNKNOWN, (1,)), *DEFAULT_RULES[:2]))
    for policy in (RetryPolicy(), quick):
        wait = wait_after(policy, 1, outcomes, Outcome.UNKNOWN)
        assert wait is not None
        assert (wait.delay, wait.another_part_of_day) == (timedelta(hours=hours), elsewhere)


@given(st.integers(0, 80), st.booleans())
def test_only_refusals_for_good_count_beyond_the_longest_backoff(misfires: int, for_good: bool) -> None:
    after = misfired(misfires, for_good)
    assert misfires <= after <= misfires + 1
    assert after == misfires + 1 if for_good or misfires < 12 else after == misfires


def test_as_many_refusals_as_end_it_take_a_day() -> None:
    waits = sum((backoff(n, 0) for n in range(1, MISFIRES_MOST)), timedelta())
    assert timedelta(days=1) <= waits <= timedelta(days=1.5)


@given(st.integers(1, 60), st.floats(0, 1))
def test_backoff_grows_and_is_bounded(misfires: int, jitter: float) -> None:
    wait = backoff(misfires, jitter)
    assert timedelta(seconds=5) <= wait <= timedelta(hours=1.5)
    assert backoff(misfires + 1, 0) >= backoff(misfires, 0)


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (RetryPolicy(max_attempts=0), "retry.maxAttempts"),
        (RetryPolicy(max_attempts=101), "retry.maxAttempts"),
        (RetryPolicy(rules=(RetryRule(Outcome.ANSWERED, (5,)),)), "retry.rules[0].outcome"),
        (RetryPolicy(rules=(RetryRule(Outcome.OPTED_OUT, (5,)),)), "retry.rules[0].outcome"),
        (RetryPolicy(rules=(RetryRule(Outcome.BUSY, ()),)), "retry.rules[0].delayMinutes"),
        (RetryPolicy(rules=(RetryRule(Outcome.BUSY, (0,)),)), "retry.rules[0].delayMinutes"),
        (RetryPolicy(rules=(RetryRule(Outcome.BUSY, (float("nan"),)),)), "retry.rules[0].delayMinutes"),
        (RetryPolicy(rules=(RetryRule(Outcome.ABANDONED, (4319,)),)), "retry.rules[0].delayMinutes"),
        (RetryPolicy(rules=(RetryRule(Outcome.BUSY, (5,), -1),)), "retry.rules[0].maxRetries"),
        (RetryPolicy(rules=(RetryRule(Outcome.BUSY, (5,)), RetryRule(Outcome.BUSY, (6,)))), "retry.rules[1].outcome"),
    ],
)
def test_a_bad_policy_names_its_field(policy: RetryPolicy, field: str) -> None:
    problem = policy.problem()
    assert problem is not None
    assert problem[0] == field


def test_the_defaults_are_good() -> None:
    assert RetryPolicy(rules=DEFAULT_RULES).problem() is None
