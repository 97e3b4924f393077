"""Retries: the outcome table, and what no policy may do."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalk.domain.call import Outcome
from agentalk.domain.retry import DEFAULT_RULES, NEVER_RETRIED, RetryPolicy, RetryRule, backoff, retry_delay


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
        delay = retry_delay(policy, attempt, {outcome: attempt}, outcome)
        assert delay == (None if wait is None else timedelta(minutes=wait))
    assert retry_delay(policy, 3, {outcome: 3}, outcome) is None, "three attempts are all there are"


@given(st.sampled_from(sorted(NEVER_RETRIED)), st.integers(1, 100))
def test_who_was_reached_or_refused_is_left_alone(outcome: Outcome, attempts: int) -> None:
    assert retry_delay(RetryPolicy(max_attempts=100), attempts, {outcome: 1}, outcome) is None


@given(st.sampled_from(Outcome), st.integers(1, 6), st.integers(1, 6))
def test_an_outcome_that_is_not_named_is_not_retried(outcome: Outcome, attempts: int, times: int) -> None:
    assert retry_delay(RetryPolicy(max_attempts=100, rules=()), attempts, {outcome: times}, outcome) is None


def test_different_outcomes_share_the_attempts() -> None:
    policy = RetryPolicy(max_attempts=2)
    assert retry_delay(policy, 1, {"busy": 1}, Outcome.BUSY) is not None
    assert retry_delay(policy, 2, {"busy": 1, "no_answer": 1}, Outcome.NO_ANSWER) is None


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
