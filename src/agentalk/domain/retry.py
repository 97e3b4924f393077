"""What follows an attempt that reached nobody: the outcome table as data, and the decision.

An outcome that a policy does not name is not retried.
"""

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from agentalk.domain.call import Outcome

_HOUR = 60
_DAY = 24 * _HOUR
# Whoever answered and heard nothing is left alone for three days.
_LOCKOUT = 3 * _DAY


class RetryRule(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Call again after `outcome`: the n-th such outcome waits the n-th of `delay_minutes` (the last one repeats).

    `max_retries` bounds how many retries this outcome may cause; None leaves only the policy's `max_attempts`. With
    `another_part_of_day` the retries after the first (the first too, where there is but one delay) come in another part
    of the contact's day than the attempt that failed: morning until 12:00, afternoon until 17:00, evening from then on.
    """

    outcome: Outcome
    delay_minutes: tuple[float, ...]
    max_retries: int | None = None
    another_part_of_day: bool = False


# Source: the outcome table of the engine's design (docs/states.md), gathered from carriers' guidance in 2026.
DEFAULT_RULES = (
    RetryRule(Outcome.VOICEMAIL, (4 * _HOUR, _DAY), 2),
    RetryRule(Outcome.NO_ANSWER, (2 * _HOUR, _DAY), 3, another_part_of_day=True),
    RetryRule(Outcome.BUSY, (15, 60, 4 * _HOUR), 3),
    RetryRule(Outcome.REJECTED, (_DAY,), 1),
    RetryRule(Outcome.UNREACHABLE, (6 * _HOUR,), 2),
    RetryRule(Outcome.CARRIER_FAILURE, (5, 30), 2),
    RetryRule(Outcome.AGENT_ERROR, (5,), 1),
    RetryRule(Outcome.ABANDONED, (_LOCKOUT,), 1),
    RetryRule(Outcome.UNKNOWN, (2 * _HOUR, _DAY), 1),
)
# A person who refused, asked not to be called or cannot be reached by this number is never called again for it.
NEVER_RETRIED = frozenset(
    {
        Outcome.ANSWERED,
        Outcome.OPTED_OUT,
        Outcome.UNWANTED,
        Outcome.BLOCKED,
        Outcome.INVALID_NUMBER,
        Outcome.FAX,
    }
)
LOCKOUT = timedelta(minutes=_LOCKOUT)
# Handled apart from the rules: what was not placed is no attempt, and who is hung up is meant to be.
_NO_RULE = frozenset({Outcome.NOT_PLACED, Outcome.CANCELED})
_BACKOFF_FIRST = timedelta(seconds=5)
_BACKOFF_MOST = timedelta(hours=1)
# The backoff is at its longest by then; a carrier that is away, or asks to slow down, gets no contact beyond it.
_MISFIRES_PASSING = 12
# As many refusals for good, an hour apart, take a day at least.
MISFIRES_MOST = _MISFIRES_PASSING + 25


class RetryPolicy(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """At most `max_attempts` attempts in all, and a rule for each outcome worth another."""

    max_attempts: int = 3
    rules: tuple[RetryRule, ...] = DEFAULT_RULES

    def problem(self) -> tuple[str, str] | None:
        """The first thing wrong with this policy, as (field, message), or None."""
        if not 1 <= self.max_attempts <= 100:
            return "retry.maxAttempts", "must be from 1 to 100"
        seen = set()
        for i, rule in enumerate(self.rules):
            at = f"retry.rules[{i}]"
            if rule.outcome in NEVER_RETRIED or rule.outcome in _NO_RULE:
                return f"{at}.outcome", f'"{rule.outcome}" is never retried by rule'
            if rule.outcome in seen:
                return f"{at}.outcome", f'"{rule.outcome}" has a rule already'
            if not 1 <= len(rule.delay_minutes) <= 20:
                return f"{at}.delayMinutes", "must hold 1 to 20 delays"
            # The floor keeps a slip of the pen from ringing a person again and again; a year is the ceiling.
            if not all(1 <= delay <= 525_600 for delay in rule.delay_minutes):
                return f"{at}.delayMinutes", "must each be from 1 to 525600 minutes"
            if rule.outcome is Outcome.ABANDONED and min(rule.delay_minutes) < _LOCKOUT:
                return (
                    f"{at}.delayMinutes",
                    f"must each be {_LOCKOUT} at least: who heard nothing is left alone for 72 h",
                )
            if rule.max_retries is not None and not 0 <= rule.max_retries <= 100:
                return f"{at}.maxRetries", "must be from 0 to 100"
            seen.add(rule.outcome)
        return None


class Wait(msgspec.Struct, frozen=True):
    """How long to wait before the next attempt at least, and whether it is to be in another part of the day."""

    delay: timedelta
    another_part_of_day: bool


def wait_after(policy: RetryPolicy, attempts: int, outcomes: Mapping[str, int], outcome: Outcome) -> Wait | None:
    """The wait before the next attempt, or None if there is to be none.

    `attempts` and `outcomes` (how often each outcome came) count the attempt that has just ended with `outcome`. A call
    of which nothing is known may have rung: after it the wait is no shorter than after one that nobody answered.
    """
    rule = _rule(policy, outcome)
    times = outcomes.get(outcome, 0)
    if rule is None or attempts >= policy.max_attempts or (rule.max_retries is not None and times > rule.max_retries):
        return None
    wait = _nth(rule, times)
    rang = _rule(policy, Outcome.NO_ANSWER)
    if outcome is Outcome.UNKNOWN and rang is not None:
        least = _nth(rang, times + outcomes.get(Outcome.NO_ANSWER, 0))
        wait = Wait(max(wait.delay, least.delay), wait.another_part_of_day or least.another_part_of_day)
    return wait


def misfired(misfires: int, for_good: bool) -> int:
    """The count of placements in a row that a carrier refused, after one more. Only refusals for good pass a bound."""
    return misfires + 1 if for_good else max(misfires, min(misfires + 1, _MISFIRES_PASSING))


def backoff(misfires: int, jitter: float) -> timedelta:
    """The wait after the `misfires`-th placement in a row that a carrier refused: doubling from 5 s to an hour.

    `jitter` in 0..1 stretches it by up to a half, so that refused calls do not come back as one herd.
    """
    doubled: timedelta = _BACKOFF_FIRST * 2.0 ** min(misfires - 1, 10)
    return min(_BACKOFF_MOST, doubled) * (1 + jitter / 2)


def _rule(policy: RetryPolicy, outcome: Outcome) -> RetryRule | None:
    return next((rule for rule in policy.rules if rule.outcome is outcome), None)


def _nth(rule: RetryRule, n: int) -> Wait:
    last = len(rule.delay_minutes) - 1
    delay = timedelta(minutes=rule.delay_minutes[min(n - 1, last)])
    return Wait(delay, rule.another_part_of_day and (n > 1 or last == 0))
