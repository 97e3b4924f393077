"""Carrier accounts. `org` None means every organization's."""

from datetime import datetime

from psycopg.rows import TupleRow

from agentalk.domain.ids import CarrierId, OrgId
from agentalk.domain.organization import CarrierAccount
from agentalk.store.database import Tx, execute, fetch, fetch_one
from agentalk.store.queries import load

SQL = load("carriers")


async def insert(tx: Tx, org: OrgId, carrier: CarrierAccount) -> None:
    """A new carrier account."""
    await execute(
        tx,
        SQL["insert"],
        id=carrier.id,
        org=org,
        name=carrier.name,
        kind=carrier.kind,
        is_default=carrier.is_default,
        max_live_calls=carrier.max_live_calls,
        calls_per_second=carrier.calls_per_second,
        now=carrier.created_at,
    )


async def get(tx: Tx, org: OrgId | None, id: CarrierId) -> CarrierAccount | None:
    """One carrier account."""
    row = await fetch_one(tx, SQL["get"], org=org, id=id)
    return _carrier(row) if row else None


async def page(tx: Tx, org: OrgId | None, limit: int, offset: int) -> list[CarrierAccount]:
    """Carrier accounts, newest first."""
    return [_carrier(row) for row in await fetch(tx, SQL["page"], org=org, limit=limit, offset=offset)]


async def total(tx: Tx, org: OrgId | None) -> int:
    """How many carrier accounts there are."""
    row = await fetch_one(tx, SQL["total"], org=org)
    return int(row[0]) if row else 0


async def change(
    tx: Tx,
    org: OrgId | None,
    id: CarrierId,
    *,
    name: str | None,
    max_live_calls: int | None,
    calls_per_second: float | None,
    seen: datetime | None,
    now: datetime,
) -> CarrierAccount | None:
    """Change what is not None, if the record last changed at `seen`; None if there is no such record."""
    row = await fetch_one(
        tx,
        SQL["change"],
        org=org,
        id=id,
        name=name,
        max_live_calls=max_live_calls,
        calls_per_second=calls_per_second,
        seen=seen,
        now=now,
    )
    return _carrier(row) if row else None


def _carrier(row: TupleRow) -> CarrierAccount:
    id, name, kind, is_default, max_live_calls, calls_per_second, created_at, updated_at = row
    return CarrierAccount(
        id=id,
        name=name,
        kind=kind,
        is_default=is_default,
        max_live_calls=max_live_calls,
        calls_per_second=calls_per_second,
        created_at=created_at,
        updated_at=updated_at,
    )
