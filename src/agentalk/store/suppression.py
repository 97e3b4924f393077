"""Numbers on their way out: whoever was about to call them lets go, and whoever was to be called is not."""

from collections.abc import Sequence

from agentalk.domain.campaign_contact import SkipReason
from agentalk.domain.ids import CallId, CampaignId, ContactId, ListId, OrgId
from agentalk.store.database import Tx, execute, fetch_anew
from agentalk.store.queries import load

SQL = load("suppression")


async def hold_campaigns(tx: Tx, org: OrgId, phones: Sequence[str], campaign: CampaignId | None) -> None:
    """Keep from ending every campaign (or this one) that is to call one of these numbers."""
    await fetch_anew(tx, SQL["hold_campaigns"], org=org, phones=list(phones), campaign=campaign)


async def wait_for_organization(tx: Tx, org: OrgId) -> None:
    """Keep every dialer from claiming for the organization until this transaction ends."""
    await execute(tx, SQL["wait_for_organization"], org=org)


async def reserved_of(tx: Tx, org: OrgId, phones: Sequence[str], campaign: CampaignId | None) -> list[CallId]:
    """The reservations to call these numbers, held; one that is just being dialled is waited for, and is none then."""
    rows = await fetch_anew(tx, SQL["reserved_of"], org=org, phones=list(phones), campaign=campaign)
    return [id for (id,) in rows]


async def reserved_of_list(tx: Tx, org: OrgId, list_id: ListId) -> list[CallId]:
    """The reservations to call numbers of a list, likewise."""
    return [id for (id,) in await fetch_anew(tx, SQL["reserved_of_list"], org=org, list_id=list_id)]


async def skip_open(
    tx: Tx, org: OrgId, phones: Sequence[str], campaign: CampaignId | None, reason: SkipReason
) -> list[tuple[CampaignId, ContactId, int]]:
    """Skip whoever has one of these numbers and is still to be called, by any campaign or by this one.

    Who it was: (campaign, contact, attempts).
    """
    rows = await fetch_anew(tx, SQL["skip_open"], org=org, phones=list(phones), campaign=campaign, reason=reason.value)
    return [(campaign, contact, attempts) for campaign, contact, attempts in rows]
