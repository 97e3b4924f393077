"""The outbox: what happened, written in the transaction in which it happened."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from agentalk.domain.event import Event, EventName, Happening
from agentalk.domain.ids import CampaignId, OrgId, uuid7s
from agentalk.store.database import Tx, execute, fetch, fetch_one
from agentalk.store.queries import load

SQL = load("events")


async def add_events(tx: Tx, happenings: Sequence[Happening], now: datetime) -> None:
    """Write events; they exist if this transaction commits."""
    if not happenings:
        return
    happened: dict[tuple[OrgId, CampaignId | None], list[dict[str, object]]] = {}
    for id, each in zip(uuid7s(now, len(happenings)), happenings, strict=True):
        row = {"id": id, "type": each.type, "data": each.data}
        happened.setdefault((each.organization_id, each.campaign_id), []).append(row)
    rows = [
        {"organization_id": org, "campaign_id": campaign, "happened": rows}
        for (org, campaign), rows in happened.items()
    ]
    await execute(tx, SQL["add_events"], events=msgspec.json.encode(rows).decode(), now=now)


async def page(tx: Tx, campaign: CampaignId, before: int | None, limit: int, offset: int) -> list[tuple[int, Event]]:
    """A campaign's events, newest first, from below position `before`; each with its position."""
    start = 2**63 - 1 if before is None else before
    rows = await fetch(tx, SQL["page"], campaign=campaign, before=start, limit=limit, offset=offset)
    return [
        (seq, Event(id=id, type=EventName(type), created_at=at, organization_id=organization, data=data))
        for seq, id, type, at, organization, data in rows
    ]


async def total(tx: Tx, campaign: CampaignId) -> int:
    """How many events a campaign has."""
    row = await fetch_one(tx, SQL["total"], campaign=campaign)
    return row[0] if row else 0
