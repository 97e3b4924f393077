"""Campaigns over HTTP. The list and the start are the published contract's: their names and parameters stay."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from agentalk.api.auth import Caller
from agentalk.api.endpoint import delete, get, patch, post
from agentalk.api.query import Listing, Page, listing
from agentalk.domain.campaign import Campaign, CampaignStatus
from agentalk.domain.ids import CampaignId
from agentalk.domain.moment import Moment
from agentalk.domain.organization import Role
from agentalk.domain.preview import Preview
from agentalk.operations import campaigns
from agentalk.operations.campaigns import CampaignPatch, NewCampaign
from agentalk.operations.preview import look_ahead
from agentalk.store.database import Tx

TAG = "Campaigns"


class CampaignsQuery(Page, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which campaigns are asked for."""

    status: (
        Annotated[
            CampaignStatus,
            msgspec.Meta(description="Filter by status (active, paused, stopped, completed, draft)"),
        ]
        | None
    ) = None


class StartCampaign(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """When to start."""

    # Left out or a time, and not null: so it is published.
    start_at: (
        Annotated[Moment, msgspec.Meta(description="ISO 8601 timestamp to schedule start (optional)")] | UnsetType
    ) = UNSET


@get("/api/campaigns", summary="List Campaigns", tag=TAG)
async def campaigns_retrieve(tx: Tx, caller: Caller, query: CampaignsQuery) -> Listing[Campaign]:
    """Get all campaigns for the organization. Optionally filter by status."""
    rows, total = await campaigns.page(tx, caller.org, query.status, query.limit, query.offset)
    return listing(rows, total, query)


@post("/api/campaigns", summary="Create Campaign", tag=TAG, status=201)
async def campaigns_create(tx: Tx, caller: Caller, body: NewCampaign, now: datetime) -> Campaign:
    """A draft: add contacts, then start it. Only `name` and `agentId` are required."""
    return await campaigns.create(tx, caller.own, body, now)


@get("/api/campaigns/{campaign_id}", summary="Get Campaign", tag=TAG)
async def campaigns_get(tx: Tx, caller: Caller, campaign_id: CampaignId) -> Campaign:
    """One campaign, with its contacts counted by status."""
    return await campaigns.get(tx, caller.org, campaign_id)


@patch("/api/campaigns/{campaign_id}", summary="Change Campaign", tag=TAG)
async def campaigns_update(
    tx: Tx, caller: Caller, campaign_id: CampaignId, body: CampaignPatch, seen: datetime | None, now: datetime
) -> Campaign:
    """In any status; calls that are begun from now on follow it. `startAt: null` takes a scheduled start back."""
    return await campaigns.change(tx, caller.org, campaign_id, body, seen, now)


@delete("/api/campaigns/{campaign_id}", summary="Delete Campaign", tag=TAG, status=204)
async def campaigns_delete(tx: Tx, caller: Caller, campaign_id: CampaignId, now: datetime) -> None:
    """Refused while it is active or has live calls. Its calls stay on record."""
    await campaigns.delete(tx, caller.org, campaign_id, now)


@post("/api/campaigns/{campaign_id}/start", summary="Start Campaign", tag=TAG)
async def campaigns_start_create(
    tx: Tx, caller: Caller, campaign_id: CampaignId, body: StartCampaign | None, now: datetime
) -> Campaign:
    """Start (activate) a campaign. Optionally schedule it for a future time.

    Any campaign that is not active can be started, also again: only contacts that are pending, or were added or reset,
    are called. Starting an active campaign changes nothing. A time in the past is now.
    """
    return await campaigns.start(
        tx, caller.org, campaign_id, body.start_at if body and body.start_at is not UNSET else None, now
    )


@post("/api/campaigns/{campaign_id}/pause", summary="Pause Campaign", tag=TAG)
async def campaigns_pause(tx: Tx, caller: Caller, campaign_id: CampaignId, now: datetime) -> Campaign:
    """Nothing new is dialled once this is answered; live calls run to their end."""
    return await campaigns.pause(tx, caller.org, campaign_id, now)


@post("/api/campaigns/{campaign_id}/stop", summary="Stop Campaign", tag=TAG)
async def campaigns_stop(tx: Tx, caller: Caller, campaign_id: CampaignId, now: datetime) -> Campaign:
    """As a pause; calls that nobody has answered are hung up, and contacts not yet finished are canceled."""
    return await campaigns.stop(tx, caller.org, campaign_id, now)


@post("/api/campaigns/{campaign_id}/preview", summary="Preview Campaign", tag=TAG, role=Role.READ)
async def campaigns_preview(tx: Tx, caller: Caller, campaign_id: CampaignId, now: datetime) -> Preview:
    """How many contacts would be called, who is skipped and why, who must wait and for what, when each zone's window
    opens, the calls of the next 48 hours, and the expected end. Changes nothing, and works in any status.

    Every contact is judged as the engine does, by the campaign's policy now; one with a `startAt` as of that time.
    """
    return await look_ahead(tx, caller.org, campaign_id, now)


handlers = (
    campaigns_retrieve,
    campaigns_create,
    campaigns_get,
    campaigns_update,
    campaigns_delete,
    campaigns_preview,
    campaigns_start_create,
    campaigns_pause,
    campaigns_stop,
)
