"""Organizations. `org` None means every organization, otherwise only that one is there."""

from datetime import datetime

import msgspec
from psycopg.rows import TupleRow

from agentalk.domain.ids import OrgId
from agentalk.domain.organization import Organization
from agentalk.domain.policy.model import CallingPolicy
from agentalk.store.campaigns import read_policy
from agentalk.store.database import Tx, execute, fetch, fetch_one
from agentalk.store.queries import load

SQL = load("organizations")


async def insert(tx: Tx, organization: Organization) -> None:
    """A new organization."""
    await execute(
        tx,
        SQL["insert"],
        id=organization.id,
        name=organization.name,
        max_concurrency=organization.max_concurrency,
        policy=msgspec.json.encode(organization.policy).decode(),
        now=organization.created_at,
    )


async def lock_all(tx: Tx) -> None:
    """Let nobody else make or change an organization until the transaction ends."""
    await execute(tx, SQL["lock_all"])


async def get(tx: Tx, org: OrgId | None, id: OrgId) -> Organization | None:
    """One organization."""
    row = await fetch_one(tx, SQL["get"], org=org, id=id)
    return _organization(row) if row else None


async def page(tx: Tx, org: OrgId | None, limit: int, offset: int) -> list[Organization]:
    """Organizations, newest first."""
    return [_organization(row) for row in await fetch(tx, SQL["page"], org=org, limit=limit, offset=offset)]


async def total(tx: Tx, org: OrgId | None) -> int:
    """How many organizations there are."""
    row = await fetch_one(tx, SQL["total"], org=org)
    return int(row[0]) if row else 0


async def change(
    tx: Tx,
    org: OrgId | None,
    id: OrgId,
    *,
    name: str | None,
    max_concurrency: int | None,
    policy: CallingPolicy | None,
    seen: datetime | None,
    now: datetime,
) -> Organization | None:
    """Change what is not None, if the record last changed at `seen`; None if there is no such record."""
    row = await fetch_one(
        tx,
        SQL["change"],
        org=org,
        id=id,
        name=name,
        max_concurrency=max_concurrency,
        policy=policy and msgspec.json.encode(policy).decode(),
        seen=seen,
        now=now,
    )
    return _organization(row) if row else None


def _organization(row: TupleRow) -> Organization:
    id, name, max_concurrency, policy, created_at, updated_at = row
    return Organization(
        id=id,
        name=name,
        max_concurrency=max_concurrency,
        policy=read_policy(policy),
        created_at=created_at,
        updated_at=updated_at,
    )
