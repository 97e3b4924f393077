"""Commands of whoever runs Agentalk: they work in the database itself, and need no server and no token."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import typer

from agentalk.cli.environment import one_database
from agentalk.cli.exits import Exit, Failure
from agentalk.domain.errors import Refusal
from agentalk.postgres import PostgresError
from agentalk.store.database import Database
from agentalk.wiring.database import DatabaseAway, open_database

T = TypeVar("T")


def in_database(data_dir: Path | None, work: Callable[[Database], Awaitable[T]]) -> T:
    """Do `work` in the database: `DATABASE_URL`'s, or the data folder's, started for the moment if need be."""

    async def do() -> T:
        async with open_database(one_database(data_dir)) as database:
            return await work(database)

    return run(do)


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Do `work` on a loop of its own; what the floors below refuse becomes a sentence."""

    async def do() -> T:
        return await work()

    try:
        return asyncio.run(do())
    except Refusal as refusal:
        raise Failure(refusal.detail) from None
    except DatabaseAway as error:
        raise Failure(str(error), Exit.UNREACHABLE) from None
    except PostgresError as error:
        raise Failure(str(error)) from None


def checked(kind: type[T], **fields: object) -> T:
    """A value made of options that were given, within the bounds of its type."""
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(str(error)) from None
