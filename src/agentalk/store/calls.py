"""Calls, as their users see them and end them. `org` None means every organization's. Released ones are not shown."""

from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import TupleRow

from agentalk.domain.call import LIVE_STATUSES, AnsweredBy, Call, CallStatus, CallSummary, Outcome, Utterance
from agentalk.domain.ids import CallId, CampaignId, ContactId, OrgId
from agentalk.store.database import Tx, execute, fetch, fetch_anew, fetch_one
from agentalk.store.queries import load

SQL = load("calls")


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls are asked for; None is any."""

    campaign_id: CampaignId | None = None
    contact_id: ContactId | None = None
    status: CallStatus | None = None
    outcome: Outcome | None = None


async def get(tx: Tx, org: OrgId | None, id: CallId) -> Call | None:
    """One call, with what was said."""
    row = await fetch_one(tx, SQL["get"], org=org, id=id)
    if row is None:
        return None
    said = msgspec.json.decode(row[-1], type=tuple[Utterance, ...])
    return Call(**_values(row), policy_version=row[-3], decision=row[-2], transcript=said)


async def page(
    tx: Tx, org: OrgId | None, wanted: CallFilter, before: CallId | None, limit: int, offset: int
) -> list[tuple[CallId, CallSummary]]:
    """Calls, newest first, from below the id `before`; each with its id."""
    values = {**_wanted(wanted), "org": org, "before": before, "limit": limit, "offset": offset}
    return [(row[0], CallSummary(**_values(row))) for row in await fetch_anew(tx, SQL["page"], **values)]


async def total(tx: Tx, org: OrgId | None, wanted: CallFilter) -> int:
    """How many such calls there are."""
    rows = await fetch_anew(tx, SQL["total"], **{**_wanted(wanted), "org": org})
    return int(rows[0][0])


async def hang_up(tx: Tx, org: OrgId | None, id: CallId, now: datetime) -> OrgId | None:
    """Have a live call ended; its organization, or None if no such call is live."""
    row = await fetch_one(tx, SQL["hang_up"], org=org, id=id, now=now)
    return row[0] if row else None


async def reserved_of(tx: Tx, campaign: CampaignId) -> list[CallId]:
    """A campaign's reservations, held until the transaction ends."""
    return [row[0] for row in await fetch(tx, SQL["reserved_of"], campaign=campaign)]


async def hang_up_unanswered(tx: Tx, campaign: CampaignId, now: datetime) -> int:
    """Have every call of a campaign ended that nobody has answered."""
    return await execute(tx, SQL["hang_up_unanswered"], campaign=campaign, now=now)


async def count_stuck(tx: Tx, since: datetime) -> int:
    """How many calls of everybody's have been in doubt since then, or were to be asked about and were not."""
    row = await fetch_one(tx, SQL["count_stuck"], since=since)
    return int(row[0]) if row else 0


def _wanted(wanted: CallFilter) -> dict[str, Any]:
    live = None if wanted.status is None else wanted.status in LIVE_STATUSES
    return {
        "campaign": wanted.campaign_id,
        "contact": wanted.contact_id,
        "status": wanted.status and wanted.status.value,
        "live": live,
        "outcome": wanted.outcome and wanted.outcome.value,
    }


def _values(row: TupleRow) -> dict[str, Any]:
    answered_at, ended_at = row[14], row[15]
    talked = None if answered_at is None or ended_at is None else max(0.0, (ended_at - answered_at).total_seconds())
    return {
        "id": row[0],
        "campaign_id": row[1],
        "contact_id": row[2],
        "attempt": row[3],
        "status": CallStatus(row[4]),
        "outcome": row[5] and Outcome(row[5]),
        "answered_by": row[6] and AnsweredBy(row[6]),
        "phone": row[7],
        "caller_id": row[8],
        "carrier": row[9],
        "carrier_call_id": row[10],
        "reserved_at": row[11],
        "dialed_at": row[12],
        "ringing_at": row[13],
        "answered_at": answered_at,
        "ended_at": ended_at,
        "duration_seconds": talked,
        "ended_reason": row[16],
    }
