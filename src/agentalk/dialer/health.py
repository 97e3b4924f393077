"""The circuit breaker and the governor of abandoned calls, at work in an organization's turn."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from agentalk.domain.campaign import CampaignStatus, StatusReason
from agentalk.domain.event import EventName, Happening
from agentalk.domain.health import Health, Record, judge
from agentalk.domain.ids import CampaignId, OrgId
from agentalk.operations.campaigns import pause_held
from agentalk.store import campaigns, events, outcomes
from agentalk.store.database import Tx
from agentalk.store.dialing import ActiveCampaign

# Calls that end are judged together, so that it costs by the second and not by the call.
_NO_SOONER = timedelta(seconds=1)


async def supervise(
    tx: Tx, org: OrgId, active: list[ActiveCampaign], now: datetime
) -> tuple[list[ActiveCampaign], datetime | None]:
    """Pause or throttle active campaigns by how their calls ended. Needs the organization's lock.

    The campaigns as they go on, and when to look again at what is too fresh to be judged.
    """
    fresh = {each.id: each.unjudged_since + _NO_SOONER for each in active if each.unjudged_since}
    ripe = {id for id, moment in fresh.items() if moment <= now}
    later = [moment for moment in fresh.values() if moment > now]
    if ripe:
        await outcomes.fold(tx, list(ripe), now)
        records = await outcomes.records(tx, list(ripe), now)
        judged = [await _act(tx, org, each, records[each.id], now) if each.id in records else each for each in active]
        active = [campaign for campaign in judged if campaign is not None]
    return active, min(later, default=None)


async def _act(tx: Tx, org: OrgId, campaign: ActiveCampaign, record: Record, now: datetime) -> ActiveCampaign | None:
    """Do what the record asks for; the campaign as it goes on, None if it is paused."""
    health = judge(record, campaign.rules.policy.abandon)
    if health is Health.BROKEN:
        await _pause(tx, org, campaign.id, StatusReason.CIRCUIT_BREAKER, EventName.CAMPAIGN_CIRCUIT_OPENED, now)
        return None
    # One that is paused for its abandoned calls goes on throttled once it is started again.
    throttled = health is not Health.FINE
    if throttled is not campaign.throttled:
        await outcomes.throttle(tx, {campaign.id: throttled})
        name = EventName.CAMPAIGN_THROTTLED if throttled else EventName.CAMPAIGN_UNTHROTTLED
        await events.add_events(tx, [Happening(org, campaign.id, name, {"campaignId": campaign.id})], now)
    if health is Health.ABANDONING:
        await _pause(tx, org, campaign.id, StatusReason.ABANDON_RATE, EventName.CAMPAIGN_ABANDON_LIMIT, now)
        return None
    return replace(campaign, throttled=throttled)


async def _pause(tx: Tx, org: OrgId, id: CampaignId, reason: StatusReason, why: EventName, now: datetime) -> None:
    # Those who are committing calls of it are waited for, and who comes later finds it paused.
    held = await campaigns.lock_alone(tx, org, id)
    if held is None or held.status is not CampaignStatus.ACTIVE:
        return
    await events.add_events(tx, [Happening(org, id, why, {"campaignId": id, "reason": reason})], now)
    await pause_held(tx, org, id, reason, now)
