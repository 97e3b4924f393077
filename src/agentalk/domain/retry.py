"""What follows an attempt that reached nobody: the outcome table as data, and the decision.

An outcome that a policy does not name is not retried.
"""

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from agentalk.domain.call import Outcome

_HOUR = 60
_DAY = 24 * _HOUR


class RetryRule(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Call again after `outcome`: the n-th such outcome waits the n-th of `delay_minutes` (the last one repeats).

    `max_retries` bounds how many retries this outcome may cause; None leaves only the policy's `max_attempts`.
    """

    outcome: Outcome
    delay_minutes: tuple[float, ...]
    max_retries: int | None = None


# Source: the outcome table of the engine's design (docs/states.md), gathered from carriers' guidance in 2026.
DEFAULT_RULES = (
    RetryRule(Outcome.VOICEMAIL, (4 * _HOUR, _DAY), 2),
    RetryRule(Outcome.NO_ANSWER, (2 * _HOUR, _DAY), 3),
    RetryRule(Outcome.BUSY, (15, 60, 4 * _HOUR), 3),
    RetryRule(Outcome.REJECTED, (_DAY,), 1),
    RetryRule(Outcome.UNREACHABLE, (6 * _HOUR,), 2),
    RetryRule(Outcome.CARRIER_FAILURE, (5, 30), 2),
    RetryRule(Outcome.AGENT_ERROR, (5,), 1),
    RetryRule(Outcome.ABANDONED, (3 * _DAY,), 1),
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
# Not an attempt, and handled apart from the rules: the contact waits with backoff.
_REFUNDED = frozenset({Outcome.NOT_PLACED, Outcome.CANCELED})
_BACKOFF_FIRST = timedelta(seconds=5)
_BACKOFF_MOST = timedelta(hours=1)


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
            if rule.outcome in NEVER_RETRIED or rule.outcome in _REFUNDED:
                return f"{at}.outcome", f'"{rule.outcome}" is never retried by rule'
            if rule.outcome in seen:
                return f"{at}.outcome", f'"{rule.outcome}" has a rule already'
            if not 1 <= len(rule.delay_minutes) <= 20:
                return f"{at}.delayMinutes", "must hold 1 to 20 delays"
            # The floor keeps a slip of the pen from ringing a person again and again; a year is the ceiling.
            if not all(1 <= delay <= 525_600 for delay in rule.delay_minutes):
                return f"{at}.delayMinutes", "must each be from 1 to 525600 minutes"
            if rule.max_retries is not None and not 0 <= rule.max_retries <= 100:
                return f"{at}.maxRetries", "must be from 0 to 100"
            seen.add(rule.outcome)
        return None


def retry_delay(policy: RetryPolicy, attempts: int, outcomes: Mapping[str, int], outcome: Outcome) -> timedelta | None:
    """How long to wait before the next attempt, or None if there is to be none.

    `attempts` and `outcomes` (how often each outcome came) count the attempt that has just ended with `outcome`.
    """
    if attempts >= policy.max_attempts:
        return None
    rule = next((rule for rule in policy.rules if rule.outcome is outcome), None)
    times = outcomes.get(outcome, 0)
    if rule is None or (rule.max_retries is not None and times > rule.max_retries):
        return None
    return timedelta(minutes=rule.delay_minutes[min(times, len(rule.delay_minutes)) - 1])


def backoff(misfires: int, jitter: float) -> timedelta:
    """The wait after the `misfires`-th placement in a row that a carrier refused: doubling from 5 s to an hour.

    `jitter` in 0..1 stretches it by up to a half, so that refused calls do not come back as one herd.
    """
    doubled: timedelta = _BACKOFF_FIRST * 2.0 ** min(misfires - 1, 10)
    return min(_BACKOFF_MOST, doubled) * (1 + jitter / 2)
