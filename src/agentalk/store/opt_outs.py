"""Opt-outs, by number. `org` None means every organization's."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg.rows import TupleRow

from agentalk.domain.ids import CallId, OrgId
from agentalk.domain.opt_out import OptOut, OptOutSource
from agentalk.store.database import Tx, fetch, fetch_anew, fetch_one
from agentalk.store.queries import load

SQL = load("opt_outs")


async def add(tx: Tx, org: OrgId, phones: Mapping[str, CallId | None], source: OptOutSource, now: datetime) -> set[str]:
    """Keep opt-outs, each with the call on which it was asked; those that are new. One there is stays as it is."""
    rows = await fetch_anew(
        tx,
        SQL["add"],
        org=org,
        phones=list(phones),
        calls=list(phones.values()),
        source=source.value,
        now=now,
    )
    return {phone for (phone,) in rows}


async def of_calls(tx: Tx, ids: Sequence[CallId]) -> dict[OrgId, dict[str, CallId | None]]:
    """The numbers of these calls, by organization, each with its call."""
    found: dict[OrgId, dict[str, CallId | None]] = {}
    for org, phone, call in await fetch(tx, SQL["of_calls"], ids=list(ids)):
        found.setdefault(org, {})[phone] = call
    return found


async def get(tx: Tx, org: OrgId, phone: str) -> OptOut | None:
    """The opt-out of a number."""
    row = await fetch_one(tx, SQL["get"], org=org, phone=phone)
    return _opt_out(row) if row else None


async def page(
    tx: Tx, org: OrgId | None, before: tuple[datetime, str] | None, limit: int, offset: int
) -> list[tuple[tuple[datetime, str], OptOut]]:
    """Opt-outs, newest first, from below the (moment, number) `before`; each with its own."""
    moment, number = before or (None, None)
    rows = await fetch_anew(tx, SQL["page"], org=org, moment=moment, number=number, limit=limit, offset=offset)
    return [((row[3], row[0]), _opt_out(row)) for row in rows]


async def total(tx: Tx, org: OrgId | None) -> int:
    """How many there are."""
    rows = await fetch_anew(tx, SQL["total"], org=org)
    return int(rows[0][0])


async def remove(tx: Tx, org: OrgId, phone: str) -> OptOut | None:
    """Forget the opt-out of a number; what it was, or None if there was none."""
    row = await fetch_one(tx, SQL["remove"], org=org, phone=phone)
    return _opt_out(row) if row else None


def _opt_out(row: TupleRow) -> OptOut:
    phone, source, call_id, created_at = row
    return OptOut(phone=phone, source=OptOutSource(source), call_id=call_id, created_at=created_at)
