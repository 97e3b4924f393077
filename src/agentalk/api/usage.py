"""When a token was last used: noted at most once a minute, and never while a request waits."""

import asyncio
from datetime import datetime, timedelta

import structlog

from agentalk.domain.ids import TokenId
from agentalk.domain.organization import Token
from agentalk.operations import tokens
from agentalk.store.database import Database, Unavailable

log = structlog.get_logger()

_AT_MOST_EVERY = timedelta(minutes=1)


class Usage:
    """Writes `last_used_at` in the background."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writing: dict[TokenId, asyncio.Task[None]] = {}

    def note(self, token: Token, now: datetime) -> None:
        """The token was used at `now`."""
        fresh = token.last_used_at is not None and now - token.last_used_at < _AT_MOST_EVERY
        if not fresh and token.id not in self._writing:
            self._writing[token.id] = asyncio.create_task(self._write(token.id, now))

    async def settle(self) -> None:
        """Wait until everything noted so far is written."""
        while self._writing:
            await asyncio.wait(set(self._writing.values()))

    async def _write(self, id: TokenId, now: datetime) -> None:
        try:
            async with self._database.transaction() as tx:
                await tokens.touch(tx, id, now)
        except Unavailable as error:
            log.warning("last use of a token not noted", token_id=str(id), error=type(error).__name__)
        finally:
            del self._writing[id]
