"""Why a contact is called, or not: all that stands against a call now, what of it decides, and when it may be."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from agentalk.domain.call import AnsweredBy, CallStatus, Outcome
from agentalk.domain.caller_id import Numbers, Usage, next_day
from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.campaign_contact import OPEN_STATUSES, CampaignContact
from agentalk.domain.event import EventName
from agentalk.domain.ids import CallId, CampaignId
from agentalk.domain.policy.decision import Decision, DoNotCallList, Facts, Verdict, decide
from agentalk.domain.policy.hours import jurisdictions
from agentalk.domain.policy.model import CallingPolicy, InForce
from agentalk.domain.policy.presets import preset
from agentalk.domain.window import Window, zones_of

# Each wait that ends may show another one behind it; more than these there are none.
_MOST_STEPS = 20


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The campaign and what it calls through, at one moment: places that are taken, and how many there are."""

    status: CampaignStatus
    status_reason: str | None
    start_at: datetime | None
    live: int
    most: int
    org_live: int
    org_most: int
    carrier: str | None
    carrier_live: int
    carrier_most: int
    slow_until: datetime | None
    numbers: Numbers
    usage: Usage


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """Something that stands against a call now: a rule, in words, until when (None: nobody knows), and its figures."""

    rule: str
    says: str
    until: datetime | None = None
    basis: dict[str, Any] = {}


