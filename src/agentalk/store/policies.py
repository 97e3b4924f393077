"""Policies that calls were decided by, each under the name of its text. Kept for ever."""

from agentalk.domain.policy.version import PolicyVersion
from agentalk.store.database import Tx, fetch_one
from agentalk.store.queries import load

SQL = load("policies")


async def get(tx: Tx, id: str) -> PolicyVersion | None:
    """One version. It is nobody's: its name is the hash of its text, and known only to whoever has such a call."""
    row = await fetch_one(tx, SQL["get"], id=id)
    return PolicyVersion(id=row[0], created_at=row[1], body=row[2]) if row else None
