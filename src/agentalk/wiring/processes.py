"""The processes: everything in one, or single roles."""

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

from agentalk.api.app import build_app
from agentalk.domain.clock import Clock
from agentalk.gateway import build_router
from agentalk.settings import Settings
from agentalk.store.database import Database
from agentalk.wiring.carriers import CarrierPlan, open_carriers
from agentalk.wiring.database import data_dir, open_database
from agentalk.wiring.engine import Switchboard, engine
from agentalk.wiring.nursery import nursery
from agentalk.wiring.web import listening, url_of, web


@dataclass(frozen=True)
class Running:
    """A process that is up. `url` is where the API answers, None for one without."""

    database: Database
    url: str | None = None


@contextlib.asynccontextmanager
async def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    clock: Clock,
    public_url: str | None = None,
    mix: bytes | None = None,
) -> AsyncIterator[Running]:
    """Everything: database, API, callbacks, engine; ready on entry.

    Raises `PortTaken`, `DatabaseAway`, `PostgresError`, `Unusable`, `ServerFailed`.
    """
    with listening(host, port) as sock:
        url = url_of(sock)
        async with _everything(settings, sock, clock, public_url or url, mix) as database:
            yield Running(database, url)


@contextlib.asynccontextmanager
async def _everything(
    settings: Settings, sock: socket.socket, clock: Clock, public_url: str, mix: bytes | None
) -> AsyncIterator[Database]:
    switchboard = Switchboard()
    async with open_database(settings, keep=True) as database:
        plan = CarrierPlan(settings=settings, folder=data_dir(settings), public_url=public_url, mix=mix)
        async with open_carriers(plan, clock, switchboard.hear) as carriers, nursery() as tasks:
            routes = [build_router(database, carriers, clock)]
            app = build_app(database, clock, rate_limit=settings.rate_limit, extra_routes=routes)
            # The dialer goes last and comes back first: callbacks are taken as long as it drains.
            async with web(app, sock, tasks), engine(database, carriers, clock, switchboard, tasks):
                yield database


@contextlib.asynccontextmanager
async def serve_api(settings: Settings, *, host: str, port: int, clock: Clock) -> AsyncIterator[Running]:
    """The API and the callbacks alone."""
    with listening(host, port) as sock:
        url = url_of(sock)
        plan = CarrierPlan(settings=settings, folder=data_dir(settings), public_url=url)
        async with open_database(settings) as database, contextlib.AsyncExitStack() as stack:
            # Carriers within a process belong to a process with an engine.
            carriers = (
                await stack.enter_async_context(open_carriers(plan, clock, Switchboard().hear))
                if settings.simulator_url
                else {}
            )
            tasks = await stack.enter_async_context(nursery())
            routes = [build_router(database, carriers, clock)]
            app = build_app(database, clock, rate_limit=settings.rate_limit, extra_routes=routes)
            await stack.enter_async_context(web(app, sock, tasks))
            yield Running(database, url)


@contextlib.asynccontextmanager
async def dial(settings: Settings, *, clock: Clock, public_url: str | None) -> AsyncIterator[Running]:
    """The engine alone."""
    switchboard = Switchboard()
    plan = CarrierPlan(settings=settings, folder=data_dir(settings), public_url=public_url)
    async with (
        open_database(settings) as database,
        open_carriers(plan, clock, switchboard.hear) as carriers,
        nursery() as tasks,
        engine(database, carriers, clock, switchboard, tasks),
    ):
        yield Running(database)
