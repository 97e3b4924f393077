"""Campaigns: made, changed, started, paused, stopped. `org` None means every organization's."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from agentalk.domain.caller_id import CallerIdRule
from agentalk.domain.campaign import Action, Campaign, CampaignStatus, Counts, StatusReason, Voicemail, after
from agentalk.domain.contact import is_e164
from agentalk.domain.errors import Conflict, FieldError, Invalid, NotFound, Stale
from agentalk.domain.event import EventName, Happening
from agentalk.domain.ids import AgentId, CampaignId, CarrierId, OrgId, uuid7
from agentalk.domain.moment import in_utc
from agentalk.domain.patch import given
from agentalk.domain.policy.model import CallingPolicy
from agentalk.domain.retry import RetryPolicy
from agentalk.domain.window import Window
from agentalk.store import calls, campaign_contacts, campaigns, dialing, events
from agentalk.store.campaigns import Held
from agentalk.store.database import HANG_UP, Tx, notify

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
CallerIds = Annotated[tuple[str, ...], msgspec.Meta(max_length=1000, description="Numbers to call from, in E.164.")]
Concurrency = Annotated[int, msgspec.Meta(ge=0, le=100_000, description="The most calls that may be live at once.")]
Pace = Annotated[float, msgspec.Meta(ge=0, le=100_000, description="The most calls begun per second.")]
Reserved = Annotated[
    int,
    msgspec.Meta(
        ge=0, le=100_000, description="Live calls of the organization's limit that are kept for this campaign."
    ),
]
# Contacts that are canceled in one transaction: some 50 ms.
_SLICE = 2_000
Priority = Annotated[int, msgspec.Meta(ge=-1000, le=1000, description="Campaigns with more of it go first.")]


class NewCampaign(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A campaign to make. Without a carrier it uses the organization's default one."""

    name: Name
    agent_id: AgentId
    carrier_id: CarrierId | None = None
    caller_ids: CallerIds = ()
    caller_id_rule: CallerIdRule = CallerIdRule()
    max_concurrency: Concurrency = 10
    calls_per_second: Pace = 1.0
    priority: Priority = 0
    reserved_concurrency: Reserved = 0
    window: Window = Window()
    retry: RetryPolicy = RetryPolicy()
    voicemail: Voicemail = Voicemail()
    policy: CallingPolicy = CallingPolicy()


