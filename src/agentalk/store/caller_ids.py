"""What each of an organization's numbers bore on each UTC day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from agentalk.domain.caller_id import Usage, day_of
from agentalk.domain.ids import CallId, CampaignId, OrgId
from agentalk.store.database import Tx, execute, fetch
from agentalk.store.queries import load

SQL = load("caller_ids")

# So many rows for each number are as good as one.
_ROWS_EACH, _ROWS_MORE = 4, 40


async def usage(tx: Tx, org: OrgId, now: datetime) -> Usage:
    """What the numbers bore today. Needs the organization's lock."""
    rows = await fetch(tx, SQL["usage"], org=org, day=day_of(now))
    if sum(row[3] for row in rows) > _ROWS_EACH * len(rows) + _ROWS_MORE:
        await fold(tx, org, day_of(now))
    return Usage({number: calls for number, calls, _, _ in rows}, {number for number, _, rests, _ in rows if rests})


async def begin(tx: Tx, org: OrgId, begun: Mapping[str, int], now: datetime) -> None:
    """So many calls more begin from each number today. Needs the organization's lock."""
    rows = [{"caller_id": number, "calls": calls} for number, calls in begun.items()]
    await execute(tx, SQL["begin"], org=org, begun=msgspec.json.encode(rows).decode(), day=day_of(now))


async def fold(tx: Tx, org: OrgId, day: date) -> None:
    """One row for each number, and none of earlier days. Needs the organization's lock."""
    await execute(tx, SQL["fold"], org=org, day=day)


class Rested(msgspec.Struct, frozen=True):
    """A number that is not used any more today, and a call that was the reason."""

    organization_id: OrgId
    campaign_id: CampaignId
    call_id: CallId
    caller_id: str


async def rest(tx: Tx, calls: Sequence[CallId], now: datetime) -> list[Rested]:
    """Use the numbers of these calls no more today; those that were used until now."""
    return [Rested(*row) for row in await fetch(tx, SQL["rest"], calls=list(calls), day=day_of(now))]