class PastCall(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A call of the past, or one that is live: when, how it ended, and what it was decided by."""

    id: CallId
    attempt: int
    status: CallStatus
    outcome: Outcome | None
    answered_by: AnsweredBy | None
    caller_id: str | None
    at: datetime
    ended_at: datetime | None
    policy_version: str | None
    decision: dict[str, Any] | None


class PastEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What else happened to the contact in the campaign."""

    at: datetime
    type: EventName
    data: dict[str, Any]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a jurisdiction's rules come from, and when they were read."""

    jurisdiction: str
    name: str
    source: str
    date: date


class PolicyTold(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The policy in force under the name of its version; `said_by` tells for each field who said it."""

    version: str
    in_force: InForce
    said_by: dict[str, str]
    sources: tuple[Source, ...]


class LocalTime(msgspec.Struct, frozen=True, rename="camel"):
    """A moment on a clock of the contact's, with that clock's offset."""

    time_zone: str
    at: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All about one contact of a campaign.

    `rule` decides now, in words `says`; `against` is everything that stands against a call, what decides first.
    `next_at` is when a call may go out at the earliest, as things stand and once the campaign runs; None: never, or
    nobody knows. `local` is that moment on every clock that the contact may go by.
    """

    campaign_id: CampaignId
    at: datetime
    contact: CampaignContact
    phone: str | None
    time_zones: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    rule: str
    says: str
    against: tuple[Against, ...]
    next_at: datetime | None
    local: tuple[LocalTime, ...]
    policy: PolicyTold
    calls: tuple[PastCall, ...]
    events: tuple[PastEvent, ...]


RULES: Mapping[str, str] = {
    "allowed": "Nothing stands against a call: it is this contact's turn as soon as a dialer comes by.",
    "no_phone": "The contact has no phone.",
    "invalid_number": "A carrier reported that the number does not exist.",
    "opted_out": "Somebody at this number asked not to be called; no campaign of the organization does.",
    "do_not_call": "The number is on a do-not-call list.",
    "no_timezone": "It is not known well enough where the contact is to say when a call is lawful.",
    "no_consent": "Calls for this purpose need the contact's consent, and there is none that serves.",
    "duplicate_phone": "The campaign has called this phone already, for another contact.",
    "registry_stale": "A registry that must be asked is too old: nobody is called until newer data is imported.",
    "frequency_cap": "The number, or the contact, has been called as often as is allowed in this span of time.",
    "abandoned_lockout": "Somebody answered a call and nobody spoke: the phone is left in peace for 72 hours.",
    "conversation_lockout": "After a conversation the contact is left in peace for a while.",
    "phone_busy": "The phone is on another call of the organization's.",
    "outside_window": "It is outside the hours in which the contact may be called.",
    "calling": "The contact is on a call now.",
    "completed": "The contact was reached: the campaign is done with them.",
    "exhausted": "No attempt is left; to begin anew, add the contact to the campaign again.",
    "canceled": "The campaign was stopped, or the contact taken out, before they were reached.",
    "skipped": "The contact is skipped in this campaign; to have them judged anew, add them to it again.",
    "retry": "The time for the next attempt has not come.",
    "callback": "The contact is to be called back at a time that was agreed.",
    "campaign_draft": "The campaign has not been started.",
    "campaign_scheduled": "The campaign starts at a time to come.",
    "campaign_paused": "The campaign is paused.",
    "campaign_stopped": "The campaign was stopped.",
    "campaign_completed": "The campaign has completed; start it again to have new contacts called.",
    "no_carrier": "The campaign has no carrier to call through.",
    "carrier_slow": "The carrier asked for fewer calls, or could not be reached: it is left alone for a moment.",
    "caller_ids_at_cap": "Every number to call from has made its calls for today, or rests.",
    "no_capacity": "Every place is taken by a live call.",
}


def explain_against(
    contact: CampaignContact,
    due_at: datetime,
    decision: Decision,
    standing: Standing,
    now: datetime,
) -> list[Against]:
    """Everything that stands against calling an open contact now, what decides first."""
    found = []
    if decision.verdict is Verdict.SKIP:
        found.append(_against(decision.rule.value, None, **decision.basis))
    found += _campaign(standing)
    if due_at > now and not (decision.until and decision.until >= due_at):
        rule = contact.wait_reason.value if contact.wait_reason else "callback" if contact.callback else "retry"
        found.append(_against(rule, due_at))
    if decision.verdict is Verdict.WAIT:
        found.append(_against(decision.rule.value, decision.until, **decision.basis))
    return [*found, *_capacity(standing, now)]


def closed(contact: CampaignContact) -> Against | None:
    """What stands against a contact that is not to be called any more, or is on a call; None: it is open."""
    if contact.status in OPEN_STATUSES:
        return None
    if contact.skip_reason is not None:
        why = RULES.get(contact.skip_reason.value, "")
        return Against(rule=contact.skip_reason.value, says=f"{why} {RULES['skipped']}".strip())
    return _against(contact.status.value, None)


def next_moment(
    window: Window,
    inforce: InForce,
    lists: Sequence[DoNotCallList],
    facts: Facts,
    earliest: datetime,
) -> datetime | None:
    """The first moment from `earliest` on at which `decide` lets the call through, as things stand; None if it is not
    to be foreseen.
    """
    moment = earliest
    for _ in range(_MOST_STEPS):
        decision = decide(window, inforce, lists, facts, moment)
        if decision.verdict is Verdict.CALL:
            return moment
        if decision.verdict is Verdict.SKIP or decision.until is None or decision.until <= moment:
            return None
        moment = decision.until
    return None


def local_times(moment: datetime | None, window: Window, facts: Facts) -> tuple[LocalTime, ...]:
    """The moment on every clock that the contact may go by."""
    if moment is None:
        return ()
    zones = zones_of(facts.group) or zones_of(window.group_for(facts.group))
    return tuple(LocalTime(zone, moment.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")) for zone in zones)


def tell_policy(
    version: str, organization: CallingPolicy, campaign: CallingPolicy, inforce: InForce, facts: Facts
) -> PolicyTold:
    """The policy in force, with who said what of it and the presets beneath it."""
    said_by = {}
    for field, name in zip(campaign.__struct_fields__, campaign.__struct_encode_fields__, strict=True):
        own, theirs = getattr(campaign, field) is not None, getattr(organization, field) is not None
        said_by[name] = "campaign" if own else "organization" if theirs else "default"
    sources = tuple(
        Source(jurisdiction=place, name=rules.name, source=rules.source, date=rules.date)
        for place in jurisdictions(inforce, facts.group)
        for rules in (preset(place),)
    )
    return PolicyTold(version=version, in_force=inforce, said_by=said_by, sources=sources)


def _campaign(standing: Standing) -> list[Against]:
    if standing.status is CampaignStatus.ACTIVE:
        return []
    if standing.start_at is not None:
        return [_against("campaign_scheduled", standing.start_at)]
    reason = standing.status_reason
    by_itself = {"circuit_breaker": "Too many calls failed.", "abandon_rate": "Too many answered calls were abandoned."}
    told = _against(f"campaign_{standing.status}", None)
    return [msgspec.structs.replace(told, says=" ".join(filter(None, (told.says, by_itself.get(reason or "")))))]


def _capacity(standing: Standing, now: datetime) -> list[Against]:
    found = []
    if standing.carrier is None:
        found.append(_against("no_carrier", None))
    if standing.slow_until is not None and standing.slow_until > now:
        found.append(_against("carrier_slow", standing.slow_until))
    if standing.usage.room(standing.numbers) == 0:
        found.append(_against("caller_ids_at_cap", next_day(now), dailyCap=standing.numbers.rule.daily_cap))
    for whose, live, most in (
        ("campaign", standing.live, standing.most),
        ("organization", standing.org_live, standing.org_most),
        ("carrier", standing.carrier_live, standing.carrier_most),
    ):
        if live >= most and (standing.carrier or whose != "carrier"):
            found.append(_against("no_capacity", None, of=whose, live=live, most=most))
    return found


def _against(rule: str, until: datetime | None, **basis: object) -> Against:
    return Against(rule=rule, says=RULES[rule], until=until, basis=basis)
