"""Contacts in campaigns: added, listed, removed. `org` None means every organization's."""

from collections.abc import Collection, Sequence
from datetime import datetime

from agentalk.domain.campaign_contact import Added, CampaignContact, ContactStatus, may_call_back
from agentalk.domain.due import lawful
from agentalk.domain.errors import Conflict, FieldError, Invalid, NotFound, TooMany
from agentalk.domain.event import EventName, Happening
from agentalk.domain.ids import CampaignId, ContactId, OrgId
from agentalk.operations.campaigns import finish_stop
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
    await campaigns.turnstile(tx, campaign, alone=False)
    home = await campaigns.hold(tx, org, campaign)
    if home is None:
        raise NotFound.noun("campaign", campaign)
    await finish_stop(tx, campaign)
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


async def get(tx: Tx, org: OrgId | None, campaign: CampaignId, contact: ContactId) -> CampaignContact:
    """Where one contact of a campaign stands. Raises `NotFound` for either."""
    await _find(tx, org, campaign)
    found = await campaign_contacts.get(tx, campaign, contact)
    if found is None:
        raise NotFound(f"There is no contact {contact} in this campaign.")
    return found


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


async def call_back(
    tx: Tx, org: OrgId | None, campaign: CampaignId, contact: ContactId, at: datetime, now: datetime
) -> CampaignContact:
    """Have a contact called back at `at`, or as soon after as is lawful; one that is on a call, after that call.

    `at` without an offset is the contact's own time; one in the past is now. Raises `NotFound`, `Invalid` for a time
    more than a year away, and `Conflict` for a contact who is not to be called, or has been called too often already.
    """
    home = await campaigns.hold(tx, org, campaign)
    if home is None:
        raise NotFound.noun("campaign", campaign)
    callee = await campaign_contacts.lock_for_callback(tx, campaign, contact)
    if callee is None:
        raise NotFound(f"There is no contact {contact} in this campaign.")
    if callee.opted_out:
        raise Conflict("The contact asked not to be called.", code="opted_out")
    if callee.status in (ContactStatus.CANCELED, ContactStatus.SKIPPED):
        detail = f"The contact is {callee.status}. Add it to the campaign again to have it called."
        raise Conflict(detail, code="contact_closed")
    if not may_call_back(callee.attempts, callee.policy.retry):
        detail = "The contact has been called as often as the campaign allows. Add it again to begin anew."
        raise Conflict(detail, code="no_attempts_left")
    meant = callee.policy.meant(at, callee.zones, now)
    if meant is None:
        raise Invalid.field("at", "must be a time within a year from now")
    due_at = lawful(callee.policy.opens(callee.zones), max(meant, now))
    standing = await campaign_contacts.call_back(tx, campaign, contact, due_at)
    if standing.status is ContactStatus.WAITING:
        data = {
            "contactId": contact,
            "attempts": standing.attempts,
            "outcome": standing.last_outcome,
            "nextAttemptAt": due_at,
            "skipReason": None,
            "callback": True,
        }
        await events.add_events(tx, [Happening(home, campaign, EventName.CONTACT_RETRY_SCHEDULED, data)], now)
    await keep_countable(tx, [campaign])
    await notify(tx, str(home))
    return standing


async def keep_countable(tx: Tx, campaigns: Collection[CampaignId]) -> None:
    """Have the campaigns' contacts counted at the same cost, however often they were changed one by one."""
    for campaign in await campaign_contacts.crowded(tx, campaigns) if campaigns else ():
        await campaign_contacts.fold(tx, campaign)


async def _find(tx: Tx, org: OrgId | None, campaign: CampaignId) -> None:
    if await campaigns.find(tx, org, campaign) is None:
        raise NotFound.noun("campaign", campaign)
