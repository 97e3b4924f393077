"""Do-not-call lists and what is on them. `org` None means every organization's."""

from collections.abc import Sequence
from datetime import date, datetime

from psycopg.rows import TupleRow

from agentalk.domain.do_not_call import Listed, ListedNumber, NumberList
from agentalk.domain.ids import ListId, OrgId
from agentalk.domain.policy.decision import ListKind
from agentalk.domain.policy.model import Purpose
from agentalk.store.database import Tx, execute, fetch, fetch_anew, fetch_one
from agentalk.store.queries import load

SQL = load("do_not_call")


async def insert(tx: Tx, org: OrgId, made: NumberList) -> bool:
    """A new list; False if the organization, or the campaign, has its own already."""
    row = await fetch_one(
        tx,
        SQL["insert"],
        id=made.id,
        org=org,
        kind=made.kind.value,
        name=made.name,
        campaign=made.campaign_id,
        jurisdiction=made.jurisdiction,
        purposes=[purpose.value for purpose in made.purposes],
        as_of=made.as_of,
        now=made.created_at,
    )
    return row is not None


async def get(tx: Tx, org: OrgId | None, id: ListId) -> NumberList | None:
    """One list."""
    row = await fetch_one(tx, SQL["get"], org=org, id=id)
    return _list(row) if row else None


async def lock(tx: Tx, org: OrgId | None, id: ListId) -> tuple[OrgId, NumberList] | None:
    """A list and its organization, held until the transaction ends; numbers may be added meanwhile."""
    row = await fetch_one(tx, SQL["lock"], org=org, id=id)
    return (row[-1], _list(row)) if row else None


async def page(tx: Tx, org: OrgId | None, kind: ListKind | None, limit: int, offset: int) -> list[NumberList]:
    """Lists, newest first."""
    wanted = kind and kind.value
    return [_list(row) for row in await fetch_anew(tx, SQL["page"], org=org, kind=wanted, limit=limit, offset=offset)]


async def total(tx: Tx, org: OrgId | None, kind: ListKind | None) -> int:
    """How many such lists there are."""
    rows = await fetch_anew(tx, SQL["total"], org=org, kind=kind and kind.value)
    return int(rows[0][0])


async def date_data(tx: Tx, id: ListId, as_of: date, now: datetime) -> None:
    """A registry's data is of this day."""
    await execute(tx, SQL["date_data"], id=id, as_of=as_of, now=now)


async def delete(tx: Tx, id: ListId) -> None:
    """Forget a list, which is empty."""
    await execute(tx, SQL["delete"], id=id)


async def add_numbers(tx: Tx, org: OrgId, id: ListId, phones: Sequence[str], now: datetime) -> int:
    """Put numbers on a list; how many were not on it."""
    return await execute(tx, SQL["add_numbers"], org=org, id=id, phones=list(phones), now=now)


async def added_at(tx: Tx, id: ListId, now: datetime, after: str, most: int) -> list[str]:
    """Numbers that came onto a list at the moment `now`, in order, from above `after`."""
    rows = await fetch(tx, SQL["added_at"], id=id, now=now, after=after, most=most)
    return [phone for (phone,) in rows]


async def numbers(tx: Tx, id: ListId, before: str | None, limit: int, offset: int) -> list[tuple[str, ListedNumber]]:
    """A list's numbers in descending order, from below `before`; each with itself as its key."""
    rows = await fetch_anew(tx, SQL["numbers"], id=id, before=before, limit=limit, offset=offset)
    return [(phone, ListedNumber(phone, at)) for phone, at in rows]


async def total_numbers(tx: Tx, id: ListId) -> int:
    """How many numbers a list holds."""
    row = await fetch_one(tx, SQL["total_numbers"], id=id)
    return int(row[0]) if row else 0


async def remove_number(tx: Tx, org: OrgId, id: ListId, phone: str) -> datetime | None:
    """Take a number off a list; since when it was on it, or None if it was not."""
    row = await fetch_one(tx, SQL["remove_number"], org=org, id=id, phone=phone)
    return row[0] if row else None


async def empty(tx: Tx, id: ListId) -> int:
    """Take every number off a list; how many there were."""
    return await execute(tx, SQL["empty"], id=id)


async def holding(tx: Tx, org: OrgId, phone: str) -> list[Listed]:
    """The lists that hold a number."""
    return [Listed(_list(row), row[-1]) for row in await fetch(tx, SQL["holding"], org=org, phone=phone)]


def _list(row: TupleRow) -> NumberList:
    id, kind, name, campaign, jurisdiction, purposes, as_of, created_at, updated_at, *_ = row
    return NumberList(
        id=id,
        kind=ListKind(kind),
        name=name,
        campaign_id=campaign,
        jurisdiction=jurisdiction,
        purposes=tuple(map(Purpose, purposes)),
        as_of=as_of,
        created_at=created_at,
        updated_at=updated_at,
    )
