"""Contacts in campaigns: added, listed, removed. `org` None means every organization's."""

from collections.abc import Collection, Sequence
from datetime import datetime

from agentalk.domain.campaign_contact import Added, CampaignContact, ContactStatus
from agentalk.domain.errors import Conflict, FieldError, NotFound, TooMany
from agentalk.domain.event import EventName, Happening
from agentalk.domain.ids import CampaignId, ContactId, OrgId
from agentalk.store import campaign_contacts, campaigns, events
from agentalk.store.database import Tx, notify

MOST = 100_000


async def add(tx: Tx, org: OrgId | None, campaign: CampaignId, contacts: Sequence[ContactId], now: datetime) -> Added:
    """Add contacts to a campaign, whatever its status; those who are in it are reset. An id given twice counts once.

    Raises `NotFound` for the campaign, `TooMany` for more than 100,000 ids.
    """
    if len(contacts) > MOST:
        detail = f"`contactIds` holds {len(contacts):,} ids; a request may carry {MOST:,}. Send them in several."
        raise TooMany(detail, errors=[FieldError("contactIds", f"may hold at most {MOST:,} ids")])
    home = await campaigns.hold(tx, org, campaign)
    if home is None:
        raise NotFound.noun("campaign", campaign)
    added = await campaign_contacts.add(tx, home, campaign, tuple(dict.fromkeys(contacts)), now)
    if added.added or added.reset:
        data = {"campaignId": campaign, "added": added.added, "reset": added.reset, "invalid": added.invalid}
        await events.add_events(tx, [Happening(home, campaign, EventName.CONTACT_ADDED, data)], now)
        await keep_countable(tx, [campaign])
        await notify(tx, str(home))
    return added


async def page(
    tx: Tx,
    org: OrgId | None,
    campaign: CampaignId,
    status: ContactStatus | None,
    before: int | None,
    limit: int,
    offset: int,
) -> list[tuple[int, CampaignContact]]:
    """A campaign's contacts, newest first, from below position `before`; each with its position. Raises `NotFound`."""
    await _find(tx, org, campaign)
    wanted = tuple(ContactStatus) if status is None else (status,)
    start = campaign_contacts.NEWEST if before is None else before
    return await campaign_contacts.page(tx, campaign, wanted, start, limit, offset)


async def total(tx: Tx, org: OrgId | None, campaign: CampaignId, status: ContactStatus | None) -> int:
    """How many contacts a campaign has. Raises `NotFound`."""
    await _find(tx, org, campaign)
    wanted = tuple(ContactStatus) if status is None else (status,)
    return await campaign_contacts.total(tx, campaign, wanted)


async def remove(tx: Tx, org: OrgId | None, campaign: CampaignId, contact: ContactId) -> None:
    """Take a contact out of a campaign. One that has been called stays on record, canceled if it was still open.

    Raises `NotFound`, and `Conflict` while it is on a call.
    """
    home = await campaigns.hold(tx, org, campaign)
    if home is None:
        raise NotFound.noun("campaign", campaign)
    status = await campaign_contacts.lock(tx, campaign, contact)
    if status is None:
        raise NotFound(f"There is no contact {contact} in this campaign.")
    if status is ContactStatus.CALLING:
        raise Conflict("The contact is on a call. Remove it once the call has ended.", code="live_calls")
    await campaign_contacts.remove(tx, campaign, contact)
    await keep_countable(tx, [campaign])
    await notify(tx, str(home))


async def keep_countable(tx: Tx, campaigns: Collection[CampaignId]) -> None:
    """Have the campaigns' contacts counted at the same cost, however often they were changed one by one."""
    for campaign in await campaign_contacts.crowded(tx, campaigns) if campaigns else ():
        await campaign_contacts.fold(tx, campaign)


async def _find(tx: Tx, org: OrgId | None, campaign: CampaignId) -> None:
    if await campaigns.find(tx, org, campaign) is None:
        raise NotFound.noun("campaign", campaign)
