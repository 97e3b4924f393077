"""The least that answers a list: an ASGI app with the same two statements on the same driver, and nothing else.

Run by `uvicorn bench.bare:app`; `BARE_DSN` is the database, `BARE_TOKEN` the digest that it looks up, `BARE_ORG` whose.
"""

import os
from typing import Any
from uuid import UUID

import msgspec
from psycopg_pool import AsyncConnectionPool

from agentalk.store.campaigns import SQL as CAMPAIGNS
from agentalk.store.tokens import SQL as TOKENS

_ORG = UUID(os.environ.get("BARE_ORG", "00000000-0000-0000-0000-000000000000"))
_DIGEST = bytes.fromhex(os.environ.get("BARE_TOKEN", ""))
_encode = msgspec.json.Encoder().encode
_pool: list[AsyncConnectionPool] = []


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer any request with the first fifty campaigns."""
    if scope["type"] == "lifespan":
        await receive()
        _pool.append(
            AsyncConnectionPool(
                os.environ["BARE_DSN"], min_size=1, max_size=10, open=False, kwargs={"autocommit": True}
            )
        )
        await _pool[0].open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await _pool[0].close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    async with _pool[0].connection() as connection, connection.cursor(binary=True) as cursor:
        await cursor.execute(TOKENS["find"], {"digest": _DIGEST})
        await cursor.fetchone()
        await cursor.execute(CAMPAIGNS["page"], {"org": _ORG, "status": None, "limit": 50, "offset": 0})
        rows = await cursor.fetchall()
    body = _encode({"data": rows})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
