"""What stops at once when a number is not to be called any more: at the commit nobody is about to call it.

Everything is held in one order (campaigns, the organization, calls, contacts), that of those who dial and record, so
that they do not meet head-on. Under the organization's lock no dialer claims: every reservation can be seen, and a call
is either dialled before this commit or not at all.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from agentalk.domain.campaign_contact import SkipReason
from agentalk.domain.event import EventName, Happening
from agentalk.domain.ids import CampaignId, ListId, OrgId
from agentalk.operations.campaign_contacts import keep_countable
from agentalk.store import dialing, events, suppression
from agentalk.store.database import Tx, notify


class Stopped(msgspec.Struct, frozen=True):
    """How many reserved calls were given back, and how many contacts of campaigns are skipped now."""

    released: int
    skipped: int


async def stop_calling(
    tx: Tx,
    org: OrgId,
    phones: Sequence[str],
    reason: SkipReason,
    now: datetime,
    campaign: CampaignId | None = None,
) -> Stopped:
    """Give reserved calls to these numbers back, and skip whoever has one: in all campaigns, or in this one."""
    if not phones:
        return Stopped(0, 0)
    await suppression.hold_campaigns(tx, org, phones, campaign)
    await suppression.wait_for_organization(tx, org)
    reserved = await suppression.reserved_of(tx, org, phones, campaign)
    if reserved:
        await dialing.release_reserved(tx, reserved, now)
    skipped = await suppression.skip_open(tx, org, phones, campaign, reason)
    name = EventName.CONTACT_OPTED_OUT if reason is SkipReason.OPTED_OUT else EventName.CONTACT_SKIPPED
    happenings = [
        Happening(org, id, name, {"contactId": contact, "attempts": attempts, "skipReason": reason})
        for id, contact, attempts in skipped
    ]
    await events.add_events(tx, happenings, now)
    await keep_countable(tx, {id for id, _, _ in skipped})
    if reserved or skipped:
        await notify(tx, str(org))
    return Stopped(len(reserved), len(skipped))


async def stop_reserved(tx: Tx, org: OrgId, id: ListId, now: datetime) -> Stopped:
    """Give reserved calls to the numbers of a list back: they are judged anew when they are claimed again."""
    await suppression.wait_for_organization(tx, org)
    reserved = await suppression.reserved_of_list(tx, org, id)
    if reserved:
        await dialing.release_reserved(tx, reserved, now)
        await notify(tx, str(org))
    return Stopped(len(reserved), 0)
