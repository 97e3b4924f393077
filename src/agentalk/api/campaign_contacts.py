"""Contacts in campaigns over HTTP. Adding them is the published contract's: its names and parameters stay."""

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec

from agentalk.api.auth import Caller
from agentalk.api.body import LIST
from agentalk.api.deep import Position, deep_page
from agentalk.api.endpoint import delete, get, post
from agentalk.api.query import DeepPage, Listing
from agentalk.domain.campaign_contact import Added, CampaignContact, ContactStatus
from agentalk.domain.explanation import Explanation
from agentalk.domain.ids import CampaignId, ContactId
from agentalk.operations import campaign_contacts
from agentalk.operations.explain import explain_contact
from agentalk.store.database import Tx

TAG = "Campaigns"


class AddContacts(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Whom to add."""

    contact_ids: Annotated[list[ContactId], msgspec.Meta(description="Array of contact IDs to add")]


class CallBack(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """When to call back."""

    at: Annotated[
        datetime,
        msgspec.Meta(
            description="RFC 3339, as 2026-12-01T15:00:00-05:00; without an offset it is the contact's own time"
        ),
    ]


class CampaignContactsQuery(DeepPage, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which contacts of the campaign are asked for."""

    status: ContactStatus | None = None


@post("/api/campaigns/{campaign_id}/contacts", summary="Add Contacts to Campaign", tag=TAG, most=LIST)
async def campaigns_contacts_create(
    tx: Tx, caller: Caller, campaign_id: CampaignId, body: AddContacts, now: datetime
) -> Added:
    """Add one or more contacts to a campaign. Returns summary of added, reset (already in campaign, status reset), and
    invalid contacts.

    `added`, `reset` and `invalid` add up to `requested`, the number of distinct ids; at most 100,000 in a request, all
    of them or none. A contact that is on a call counts as reset: it is called again after that call has ended.
    """
    return await campaign_contacts.add(tx, caller.org, campaign_id, body.contact_ids, now)


@get("/api/campaigns/{campaign_id}/contacts", summary="List Contacts of Campaign", tag=TAG)
async def campaigns_contacts_list(
    tx: Tx, caller: Caller, campaign_id: CampaignId, query: CampaignContactsQuery
) -> Listing[CampaignContact]:
    """Where each contact stands, those added last first."""
    listed = tx, caller.org, campaign_id, query.status
    return await deep_page(
        query,
        Position,
        partial(campaign_contacts.total, *listed),
        partial(campaign_contacts.page, *listed),
    )


@get("/api/campaigns/{campaign_id}/contacts/{contact_id}", summary="Get Contact of Campaign", tag=TAG)
async def campaigns_contacts_retrieve(
    tx: Tx, caller: Caller, campaign_id: CampaignId, contact_id: ContactId
) -> CampaignContact:
    """Where one contact stands: its attempts, its next one, and why it waits or is skipped."""
    return await campaign_contacts.get(tx, caller.org, campaign_id, contact_id)


@get("/api/campaigns/{campaign_id}/contacts/{contact_id}/explain", summary="Explain Contact of Campaign", tag=TAG)
async def campaigns_contacts_explain(
    tx: Tx, caller: Caller, campaign_id: CampaignId, contact_id: ContactId, now: datetime
) -> Explanation:
    """Why a contact is called or not: its calls and events, the rule that decides now, everything else that stands
    against a call, the next moment at which one may go out, and the policy in force with its sources.

    The rules are those of policy (as `frequency_cap`), and what else an engine minds (as `campaign_paused`, `retry`,
    `no_capacity`, `caller_ids_at_cap`); `says` puts each in words.
    """
    return await explain_contact(tx, caller.org, campaign_id, contact_id, now)


@delete(
    "/api/campaigns/{campaign_id}/contacts/{contact_id}", summary="Remove Contact from Campaign", tag=TAG, status=204
)
async def campaigns_contacts_delete(tx: Tx, caller: Caller, campaign_id: CampaignId, contact_id: ContactId) -> None:
    """A contact that has been called stays on record, canceled if it was still to be called. Refused during a call."""
    await campaign_contacts.remove(tx, caller.org, campaign_id, contact_id)


@post("/api/campaigns/{campaign_id}/contacts/{contact_id}/callback", summary="Call Contact Back", tag=TAG)
async def campaigns_contacts_callback(
    tx: Tx, caller: Caller, campaign_id: CampaignId, contact_id: ContactId, body: CallBack, now: datetime
) -> CampaignContact:
    """Have a contact called at a time that was asked for, or as soon after it as is lawful, ahead of everyone else who
    is due. One that is on a call is called back after it. A time in the past is now.

    It may be one attempt more than `retry.maxAttempts`; frequency caps still hold. Refused for a contact that is
    skipped or canceled, asked not to be called, or has no attempt left: to begin anew, add it to the campaign again.
    """
    return await campaign_contacts.call_back(tx, caller.org, campaign_id, contact_id, body.at, now)


handlers = (
    campaigns_contacts_create,
    campaigns_contacts_list,
    campaigns_contacts_retrieve,
    campaigns_contacts_explain,
    campaigns_contacts_delete,
    campaigns_contacts_callback,
)
