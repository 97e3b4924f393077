"""Connections and transactions. The only room that knows the driver."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Concatenate, LiteralString, ParamSpec, TypeVar

import msgspec
import psycopg
import psycopg.errors
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool

Tx = psycopg.AsyncConnection[TupleRow]
P = ParamSpec("P")
R = TypeVar("R")

set_json_loads(msgspec.json.decode)
set_json_dumps(msgspec.json.encode)

# What the driver raises when the database is away: the caller may try again once it is back.
Unavailable = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    TimeoutError,
)
# Two transactions met head-on and this one lost: done again, it goes through.
_COLLIDED = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
_TRIES = 5
_CHANNEL = "agentalk"


# The engine's statements each touch a few rows by their keys, of tables that grow from nothing to millions under them:
# whatever the statistics say at the moment, walking indexes is right.
_BY_INDEX = " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_bitmapscan=off -c jit=off"
# A process that is frozen, or whose host is gone, in the middle of a transaction must not keep its locks: everybody who
# dials for, or changes, the same campaign would wait. Shorter than a dialer's lease.
_LET_GO = " -c idle_in_transaction_session_timeout=5s"
# Others than the engine may have to wait for somebody's upload in the middle of one.
_LET_GO_LATE = " -c idle_in_transaction_session_timeout=60s"


class Database:
    """Connections to one PostgreSQL database (15 or newer); `engine` ones plan for few rows of large tables."""

    def __init__(self, dsn: str, *, most: int = 10, engine: bool = False) -> None:
        self._dsn = dsn
        options = "-c timezone=UTC" + (_BY_INDEX + _LET_GO if engine else _LET_GO_LATE)
        self._pool = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=most,
            # Longer than any queue for a connection should be, and short enough to answer that the database is away.
            timeout=5,
            open=False,
            kwargs={"autocommit": True, "options": options, "application_name": "agentalk"},
            check=None,
        )

    async def open(self) -> None:
        """Connect. Raises `Unavailable` if no connection is to be had within 15 seconds."""
        await self._pool.open()
        await self._pool.wait(15)

    @asynccontextmanager
    async def for_engine(self) -> AsyncIterator["Database"]:
        """The same database through connections whose plans suit the engine."""
        engine = Database(self._dsn, engine=True)
        await engine.open()
        try:
            yield engine
        finally:
            await engine.close()

    async def close(self) -> None:
        """Give all connections back."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A transaction: committed at the end, rolled back on an exception."""
        async with self._pool.connection() as tx, tx.transaction():
            yield tx

    def reading(self) -> AbstractAsyncContextManager[Tx]:
        """A connection without a transaction: each statement sees what is committed when it begins."""
        return self._pool.connection()

    async def run(self, work: Callable[Concatenate[Tx, P], Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work(tx, …)` in a transaction, again if it collided with another one."""
        for _ in range(_TRIES - 1):
            try:
                async with self.transaction() as tx:
                    return await work(tx, *args, **kwargs)
            except _COLLIDED:
                continue
        async with self.transaction() as tx:
            return await work(tx, *args, **kwargs)

    async def listen(self, heard: Callable[[str], None]) -> None:
        """Call `heard` with each notification's text, until cancelled. Connects anew when the connection breaks."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {_CHANNEL}")
                    heard("")  # something may have been said while nobody listened
                    async for notification in connection.notifies():
                        heard(notification.payload)
            except (psycopg.Error, OSError):
                await asyncio.sleep(0.5)


# A notification that calls are to be hung up: whoever holds calls looks through them at once.
HANG_UP = "hang up"


async def notify(tx: Tx, text: str) -> None:
    """Wake the listeners of all processes when this transaction commits: to an organization's id, to any by "", or to
    `HANG_UP`.
    """
    await tx.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, text))


async def fetch(tx: Tx, sql: LiteralString, **values: Any) -> list[TupleRow]:
    """All rows of a statement."""
    async with tx.cursor(binary=True) as cursor:
        await cursor.execute(sql, values)
        return await cursor.fetchall()


async def fetch_anew(tx: Tx, sql: LiteralString, **values: Any) -> list[TupleRow]:
    """All rows of a statement that is planned for these very values: with optional filters, or arrays of any length."""
    async with tx.cursor(binary=True) as cursor:
        await cursor.execute(sql, values, prepare=False)
        return await cursor.fetchall()


async def fetch_one(tx: Tx, sql: LiteralString, **values: Any) -> TupleRow | None:
    """The first row of a statement, or None."""
    async with tx.cursor(binary=True) as cursor:
        await cursor.execute(sql, values)
        return await cursor.fetchone()


async def execute(tx: Tx, sql: LiteralString, **values: Any) -> int:
    """Run a statement for its effect; the number of rows it touched."""
    async with tx.cursor() as cursor:
        await cursor.execute(sql, values)
        return cursor.rowcount
