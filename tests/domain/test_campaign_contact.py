"""Where a contact stands after a call."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalk.domain.call import Outcome
from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.campaign_contact import CALLBACK, FRESH, RETRY, ContactStatus, Ending, Policy, Progress, settle
from agentalk.domain.ids import CampaignId, ContactId
from agentalk.domain.policy.hours import is_lawful
from agentalk.domain.policy.model import DEFAULTS
from agentalk.domain.retry import RetryPolicy
from agentalk.domain.window import Day, Slot, Window

NOW = datetime(2026, 3, 4, 15, tzinfo=UTC)
ACTIVE = Policy(CampaignStatus.ACTIVE, Window(), RetryPolicy(), DEFAULTS)
STOPPED = Policy(CampaignStatus.STOPPED, Window(), RetryPolicy(), DEFAULTS)


# Lawful are the hours within it.
ALWAYS_OPEN = Window(slots=tuple(Slot(day, "00:00", "24:00") for day in Day))


def contact(attempts: int = 1, **more: Any) -> Progress:
    return Progress(
        campaign_id=CampaignId(UUID(int=1)),
        contact_id=ContactId("c"),
        zones="America/New_York",
        attempts=attempts,
        due_at=NOW,
        **more,
    )


def end(outcome: Outcome, **more: Any) -> Ending:
    return Ending(outcome=outcome, dialed_at=NOW - timedelta(seconds=30), **more)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.ANSWERED, ContactStatus.COMPLETED),
        (Outcome.VOICEMAIL, ContactStatus.WAITING),
        (Outcome.NO_ANSWER, ContactStatus.WAITING),
        (Outcome.BUSY, ContactStatus.WAITING),
        (Outcome.REJECTED, ContactStatus.WAITING),
        (Outcome.UNWANTED, ContactStatus.EXHAUSTED),
        (Outcome.BLOCKED, ContactStatus.EXHAUSTED),
        (Outcome.INVALID_NUMBER, ContactStatus.SKIPPED),
        (Outcome.UNREACHABLE, ContactStatus.WAITING),
        (Outcome.FAX, ContactStatus.EXHAUSTED),
        (Outcome.CARRIER_FAILURE, ContactStatus.WAITING),
        (Outcome.NOT_PLACED, ContactStatus.WAITING),
        (Outcome.AGENT_ERROR, ContactStatus.WAITING),
        (Outcome.ABANDONED, ContactStatus.WAITING),
        (Outcome.CANCELED, ContactStatus.CANCELED),
        (Outcome.UNKNOWN, ContactStatus.WAITING),
        (Outcome.OPTED_OUT, ContactStatus.SKIPPED),
    ],
)
def test_after_a_first_attempt(outcome: Outcome, status: ContactStatus) -> None:
    assert settle(contact(), end(outcome), ACTIVE, NOW, 0.0).status is status


def test_every_outcome_is_in_the_table_above() -> None:
    marks = test_after_a_first_attempt.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} == set(Outcome)


def test_a_message_left_completes() -> None:
    assert (
        settle(contact(), end(Outcome.VOICEMAIL, message_left=True), ACTIVE, NOW, 0.0).status is ContactStatus.COMPLETED
    )


@given(st.sampled_from(Outcome), st.integers(1, 5), st.floats(0, 1))
def test_a_wait_ends_inside_the_window_and_never_at_once(outcome: Outcome, attempts: int, jitter: float) -> None:
    after = settle(contact(attempts), end(outcome), ACTIVE, NOW, jitter)
    if after.status is ContactStatus.WAITING:
        assert after.lane == (CALLBACK if outcome is Outcome.AGENT_ERROR else RETRY)
        assert after.due_at >= NOW + timedelta(seconds=5)
        assert is_lawful(Window(), DEFAULTS, after.zones, after.due_at)


@given(st.sampled_from(Outcome), st.integers(1, 5))
def test_attempts_never_exceed_the_policy(outcome: Outcome, attempts: int) -> None:
    after = settle(contact(attempts), end(outcome), ACTIVE, NOW, 0.0)
    if after.status is ContactStatus.WAITING:
        assert after.attempts < ACTIVE.retry.max_attempts or outcome is Outcome.NOT_PLACED


def test_what_was_not_placed_is_refunded_once_and_waits_longer_each_time() -> None:
    first = settle(contact(1), end(Outcome.NOT_PLACED), ACTIVE, NOW, 0.0)
    assert (first.attempts, first.misfires, first.due_at) == (0, 1, NOW + timedelta(seconds=5))
    second = settle(contact(1), end(Outcome.NOT_PLACED), ACTIVE, NOW, 0.0)
    assert second.attempts == 0


@given(st.sampled_from([outcome for outcome in Outcome if outcome is not Outcome.OPTED_OUT]))
def test_a_pending_reset_wins_over_any_other_outcome(outcome: Outcome) -> None:
    after = settle(contact(2, reset_pending=True), end(outcome), ACTIVE, NOW, 0.0)
    assert (after.status, after.attempts, after.generation, after.lane) == (ContactStatus.PENDING, 0, 1, FRESH)


def test_what_is_refused_for_good_is_given_up_after_a_day_and_an_outage_never_is() -> None:
    refused, away = end(Outcome.NOT_PLACED, refused_for_good=True), end(Outcome.NOT_PLACED)
    policy = msgspec.structs.replace(ACTIVE, window=ALWAYS_OPEN)
    one, now, tries = contact(1), NOW, 0
    while one.status is not ContactStatus.EXHAUSTED:
        one = settle(msgspec.structs.replace(one, attempts=1), refused, policy, now, 0.0)
        now, tries = max(now, one.due_at), tries + 1
    assert now >= NOW + timedelta(days=1)
    assert (one.attempts, one.last_outcome, tries) == (0, Outcome.NOT_PLACED, 37)

    other = contact(1)
    for _ in range(100):
        other = settle(msgspec.structs.replace(other, attempts=1), away, policy, NOW, 0.0)
        assert other.status is ContactStatus.WAITING
    assert settle(other, refused, policy, NOW, 0.0).status is ContactStatus.WAITING, "an outage tells nothing of it"


@given(st.sampled_from(Outcome))
def test_a_stopped_campaign_calls_nobody_again(outcome: Outcome) -> None:
    after = settle(contact(), end(outcome), STOPPED, NOW, 0.0)
    ends = {Outcome.ANSWERED: ContactStatus.COMPLETED, Outcome.OPTED_OUT: ContactStatus.SKIPPED}
    assert after.status is ends.get(outcome, ContactStatus.CANCELED)


def test_who_asked_not_to_be_called_is_not_called_by_a_reset_that_waited_for_the_call() -> None:
    for policy in (ACTIVE, STOPPED):
        left = settle(contact(reset_pending=True), end(Outcome.OPTED_OUT), policy, NOW, 0.0)
        assert (left.status, left.skip_reason) == (ContactStatus.SKIPPED, "opted_out")


def test_a_call_that_was_not_placed_is_no_attempt_in_a_stopped_campaign_either() -> None:
    left = settle(contact(attempts=1), end(Outcome.NOT_PLACED), STOPPED, NOW, 0.0)
    assert (left.status, left.attempts) == (ContactStatus.CANCELED, 0)
