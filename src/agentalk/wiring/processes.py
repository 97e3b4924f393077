"""The processes: everything in one, or single roles."""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
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
    """A process that is up. `url` is where the API answers, empty for one without."""

    database: Database
    clock: Clock
    url: str = ""


@contextlib.asynccontextmanager
async def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    make_clock: Callable[[], Clock] = Clock,
    public_url: str | None = None,
) -> AsyncIterator[Running]:
    """Everything: database, API, callbacks, engine; ready on entry. The clock is made once the database is up.

    Raises `PortTaken`, `DatabaseAway`, `PostgresError`, `Unusable`, `ServerFailed`.
    """
    with listening(host, port) as sock:
        url = url_of(sock)
        async with _everything(settings, sock, make_clock, public_url or url) as (database, clock):
            yield Running(database, clock, url)


@contextlib.asynccontextmanager
async def _everything(
    settings: Settings, sock: socket.socket, make_clock: Callable[[], Clock], public_url: str
) -> AsyncIterator[tuple[Database, Clock]]:
    switchboard = Switchboard()
    async with open_database(settings, keep=True) as database:
        clock = make_clock()
        plan = CarrierPlan(settings=settings, folder=data_dir(settings), public_url=public_url)
        async with (
            database.for_engine() as fast,
            open_carriers(plan, clock, switchboard.hear) as carriers,
            nursery() as tasks,
        ):
            routes = [build_router(fast, carriers, clock)]
            app = build_app(database, clock, rate_limit=settings.rate_limit, extra_routes=routes)
            # The dialer goes last and comes back first: callbacks are taken as long as it drains.
            async with web(app, sock, tasks), engine(fast, carriers, clock, switchboard, tasks):
                yield database, clock


@contextlib.asynccontextmanager
async def serve_api(settings: Settings, *, host: str, port: int) -> AsyncIterator[Running]:
    """The API and the callbacks alone."""
    clock = Clock()
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
            fast = await stack.enter_async_context(database.for_engine())
            tasks = await stack.enter_async_context(nursery())
            routes = [build_router(fast, carriers, clock)]
            app = build_app(database, clock, rate_limit=settings.rate_limit, extra_routes=routes)
            await stack.enter_async_context(web(app, sock, tasks))
            yield Running(database, clock, url)


@contextlib.asynccontextmanager
async def dial(settings: Settings, *, public_url: str | None) -> AsyncIterator[Running]:
    """The engine alone."""
    clock = Clock()
    switchboard = Switchboard()
    plan = CarrierPlan(settings=settings, folder=data_dir(settings), public_url=public_url)
    async with (
        open_database(settings) as database,
        database.for_engine() as fast,
        open_carriers(plan, clock, switchboard.hear) as carriers,
        nursery() as tasks,
        engine(fast, carriers, clock, switchboard, tasks),
    ):
        yield Running(database, clock)
