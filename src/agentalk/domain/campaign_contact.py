"""One contact's way through one campaign, and what the end of a call does to it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from agentalk.domain.call import Outcome
from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.due import Opens, asked_for, elsewhere_in_day, lawful
from agentalk.domain.ids import CampaignId, ContactId
from agentalk.domain.policy.decision import Rule
from agentalk.domain.policy.hours import next_lawful
from agentalk.domain.policy.model import InForce
from agentalk.domain.retry import LOCKOUT, MISFIRES_MOST, NEVER_RETRIED, RetryPolicy, backoff, misfired, wait_after
from agentalk.domain.window import Window, ZoneGroup, zones_of


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
    """A contact in a campaign, as its users see it. `next_attempt_at` is set while it is waiting.

    `wait_reason` is the rule that held it back when it was last its turn.
    `callback`: the next attempt was asked for, or makes good for our failure, and goes before all others. During a call
    it is set if one is to follow.
    """

    contact_id: ContactId
    status: ContactStatus
    attempts: int
    next_attempt_at: datetime | None
    callback: bool
    wait_reason: Rule | None
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
    counts placements in a row that the carrier refused. `reset_pending` is a reset, and `callback_at` a callback, that
    waits for the live call's end.
    """

    campaign_id: CampaignId
    contact_id: ContactId
    zones: ZoneGroup
    generation: int = 0
    attempts: int = 0
    misfires: int = 0
    outcomes: dict[str, int] = {}
    reset_pending: bool = False
    callback_at: datetime | None = None
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
    inforce: InForce

    def opens(self, zones: ZoneGroup) -> Opens:
        """The first moment, from a given one on, at which contacts of these zones may be called."""

        def opens(earliest: datetime) -> datetime | None:
            span = next_lawful(self.window, self.inforce, zones, earliest)
            return span and max(span[0], earliest)

        return opens

    def clocks(self, zones: ZoneGroup) -> list[ZoneInfo]:
        """Every clock that they may go by."""
        return [ZoneInfo(zone) for zone in zones_of(zones) or zones_of(self.window.group_for(zones))]

    def meant(self, at: datetime, zones: ZoneGroup, now: datetime) -> datetime | None:
        """The moment that one of them means who asks to be called at `at` (`domain/due.py`)."""
        return asked_for(at, self.clocks(zones), self.opens(zones), now)


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a contact's call ended. `refused_for_good`: the carrier placed nothing, and never would.

    `callback_at` is when the callee asked to be called, as in a carrier's report; `dialed_at` when the call was made.
    """

    outcome: Outcome
    dialed_at: datetime
    message_left: bool = False
    refused_for_good: bool = False
    callback_at: datetime | None = None


def settle(contact: Progress, end: Ending, policy: Policy, now: datetime, jitter: float) -> Progress:
    """Where a contact stands once its live call has ended. `jitter` is random in 0..1.

    The order is one of precedence: who does not want to be called, who asked for a call, who is to be called anew.
    """
    outcome = end.outcome
    tried = replace(contact, callback_at=None, last_outcome=outcome, outcomes=_counted(contact.outcomes, outcome))
    if outcome is Outcome.OPTED_OUT:
        # Whoever asked for a reset during the call did not know.
        return _skip(tried, SkipReason.OPTED_OUT)
    if outcome is Outcome.NOT_PLACED:
        misfires = misfired(contact.misfires, end.refused_for_good)
        tried = replace(tried, attempts=max(0, contact.attempts - 1), misfires=misfires)
    else:
        tried = replace(tried, misfires=0)
    standing = reset(contact, now) if contact.reset_pending else tried
    callback_at = _callback(contact, end, policy, now)
    if callback_at is not None and may_call_back(standing.attempts, policy.retry):
        return wait_for_callback(standing, policy, callback_at)
    if contact.reset_pending:
        return standing
    if policy.status is CampaignStatus.STOPPED and outcome is not Outcome.ANSWERED:
        return _finish(tried, ContactStatus.CANCELED)
    if outcome is Outcome.NOT_PLACED:
        if end.refused_for_good and tried.misfires >= MISFIRES_MOST:
            return _finish(tried, ContactStatus.EXHAUSTED)
        earliest = now + backoff(tried.misfires, jitter)
        return _again(tried, lawful(policy.opens(tried.zones), earliest), min(tried.lane, RETRY))
    if outcome is Outcome.ANSWERED or (outcome is Outcome.VOICEMAIL and end.message_left):
        return _finish(tried, ContactStatus.COMPLETED)
    if outcome is Outcome.CANCELED:
        return _finish(tried, ContactStatus.CANCELED)
    if outcome is Outcome.INVALID_NUMBER:
        return _skip(tried, SkipReason.INVALID_NUMBER)
    return _retry(tried, end, policy, now)


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


def may_call_back(attempts: int, retry: RetryPolicy) -> bool:
    """Whether a contact that has been tried so often may be called because somebody asked for it: once more than the
    policy's attempts, so that a request made on the last of them is not in vain.
    """
    return attempts <= retry.max_attempts


def wait_for_callback(contact: Progress, policy: Policy, at: datetime) -> Progress:
    """The contact, ahead of all others of its campaign that are due, at the first lawful moment from `at` on."""
    return _again(contact, lawful(policy.opens(contact.zones), at), CALLBACK)


def _callback(contact: Progress, end: Ending, policy: Policy, now: datetime) -> datetime | None:
    """When the contact is to be called back, or None. Who set a time by hand during the call knows best."""
    if end.outcome in NEVER_RETRIED and end.outcome is not Outcome.ANSWERED:
        return None
    asked = contact.callback_at
    if asked is None and end.callback_at is not None and policy.status is not CampaignStatus.STOPPED:
        asked = policy.meant(end.callback_at, contact.zones, now)
        # A time that was past when it was asked for was misheard; one that has passed since is now.
        asked = None if asked is None or asked < end.dialed_at else asked
    if asked is None:
        return None
    return max(asked, now + LOCKOUT if end.outcome is Outcome.ABANDONED else now)


def _retry(contact: Progress, end: Ending, policy: Policy, now: datetime) -> Progress:
    wait = wait_after(policy.retry, contact.attempts, contact.outcomes, end.outcome)
    if wait is None:
        return _finish(contact, ContactStatus.EXHAUSTED)
    opens, earliest = policy.opens(contact.zones), now + wait.delay
    if wait.another_part_of_day:
        due_at = elsewhere_in_day(opens, policy.clocks(contact.zones), end.dialed_at, earliest)
    else:
        due_at = lawful(opens, earliest)
    # Who was talking to us when we failed is called back; everyone else is tried again.
    return _again(contact, due_at, CALLBACK if end.outcome is Outcome.AGENT_ERROR else RETRY)


def _again(contact: Progress, due_at: datetime, lane: int) -> Progress:
    return replace(contact, status=ContactStatus.WAITING, lane=lane, due_at=due_at)


def _finish(contact: Progress, status: ContactStatus) -> Progress:
    return replace(contact, status=status)


def _skip(contact: Progress, reason: SkipReason) -> Progress:
    return replace(contact, status=ContactStatus.SKIPPED, skip_reason=reason)


def _counted(outcomes: Mapping[str, int], outcome: Outcome) -> dict[str, int]:
    return {**outcomes, outcome: outcomes.get(outcome, 0) + 1}
