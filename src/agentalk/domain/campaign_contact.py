"""One contact's way through one campaign, and what the end of a call does to it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from agentalk.domain.call import Outcome
from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.ids import CampaignId, ContactId
from agentalk.domain.retry import RetryPolicy, backoff, retry_delay
from agentalk.domain.window import Window, ZoneGroup, next_open


class ContactStatus(StrEnum):
    """Where a contact stands in a campaign. Every contact of a campaign is in exactly one."""

    PENDING = "pending"
    CALLING = "calling"
    WAITING = "waiting"
    COMPLETED = "completed"
    EXHAUSTED = "exhausted"
    SKIPPED = "skipped"
    CANCELED = "canceled"


OPEN_STATUSES = (ContactStatus.PENDING, ContactStatus.WAITING)


class SkipReason(StrEnum):
    """Why a contact is not called."""

    DO_NOT_CALL = "do_not_call"
    OPTED_OUT = "opted_out"
    NO_PHONE = "no_phone"
    INVALID_NUMBER = "invalid_number"
    NO_TIMEZONE = "no_timezone"
    NO_CONSENT = "no_consent"
    FREQUENCY_CAP = "frequency_cap"
    PREDIAL_REJECTED = "predial_rejected"
    DUPLICATE_PHONE = "duplicate_phone"


# Lanes: callbacks go before retries, retries before fresh contacts.
CALLBACK, RETRY, FRESH = 0, 1, 2


class CampaignContact(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A contact in a campaign, as its users see it. `next_attempt_at` is set while it is waiting."""

    contact_id: ContactId
    status: ContactStatus
    attempts: int
    next_attempt_at: datetime | None
    last_outcome: Outcome | None
    skip_reason: SkipReason | None
    added_at: datetime


class InvalidReason(StrEnum):
    """Why a contact cannot be added to a campaign."""

    NOT_FOUND = "not_found"
    NO_PHONE = "no_phone"
    OPTED_OUT = "opted_out"
    INVALID_NUMBER = "invalid_number"


class InvalidContact(msgspec.Struct, frozen=True, rename="camel"):
    """An id that was asked for and cannot be added."""

    contact_id: ContactId
    reason: InvalidReason


class Added(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a request to add contacts: `added`, `reset` and `invalid` add up to `requested`, the distinct ids.

    A contact that was in the campaign before is reset: it is called as if it had just been added. One that is on a
    call counts as reset; its reset waits for the call's end.
    """

    campaign_id: CampaignId
    requested: int
    added: int
    reset: int
    invalid: int
    invalid_contacts: tuple[InvalidContact, ...]


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """A contact in a campaign, as the engine sees it while a call is live.

    `generation` grows with every reset, so that (contact, generation, attempt) names an attempt for ever. `misfires`
    counts placements in a row that the carrier refused. `reset_pending` is a reset that waits for the live call's end.
    """

    campaign_id: CampaignId
    contact_id: ContactId
    zones: ZoneGroup
    generation: int = 0
    attempts: int = 0
    misfires: int = 0
    outcomes: dict[str, int] = {}
    reset_pending: bool = False
    status: ContactStatus = ContactStatus.CALLING
    lane: int = FRESH
    due_at: datetime
    last_outcome: Outcome | None = None
    skip_reason: SkipReason | None = None


class Policy(msgspec.Struct, frozen=True):
    """What of a campaign decides a contact's next step."""

    status: CampaignStatus
    window: Window
    retry: RetryPolicy


def settle(
    contact: Progress, outcome: Outcome, message_left: bool, policy: Policy, now: datetime, jitter: float
) -> Progress:
    """Where a contact stands once its live call has ended with `outcome`. `jitter` is random in 0..1."""
    tried = replace(contact, misfires=0, outcomes=_counted(contact.outcomes, outcome))
    if outcome is Outcome.OPTED_OUT:
        # Whoever asked for a reset during the call did not know.
        return _skip(tried, SkipReason.OPTED_OUT, outcome)
    if contact.reset_pending:
        return reset(contact, now)
    if outcome is Outcome.NOT_PLACED:
        tried = replace(contact, attempts=max(0, contact.attempts - 1), misfires=contact.misfires + 1)
    if policy.status is CampaignStatus.STOPPED and outcome is not Outcome.ANSWERED:
        return _finish(tried, ContactStatus.CANCELED, outcome)
    if outcome is Outcome.NOT_PLACED:
        return _again(tried, policy, now + backoff(tried.misfires, jitter), outcome)
    if outcome is Outcome.ANSWERED or (outcome is Outcome.VOICEMAIL and message_left):
        return _finish(tried, ContactStatus.COMPLETED, outcome)
    if outcome is Outcome.CANCELED:
        return _finish(tried, ContactStatus.CANCELED, outcome)
    if outcome is Outcome.INVALID_NUMBER:
        return _skip(tried, SkipReason.INVALID_NUMBER, outcome)
    delay = retry_delay(policy.retry, tried.attempts, tried.outcomes, outcome)
    if delay is None:
        return _finish(tried, ContactStatus.EXHAUSTED, outcome)
    return _again(tried, policy, now + delay, outcome)


def reset(contact: Progress, now: datetime) -> Progress:
    """As if the contact had just been added."""
    return Progress(
        campaign_id=contact.campaign_id,
        contact_id=contact.contact_id,
        zones=contact.zones,
        generation=contact.generation + 1,
        status=ContactStatus.PENDING,
        due_at=now,
    )


def _again(contact: Progress, policy: Policy, earliest: datetime, outcome: Outcome) -> Progress:
    # A window that never opens again still keeps the contact waiting: a changed window may let it through.
    due_at = next_open(policy.window, contact.zones, earliest) or earliest
    return replace(contact, status=ContactStatus.WAITING, lane=RETRY, due_at=due_at, last_outcome=outcome)


def _finish(contact: Progress, status: ContactStatus, outcome: Outcome) -> Progress:
    return replace(contact, status=status, last_outcome=outcome)


def _skip(contact: Progress, reason: SkipReason, outcome: Outcome) -> Progress:
    return replace(contact, status=ContactStatus.SKIPPED, skip_reason=reason, last_outcome=outcome)


def _counted(outcomes: Mapping[str, int], outcome: Outcome) -> dict[str, int]:
    return {**outcomes, outcome: outcomes.get(outcome, 0) + 1}
