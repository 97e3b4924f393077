"""Who asks to be called back: when, how often, and what outweighs it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from agentalk.domain.call import Outcome
from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.campaign_contact import CALLBACK, RETRY, ContactStatus, Ending, Policy, Progress, settle
from agentalk.domain.ids import CampaignId, ContactId
from agentalk.domain.policy.model import DEFAULTS
from agentalk.domain.retry import RetryPolicy
from agentalk.domain.window import Window

# A Wednesday, 10:00 in New York.
NOW = datetime(2026, 3, 4, 15, tzinfo=UTC)
ASKED = NOW + timedelta(hours=3)
ACTIVE, STOPPED = (
    Policy(status, Window(), RetryPolicy(), DEFAULTS) for status in (CampaignStatus.ACTIVE, CampaignStatus.STOPPED)
)


def after(outcome: Outcome, policy: Policy = ACTIVE, *, asked: datetime | None = None, **contact: Any) -> Progress:
    """The contact after a call that ended so, on which it asked to be called at `asked`."""
    standing = {"zones": "America/New_York", "attempts": 1, "due_at": NOW, **contact}
    progress = Progress(campaign_id=CampaignId(UUID(int=1)), contact_id=ContactId("c"), **standing)
    end = Ending(outcome=outcome, dialed_at=NOW - timedelta(seconds=30), callback_at=asked)
    return settle(progress, end, policy, NOW, 0.0)


@pytest.mark.parametrize(
    ("outcome", "attempts", "expected"),
    [
        (Outcome.ANSWERED, 1, ContactStatus.WAITING),
        (Outcome.ANSWERED, 3, ContactStatus.WAITING),
        (Outcome.ANSWERED, 4, ContactStatus.COMPLETED),
        (Outcome.NO_ANSWER, 3, ContactStatus.WAITING),
        (Outcome.NO_ANSWER, 4, ContactStatus.EXHAUSTED),
        (Outcome.VOICEMAIL, 1, ContactStatus.WAITING),
        (Outcome.CANCELED, 1, ContactStatus.WAITING),
        (Outcome.NOT_PLACED, 1, ContactStatus.WAITING),
        (Outcome.UNWANTED, 1, ContactStatus.EXHAUSTED),
        (Outcome.BLOCKED, 1, ContactStatus.EXHAUSTED),
        (Outcome.FAX, 1, ContactStatus.EXHAUSTED),
        (Outcome.INVALID_NUMBER, 1, ContactStatus.SKIPPED),
        (Outcome.OPTED_OUT, 1, ContactStatus.SKIPPED),
    ],
)
@pytest.mark.parametrize("by_hand", [True, False])
def test_who_asks_for_a_call_gets_one_more_than_the_policy_has(
    outcome: Outcome, attempts: int, expected: ContactStatus, by_hand: bool
) -> None:
    asked: dict[str, Any] = {"callback_at": ASKED} if by_hand else {"asked": ASKED}
    found = after(outcome, attempts=attempts, **asked)
    assert found.status is expected
    assert found.callback_at is None
    if expected is ContactStatus.WAITING:
        assert (found.lane, found.due_at, found.last_outcome) == (CALLBACK, ASKED, outcome)


@pytest.mark.parametrize(
    ("zones", "asked", "due"),
    [
        ("America/New_York", NOW - timedelta(seconds=20), NOW),  # past since it was said
        ("America/New_York", NOW + timedelta(hours=12), datetime(2026, 3, 5, 14, tzinfo=UTC)),  # 22:00: at nine
        ("America/New_York", datetime(2026, 3, 4, 18, 30), datetime(2026, 3, 4, 23, 30, tzinfo=UTC)),  # noqa: DTZ001
        # 08:30 in the one zone is too early, 08:30 in the other is 09:30 there and too early here: at nine in both.
        ("America/Chicago,America/New_York", datetime(2026, 3, 5, 8, 30), datetime(2026, 3, 5, 15, tzinfo=UTC)),  # noqa: DTZ001
        # 19:30 in Chicago is past eight in New York; in New York it suits both.
        ("America/Chicago,America/New_York", datetime(2026, 3, 5, 19, 30), datetime(2026, 3, 6, 0, 30, tzinfo=UTC)),  # noqa: DTZ001
        # 09:30 in New York is too early in Chicago; in Chicago it suits both.
        ("America/Chicago,America/New_York", datetime(2026, 3, 5, 9, 30), datetime(2026, 3, 5, 15, 30, tzinfo=UTC)),  # noqa: DTZ001
    ],
)
def test_a_callback_is_at_the_time_asked_for_or_as_soon_after_as_is_lawful(
    zones: str, asked: datetime, due: datetime
) -> None:
    found = after(Outcome.ANSWERED, asked=asked, zones=zones)
    assert (found.status, found.lane, found.due_at) == (ContactStatus.WAITING, CALLBACK, due)


@pytest.mark.parametrize(
    "asked",
    [NOW - timedelta(hours=1), NOW + timedelta(days=400), datetime(1, 1, 1), datetime.max.replace(tzinfo=UTC)],  # noqa: DTZ001
)
def test_a_time_that_nobody_can_mean_is_no_callback(asked: datetime) -> None:
    assert after(Outcome.ANSWERED, asked=asked).status is ContactStatus.COMPLETED


def test_who_heard_nothing_is_left_alone_for_three_days_even_if_called_back_by_hand() -> None:
    found = after(Outcome.ABANDONED, callback_at=NOW + timedelta(hours=1))
    assert (found.lane, found.due_at) == (CALLBACK, NOW + timedelta(hours=72))


def test_a_callback_that_nobody_takes_is_retried_as_any_call() -> None:
    found = after(Outcome.BUSY, attempts=2, lane=CALLBACK)
    assert (found.status, found.lane) == (ContactStatus.WAITING, RETRY)
    assert after(Outcome.BUSY, attempts=4, lane=CALLBACK).status is ContactStatus.EXHAUSTED


def test_a_callback_that_was_not_placed_stays_a_callback() -> None:
    found = after(Outcome.NOT_PLACED, attempts=2, lane=CALLBACK)
    assert (found.status, found.lane, found.attempts) == (ContactStatus.WAITING, CALLBACK, 1)


def test_a_reset_and_a_callback_begin_anew_at_the_time_asked_for() -> None:
    found = after(Outcome.BUSY, attempts=9, reset_pending=True, callback_at=ASKED)
    assert (found.status, found.lane, found.due_at) == (ContactStatus.WAITING, CALLBACK, ASKED)
    assert (found.attempts, found.generation) == (0, 1)


def test_a_stopped_campaign_calls_back_only_whom_somebody_asked_for_after_the_stop() -> None:
    assert after(Outcome.AGENT_ERROR, STOPPED, asked=ASKED).status is ContactStatus.CANCELED
    by_hand = after(Outcome.AGENT_ERROR, STOPPED, callback_at=ASKED)
    assert (by_hand.status, by_hand.due_at) == (ContactStatus.WAITING, ASKED)
