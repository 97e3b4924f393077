"""Contacts in campaigns, as their users see them and change them."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from psycopg.rows import TupleRow

from agentalk.domain.call import Outcome
from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.campaign_contact import (
    Added,
    CampaignContact,
    ContactStatus,
    InvalidContact,
    InvalidReason,
    Policy,
    SkipReason,
)
from agentalk.domain.ids import CampaignId, ContactId, OrgId
from agentalk.domain.policy.decision import Rule
from agentalk.domain.window import ZoneGroup
from agentalk.store.campaigns import read_in_force, read_retry, read_window
from agentalk.store.database import Tx, execute, fetch, fetch_anew, fetch_one
from agentalk.store.queries import load

SQL = load("campaign_contacts")

# Beyond any `seq`: the beginning of a list that is newest first.
NEWEST = 2**63 - 1


class Callee(msgspec.Struct, frozen=True):
    """A contact under lock that is to be called back, with its campaign's policy."""

    status: ContactStatus
    zones: ZoneGroup
    attempts: int
    opted_out: bool
    policy: Policy


async def add(tx: Tx, org: OrgId, campaign: CampaignId, contacts: Sequence[ContactId], now: datetime) -> Added:
    """Add distinct contacts to a campaign, or reset those who are in it. The caller holds the campaign."""
    rows = await fetch_anew(tx, SQL["add"], org=org, campaign=campaign, contacts=list(contacts), now=now)
    added, valid, invalid, reasons = rows[0]
    return Added(
        campaign_id=campaign,
        requested=len(contacts),
        added=added,
        reset=valid - added,
        invalid=len(contacts) - valid,
        invalid_contacts=tuple(
            InvalidContact(id, InvalidReason(reason)) for id, reason in zip(invalid or (), reasons or (), strict=True)
        ),
    )


async def cancel_open(tx: Tx, campaign: CampaignId, most: int) -> int:
    """Cancel at most so many contacts of a campaign that were still to be called; how many."""
    return await execute(tx, SQL["cancel_open"], campaign=campaign, most=most)


async def cancel_contact(tx: Tx, org: OrgId, contact: ContactId) -> set[CampaignId]:
    """Cancel one contact in every campaign in which it was still to be called: in these."""
    return {row[0] for row in await fetch(tx, SQL["cancel_contact"], org=org, contact=contact)}


async def refresh_zones(tx: Tx, org: OrgId, contacts: Sequence[ContactId]) -> set[CampaignId]:
    """Give contacts the zones that they have now in every campaign that is still to call them: in these."""
    # Anew: a plan from the time when the campaign had no contacts yet would walk all of them for each contact.
    return {row[0] for row in await fetch_anew(tx, SQL["refresh_zones"], org=org, contacts=list(contacts))}


async def crowded(tx: Tx, campaigns: Collection[CampaignId]) -> list[CampaignId]:
    """Those of the campaigns that have many more tallies than these count apart."""
    return [row[0] for row in await fetch(tx, SQL["crowded"], campaigns=list(campaigns))]


async def fold(tx: Tx, campaign: CampaignId) -> None:
    """Sum up a campaign's tallies: counting must not cost by what happened."""
    await execute(tx, SQL["fold"], campaign=campaign)


async def page(
    tx: Tx, campaign: CampaignId, statuses: Collection[ContactStatus], before: int, limit: int, offset: int
) -> list[tuple[int, CampaignContact]]:
    """Contacts with any of the statuses, newest first, from below `seq` `before`; each with its `seq`."""
    named = [status.value for status in statuses]
    rows = await fetch(tx, SQL["page"], campaign=campaign, statuses=named, before=before, limit=limit, offset=offset)
    return [(row[0], _campaign_contact(row)) for row in rows]


async def get(tx: Tx, campaign: CampaignId, contact: ContactId) -> CampaignContact | None:
    """One contact of a campaign."""
    row = await fetch_one(tx, SQL["get"], campaign=campaign, contact=contact)
    return _campaign_contact(row) if row else None


async def total(tx: Tx, campaign: CampaignId, statuses: Collection[ContactStatus]) -> int:
    """How many contacts have any of the statuses."""
    named = [status.value for status in statuses]
    row = await fetch_one(tx, SQL["total"], campaign=campaign, statuses=named)
    return int(row[0]) if row else 0


async def lock(tx: Tx, campaign: CampaignId, contact: ContactId) -> ContactStatus | None:
    """Hold a contact of a campaign; its status, or None if it is not in the campaign."""
    row = await fetch_one(tx, SQL["lock"], campaign=campaign, contact=contact)
    return ContactStatus(row[0]) if row else None


async def lock_for_callback(tx: Tx, campaign: CampaignId, contact: ContactId) -> Callee | None:
    """Hold a contact of a campaign, to decide whether and when it may be called back."""
    row = await fetch_one(tx, SQL["lock_for_callback"], campaign=campaign, contact=contact)
    if row is None:
        return None
    status, zones, attempts, campaign_status, window, retry, theirs, own, opted_out = row
    policy = Policy(CampaignStatus(campaign_status), read_window(window), read_retry(retry), read_in_force(theirs, own))
    return Callee(ContactStatus(status), zones, attempts, opted_out, policy)


async def call_back(tx: Tx, campaign: CampaignId, contact: ContactId, at: datetime) -> CampaignContact:
    """Have a locked contact called at `at`, ahead of others; one that is on a call, after that call."""
    rows = await fetch(tx, SQL["call_back"], campaign=campaign, contact=contact, at=at)
    return _campaign_contact(rows[0])


async def remove(tx: Tx, campaign: CampaignId, contact: ContactId) -> None:
    """Take a contact out of a campaign; one that has been called is canceled, if it was still to be called."""
    await execute(tx, SQL["remove"], campaign=campaign, contact=contact)


def _campaign_contact(row: TupleRow) -> CampaignContact:
    _, contact_id, status, attempts, next_attempt_at, callback, wait_reason, last_outcome, skip_reason, added_at = row
    return CampaignContact(
        contact_id=contact_id,
        status=ContactStatus(status),
        attempts=attempts,
        next_attempt_at=next_attempt_at,
        callback=callback,
        wait_reason=wait_reason and Rule(wait_reason),
        last_outcome=last_outcome and Outcome(last_outcome),
        skip_reason=skip_reason and SkipReason(skip_reason),
        added_at=added_at,
    )
