"""Brings the schema up to date: numbered SQL files, each once, under an advisory lock; and rows that SQL cannot."""

from importlib.resources import files

import psycopg

from agentalk.store.database import Tx
from agentalk.store.placing import place_contacts

# Any fixed number will do; it only has to be ours.
_LOCK = 7_236_104_551
# A host that swallows packets is as good as away.
_CONNECT_SECONDS = 5
# What follows a migration, in its transaction, because SQL cannot work it out.
_THEN = {"0002_policy.sql": place_contacts}


async def migrate(dsn: str) -> list[str]:
    """Apply the migrations that the database lacks, in order; returns their names.

    All of them are one transaction. Any number of processes may call this at once: one works, the others wait and find
    nothing left to do. Raises `NewerSchema` if the database was migrated by a newer version of Agentalk.
    """
    known = _known()
    async with await psycopg.AsyncConnection.connect(dsn, connect_timeout=_CONNECT_SECONDS) as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        await tx.execute("CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY)")
        cursor = await tx.execute("SELECT name FROM migrations")
        done = {name for (name,) in await cursor.fetchall()}
        if done - set(known):
            raise NewerSchema(max(done - set(known)))
        lacking = [name for name in known if name not in done]
        for name in lacking:
            text = files("agentalk.store").joinpath("migrations", name).read_bytes()
            await tx.execute(text)
            if name in _THEN:
                await _THEN[name](tx)
            await tx.execute("INSERT INTO migrations VALUES (%s)", (name,))
    return lacking


async def pending(tx: Tx) -> list[str]:
    """The migrations that the database lacks, in order."""
    cursor = await tx.execute("SELECT to_regclass('migrations') IS NOT NULL")
    if await cursor.fetchone() != (True,):
        return _known()
    cursor = await tx.execute("SELECT name FROM migrations")
    done = {name for (name,) in await cursor.fetchall()}
    return [name for name in _known() if name not in done]


def _known() -> list[str]:
    folder = files("agentalk.store").joinpath("migrations")
    return sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))


class NewerSchema(Exception):
    """The database holds a migration that this version does not know."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The database was migrated by a newer Agentalk (it has {name}). Upgrade this installation.")
