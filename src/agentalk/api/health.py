"""Whether the process lives, and whether it can work."""

import asyncio
from datetime import timedelta
from typing import Any

from litestar import Request, get
from litestar.types import ASGIApp

from agentalk.api.answers import Answer
from agentalk.api.door import Door
from agentalk.api.errors import Away
from agentalk.store import calls
from agentalk.store.database import Unavailable
from agentalk.store.migrate import pending

_PATIENCE = 2.0
# By then what a crash or a slow carrier left in doubt is known.
_STUCK = timedelta(minutes=1)


@get("/healthz", name="healthz")
async def healthz() -> ASGIApp:
    """The process lives."""
    return Answer(200, b'{"status":"ok"}')


@get("/readyz", name="readyz")
async def readyz(request: Request[Any, Any, Any]) -> ASGIApp:
    """The database answers, and its schema is this version's. The API is as ready as ever while calls are stuck (see
    `dialer/alarm.py`); how many are, is told.
    """
    door: Door = request.app.state.door
    try:
        async with asyncio.timeout(_PATIENCE), door.database.reading() as tx:
            lacking = await pending(tx)
            stuck = 0 if lacking else await calls.count_stuck(tx, door.clock.now() - _STUCK)
    except Unavailable:
        raise Away("The database cannot be reached.") from None
    if lacking:
        raise Away("The database lacks migrations. Run `agentalk db migrate`.")
    return Answer(200, b'{"status":"ready","stuckCalls":%d}' % stuck)
