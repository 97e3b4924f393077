"""Events over HTTP."""

from functools import partial

from agentalk.api.auth import Caller
from agentalk.api.deep import Position, deep_page
from agentalk.api.endpoint import get
from agentalk.api.query import DeepPage, Listing
from agentalk.domain.event import Event
from agentalk.domain.ids import CampaignId
from agentalk.operations import events
from agentalk.store.database import Tx


@get("/api/campaigns/{campaign_id}/events", summary="List Events of Campaign", tag="Campaigns")
async def campaigns_events_list(tx: Tx, caller: Caller, campaign_id: CampaignId, query: DeepPage) -> Listing[Event]:
    """What happened, newest first: starts and ends, calls, retries set, contacts finished or skipped."""
    listed = tx, caller.org, campaign_id
    return await deep_page(query, Position, partial(events.total, *listed), partial(events.page, *listed))


handlers = (campaigns_events_list,)
