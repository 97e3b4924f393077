"""The outbox: what happened, written in the transaction in which it happened."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from agentalk.domain.event import Event, Happening
from agentalk.domain.ids import CampaignId, OrgId, uuid7
from agentalk.store.database import Tx, execute, fetch
from agentalk.store.queries import load

SQL = load("events")


async def add_events(tx: Tx, happenings: Sequence[Happening], now: datetime) -> None:
    """Write events; they exist if this transaction commits."""
    if not happenings:
        return
    rows = [
        {
            "id": uuid7(now),
            "organization_id": happening.organization_id,
            "campaign_id": happening.campaign_id,
            "type": happening.type,
            "data": happening.data,
        }
        for happening in happenings
    ]
    await execute(tx, SQL["add_events"], events=msgspec.json.encode(rows).decode(), now=now)


async def list_events(tx: Tx, org: OrgId, campaign: CampaignId, after: int, limit: int) -> list[tuple[int, Event]]:
    """A campaign's events in order, at most `limit` of them behind position `after`, each with its own position."""
    rows = await fetch(tx, SQL["list_events"], org=org, campaign=campaign, after=after, limit=limit)
    return [
        (seq, Event(id=id, type=type, created_at=at, organization_id=organization, data=data))
        for seq, id, type, at, organization, data in rows
    ]
