"""Looking at the database from beside the operation under test."""

from typing import Any, cast

from agentalk.store.database import Database

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def sql(database: Database, statement: str, *values: Any) -> list[Any]:
    """The rows of a statement, on a connection of its own."""
    async with database.reading() as tx:
        cursor = await tx.execute(statement.encode(), values)
        return cast(list[Any], await cursor.fetchall()) if cursor.description else []


async def until_waiting(database: Database) -> None:
    """Until someone waits for a lock in this database."""
    while await sql(database, _WAITING) == [(0,)]:
        pass
