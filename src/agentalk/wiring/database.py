"""The database of a process: yours by `DATABASE_URL`, or the embedded one of a data folder."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from agentalk.domain.clock import Clock
from agentalk.postgres import EmbeddedPostgres, PostgresError, default_data_dir, running_dsn, use
from agentalk.settings import Settings
from agentalk.store import dialers
from agentalk.store.database import Database, Unavailable
from agentalk.store.migrate import NewerSchema, migrate

# A database that starts beside us may need a moment.
_PATIENCE_SECONDS = 10.0


class DatabaseAway(Exception):
    """The database cannot be reached; the message says which, without its password."""


def data_dir(settings: Settings) -> Path:
    """Where this installation's data lies."""
    return settings.data_dir or default_data_dir()


@contextlib.asynccontextmanager
async def database_url(settings: Settings, *, keep: bool = False) -> AsyncIterator[str]:
    """The URL of the database: `DATABASE_URL`, else the data folder's.

    The embedded server is ours to supervise if `keep`; else one that runs is used, and one that does not is started for
    the moment. Raises `PostgresError`.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    if not keep:
        async with use(data_dir(settings)) as url:
            yield url
        return
    server = EmbeddedPostgres(data_dir(settings))
    url = await server.start()
    try:
        yield url
    finally:
        await server.stop()


async def running_url(settings: Settings) -> str:
    """The URL of a database that is there without our doing. Raises `DatabaseAway`."""
    if settings.database_url is not None:
        return settings.database_url
    url = await running_dsn(data_dir(settings))
    if url is None:
        raise DatabaseAway(f"No server is running on {data_dir(settings)}. Start one with `agentalk serve`.")
    return url


async def after_restore(url: str) -> None:
    """Have the next dialer ask its carriers what they have placed since the backup, before it dials."""
    database = Database(url)
    await database.open()
    try:
        await database.run(dialers.fence_all, Clock().now())
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def open_database(settings: Settings, *, keep: bool = False) -> AsyncIterator[Database]:
    """The database, its schema up to date. Raises `DatabaseAway`, `PostgresError`."""
    async with database_url(settings, keep=keep) as url:
        await _migrate(url)
        database = Database(url)
        try:
            await database.open()
        except Unavailable as error:
            raise _away(url, error) from error
        try:
            yield database
        finally:
            await database.close()


async def _migrate(url: str) -> None:
    """Migrate as soon as the database is there."""
    loop = asyncio.get_running_loop()
    patience_ends = loop.time() + _PATIENCE_SECONDS
    while True:
        try:
            await migrate(url)
            return
        except NewerSchema as error:
            raise PostgresError(str(error)) from error
        except Unavailable as error:
            if loop.time() >= patience_ends:
                raise _away(url, error) from error
            await asyncio.sleep(0.2)


def _away(url: str, error: Exception) -> DatabaseAway:
    parts = urlsplit(url)
    # A URL may name its host in the query, beside its password: then nothing of it is shown.
    place = f"{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else "DATABASE_URL"
    said = (str(error).splitlines() or [type(error).__name__])[0]
    return DatabaseAway(f"The database at {place} cannot be reached: {said.rstrip('.')}.")
