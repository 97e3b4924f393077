"""The first answers to requests with an Idempotency-Key."""

from datetime import datetime

import msgspec

from agentalk.domain.ids import OrgId
from agentalk.store.database import Tx, execute, fetch_one
from agentalk.store.queries import load

SQL = load("idempotency")


class Kept(msgspec.Struct, frozen=True):
    """A first answer, and a digest of the request that it answered."""

    request: bytes
    status: int
    response: bytes


async def lock(tx: Tx, org: OrgId, key: str) -> bool:
    """Take the key for this transaction; False if another transaction has it, which is not waited for."""
    row = await fetch_one(tx, SQL["lock"], org=org, key=key)
    return bool(row and row[0])


async def find(tx: Tx, org: OrgId, key: str, since: datetime) -> Kept | None:
    """The answer kept under the key after `since`."""
    row = await fetch_one(tx, SQL["find"], org=org, key=key, since=since)
    return Kept(*row) if row else None


async def keep(tx: Tx, org: OrgId, key: str, kept: Kept, now: datetime) -> None:
    """Keep an answer; an old one under the same key gives way."""
    await execute(
        tx,
        SQL["keep"],
        org=org,
        key=key,
        request=kept.request,
        status=kept.status,
        response=kept.response,
        now=now,
    )


async def prune(tx: Tx, before: datetime, most: int) -> int:
    """Forget at most `most` answers from before `before`; how many."""
    return await execute(tx, SQL["prune"], before=before, most=most)
