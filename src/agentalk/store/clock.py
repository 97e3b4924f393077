"""The database's clock: what all who use it can compare theirs with."""

from datetime import datetime

from agentalk.store.database import Tx, fetch_one
from agentalk.store.queries import load

SQL = load("clock")


async def database_time(tx: Tx) -> datetime:
    """The time by the clock of the database's host. Nothing is decided by it."""
    row = await fetch_one(tx, SQL["database_time"])
    assert row is not None  # noqa: S101 - a SELECT without a FROM has a row
    at: datetime = row[0]
    return at
