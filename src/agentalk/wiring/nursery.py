"""Tasks that live as long as a block does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def nursery() -> AsyncIterator[asyncio.TaskGroup]:
    """A TaskGroup whose first error comes out as itself, not in a group: a person is told one thing that went wrong."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        raise _first(group) from None


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