class CampaignPatch(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What to change of a campaign, in any status. `startAt` null takes a scheduled start back."""

    name: Name | UnsetType = UNSET
    agent_id: AgentId | UnsetType = UNSET
    carrier_id: CarrierId | UnsetType | None = UNSET
    caller_ids: CallerIds | UnsetType = UNSET
    caller_id_rule: CallerIdRule | UnsetType = UNSET
    max_concurrency: Concurrency | UnsetType = UNSET
    calls_per_second: Pace | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    reserved_concurrency: Reserved | UnsetType = UNSET
    window: Window | UnsetType = UNSET
    retry: RetryPolicy | UnsetType = UNSET
    voicemail: Voicemail | UnsetType = UNSET
    policy: CallingPolicy | UnsetType = UNSET
    start_at: UnsetType | None = UNSET


async def create(tx: Tx, org: OrgId, draft: NewCampaign, now: datetime) -> Campaign:
    """Make a draft. Raises `Invalid`."""
    _check(draft)
    await _check_parts(tx, org, draft.agent_id, draft.carrier_id)
    campaign = Campaign(
        id=CampaignId(uuid7(now)),
        organization_id=org,
        status=CampaignStatus.DRAFT,
        phase=None,
        status_reason=None,
        start_at=None,
        started_at=None,
        ended_at=None,
        counts=Counts(),
        created_at=now,
        updated_at=now,
        **msgspec.structs.asdict(draft),
    )
    await campaigns.insert(tx, campaign)
    return campaign


async def get(tx: Tx, org: OrgId | None, id: CampaignId) -> Campaign:
    """One campaign. Raises `NotFound`."""
    campaign = await campaigns.get(tx, org, id)
    if campaign is None:
        raise NotFound.noun("campaign", id)
    return campaign


async def page(
    tx: Tx, org: OrgId | None, status: CampaignStatus | None, limit: int, offset: int
) -> tuple[list[Campaign], int]:
    """Campaigns, newest first, and how many there are in all."""
    if org is None:
        return await campaigns.page_of_all(tx, status, limit, offset)
    return await campaigns.page(tx, org, status, limit, offset)


async def change(
    tx: Tx, org: OrgId | None, id: CampaignId, patch: CampaignPatch, seen: datetime | None, now: datetime
) -> Campaign:
    """Change a campaign; calls claimed from now on follow it. Raises `NotFound`, `Invalid`, and `Stale` if it changed
    after `seen`.
    """
    held = _found(await campaigns.lock(tx, org, id), id)
    values: dict[str, Any] = given(patch)
    _check(patch)
    await _check_parts(tx, held.organization_id, values["agent_id"], values["carrier_id"])
    del values["start_at"]
    values |= {"carrier_given": patch.carrier_id is not UNSET, "unschedule": patch.start_at is not UNSET}
    if not await campaigns.change(tx, id, values, seen, now):
        raise Stale.noun("campaign")
    if held.status is CampaignStatus.ACTIVE:
        await _check_purpose(tx, id)
    await notify(tx, str(held.organization_id))
    return await get(tx, org, id)


async def start(tx: Tx, org: OrgId | None, id: CampaignId, start_at: datetime | None, now: datetime) -> Campaign:
    """Start a campaign now, or have it start at a time to come. One that is active stays so.

    Raises `NotFound`, `Invalid` for a time without an offset, `Conflict` where the campaign cannot be scheduled or its
    agent was deleted.
    """
    if start_at is not None and start_at.tzinfo is None:
        raise Invalid.field("startAt", 'needs an offset, as in "2026-03-01T09:00:00Z"')
    at = now if start_at is None or start_at <= now else in_utc("startAt", start_at)
    held = _found(await campaigns.lock(tx, org, id), id)
    target = after(held.status, Action.START if at <= now else Action.START_AT)
    if held.canceling:
        await finish_stop(tx, id)
    if held.agent_deleted and held.status is not CampaignStatus.ACTIVE:
        raise Conflict("The campaign's agent was deleted. Give the campaign another one.", code="agent_deleted")
    if held.status is not CampaignStatus.ACTIVE:
        await _check_purpose(tx, id)
    if at > now:
        await campaigns.schedule(tx, id, at, now)
    elif target is not held.status:
        await campaigns.start(tx, id, now)
        await _tell(tx, held.organization_id, id, _beginning(held.status), StatusReason.USER, now)
    await notify(tx, str(held.organization_id))
    return await get(tx, org, id)


async def begin_scheduled(tx: Tx, now: datetime) -> list[tuple[OrgId, CampaignId]]:
    """Start every campaign whose time has come, each once, whoever else does the same; which they were."""
    begun = await campaigns.begin_scheduled(tx, now)
    for org, id, status in begun:
        await _tell(tx, org, id, _beginning(status), StatusReason.SCHEDULE, now)
        await notify(tx, str(org))
    return [(org, id) for org, id, _ in begun]


async def pause(tx: Tx, org: OrgId | None, id: CampaignId, now: datetime) -> Campaign:
    """Dial nothing new from the commit on. Live calls run to their end. Raises `NotFound`, `Conflict`."""
    await campaigns.turnstile(tx, id, alone=True)
    held = _found(await campaigns.lock_alone(tx, org, id), id)
    target = after(held.status, Action.PAUSE)
    if target is held.status:
        await campaigns.unschedule(tx, id, now)
    else:
        await pause_held(tx, held.organization_id, id, StatusReason.USER, now)
    await notify(tx, str(held.organization_id))
    return await get(tx, org, id)


async def pause_held(tx: Tx, org: OrgId, id: CampaignId, reason: StatusReason, now: datetime) -> None:
    """Pause an active campaign that this transaction holds alone."""
    await campaigns.pause(tx, id, now, reason)
    await dialing.release_reserved(tx, await calls.reserved_of(tx, id), now)
    await _tell(tx, org, id, EventName.CAMPAIGN_PAUSED, reason, now)


async def stop(tx: Tx, org: OrgId | None, id: CampaignId, now: datetime) -> Campaign:
    """As `pause`; calls that nobody has answered are hung up, and contacts not yet finished are canceled.

    Many contacts are canceled some at a time by the dialers; they count as canceled from the commit on.
    """
    await campaigns.turnstile(tx, id, alone=True)
    held = _found(await campaigns.lock_alone(tx, org, id), id)
    target = after(held.status, Action.STOP)
    if target is held.status:
        await campaigns.unschedule(tx, id, now)
    else:
        await campaigns.stop(tx, id, now)
        await dialing.release_reserved(tx, await calls.reserved_of(tx, id), now)
        await _cancel_some(tx, id)
        await calls.hang_up_unanswered(tx, id, now)
        await notify(tx, HANG_UP)
        await _tell(tx, held.organization_id, id, EventName.CAMPAIGN_STOPPED, StatusReason.USER, now)
    await notify(tx, str(held.organization_id))
    return await get(tx, org, id)


async def go_on_stopping(tx: Tx) -> bool:
    """Cancel some contacts of a campaign that was stopped; whether there was any to be canceled."""
    id = await campaigns.take_canceling(tx)
    if id is not None and not await _cancel_some(tx, id):
        await campaign_contacts.fold(tx, id)
    return id is not None


async def finish_stop(tx: Tx, id: CampaignId) -> None:
    """Cancel what a stop has left to be canceled: before anything else becomes of the campaign or its contacts."""
    if await campaigns.lock_canceling(tx, id):
        while await _cancel_some(tx, id):
            pass


async def delete(tx: Tx, org: OrgId | None, id: CampaignId, now: datetime) -> None:
    """Delete a campaign. Raises `NotFound`, and `Conflict` while it is active or a call of it is live."""
    held = _found(await campaigns.lock_alone(tx, org, id), id)
    if held.status is CampaignStatus.ACTIVE:
        raise Conflict("The campaign is active. Stop it first, then delete it.", code="invalid_state")
    if await campaigns.has_live_calls(tx, id):
        raise Conflict("The campaign still has live calls. Delete it once they have ended.", code="live_calls")
    await campaigns.delete(tx, id, now)


async def _cancel_some(tx: Tx, id: CampaignId) -> bool:
    """Cancel a slice of a campaign's contacts; whether there may be more. The caller holds the campaign."""
    if await campaign_contacts.cancel_open(tx, id, _SLICE) == _SLICE:
        return True
    await campaigns.canceled(tx, id)
    return False


def _found(held: Held | None, id: CampaignId) -> Held:
    if held is None:
        raise NotFound.noun("campaign", id)
    return held


def _beginning(before: CampaignStatus) -> EventName:
    return EventName.CAMPAIGN_RESUMED if before is CampaignStatus.PAUSED else EventName.CAMPAIGN_STARTED


async def _tell(tx: Tx, org: OrgId, id: CampaignId, name: EventName, reason: StatusReason, now: datetime) -> None:
    await events.add_events(tx, [Happening(org, id, name, {"campaignId": id, "reason": reason})], now)


def _check(said: NewCampaign | CampaignPatch) -> None:
    """Raises `Invalid` for the first thing wrong with what is given."""
    for i, caller_id in enumerate(said.caller_ids or ()):
        if not is_e164(caller_id):
            raise Invalid.field(f"callerIds[{i}]", "must be a number in E.164, as +14155550123")
    for part in (said.window, said.retry, said.policy, said.caller_id_rule):
        if part is not UNSET and (problem := part.problem()):
            raise Invalid.field(*problem)


async def _check_purpose(tx: Tx, id: CampaignId) -> None:
    """Raises `Conflict` for a campaign by which real phones would ring for nobody knows what."""
    kind, policy = await campaigns.terms(tx, id)
    if kind is not None and not policy.lets_ring(kind):
        raise Conflict(
            "Say what these calls are for before real phones ring: set `policy.purpose` of the campaign, or of the"
            " organization, to marketing, informational, survey or debt.",
            code="purpose_required",
            errors=[FieldError("policy.purpose", "is required on a carrier that is not the simulator")],
        )


async def _check_parts(tx: Tx, org: OrgId, agent: AgentId | None, carrier: CarrierId | None) -> None:
    if agent is None and carrier is None:
        return
    found = await campaigns.parts(tx, org, agent, carrier)
    if agent is not None and "agent" not in found:
        raise Invalid.field("agentId", "names no agent of this organization")
    if carrier is not None and "carrier" not in found:
        raise Invalid.field("carrierId", "names no carrier of this organization")
