"""What happened in a campaign, for those who look back. `org` None means every organization's."""

from agentalk.domain.errors import NotFound
from agentalk.domain.event import Event
from agentalk.domain.ids import CampaignId, OrgId
from agentalk.store import campaigns, events
from agentalk.store.database import Tx


async def page(
    tx: Tx, org: OrgId | None, campaign: CampaignId, before: int | None, limit: int, offset: int
) -> list[tuple[int, Event]]:
    """A campaign's events, newest first, from below position `before`; each with its position. Raises `NotFound`."""
    await _find(tx, org, campaign)
    return await events.page(tx, campaign, before, limit, offset)


async def total(tx: Tx, org: OrgId | None, campaign: CampaignId) -> int:
    """How many events a campaign has. Raises `NotFound`."""
    await _find(tx, org, campaign)
    return await events.total(tx, campaign)


async def _find(tx: Tx, org: OrgId | None, campaign: CampaignId) -> None:
    if await campaigns.find(tx, org, campaign) is None:
        raise NotFound.noun("campaign", campaign)
