"""Status callbacks: verified by the carrier's adapter, recorded in batches, and acknowledged only once committed."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from litestar import Request, Response, Router, post

from agentalk.carriers.carrier import BadCallback, Carrier, ForgedCallback
from agentalk.domain.call import Report
from agentalk.domain.clock import Clock
from agentalk.operations.reports import record
from agentalk.store.batch import Batch
from agentalk.store.database import Database, Unavailable

log = structlog.get_logger(__name__)

_MOST_BYTES = 1024 * 1024


def build_router(database: Database, carriers: Mapping[str, Carrier], clock: Clock) -> Router:
    """Routes under `/gateway`: `POST /gateway/{kind}/callbacks` for each kind of carrier.

    204 means recorded; a carrier repeats anything else, except 400 (not readable), 401 (forged) and 404 (no such kind).
    """

    def recorder(kind: str) -> Callable[[Sequence[Report]], Awaitable[list[None]]]:
        async def work(received: Sequence[Report]) -> list[None]:
            await database.run(record, kind, received, clock.now(), random.random)
            return [None] * len(received)

        return work

    batches = {kind: Batch(recorder(kind)) for kind in carriers}

    @post("/{kind:str}/callbacks", include_in_schema=False, opt={"public": True})
    async def callbacks(kind: str, request: Request[Any, Any, Any]) -> Response[None]:
        carrier = carriers.get(kind)
        if carrier is None:
            return Response(None, status_code=404)
        body = await request.body()
        try:
            if len(body) > _MOST_BYTES:
                raise BadCallback
            reports = carrier.read_callback(request.headers, body)
        except ForgedCallback:
            log.warning("forged callback refused", carrier=kind)
            return Response(None, status_code=401)
        except BadCallback:
            log.warning("unreadable callback refused", carrier=kind)
            return Response(None, status_code=400)
        try:
            await asyncio.gather(*(batches[kind].add(report) for report in reports))
        except Unavailable:
            return Response(None, status_code=503)
        return Response(None, status_code=204)

    return Router("/gateway", route_handlers=[callbacks])
