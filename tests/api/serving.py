"""The API on a real socket over a fresh database, with clients for every kind of caller."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import uvicorn
from litestar import Litestar

from agentalk.api.app import build_app
from agentalk.api.door import Door
from agentalk.domain.clock import Clock
from agentalk.domain.ids import OrgId
from agentalk.domain.organization import Role
from agentalk.store.database import Database
from tests.builders import a_token, an_organization
from tests.conftest import NOW, LazyDatabase


class HeldClock(Clock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> datetime:
        self.moment += timedelta(**by)
        return self.moment


# One for all clients: making one takes longer than many a test.
_TLS = ssl.create_default_context()


@dataclass
class Api:
    """What a test of the API works with: each client sends the token of one kind of caller."""

    database: Database
    clock: HeldClock
    app: Litestar
    url: str
    org: OrgId
    other: OrgId
    nobody: httpx.AsyncClient
    read: httpx.AsyncClient
    write: httpx.AsyncClient
    admin: httpx.AsyncClient
    stranger: httpx.AsyncClient  # an admin of the other organization
    root: httpx.AsyncClient  # a superuser whose home is the first organization


# The same for all tests but for its door: to register all operations takes a fifth of a second.
_usual: list[Litestar] = []


def _app(database: Database, clock: Clock, settings: dict[str, Any]) -> Litestar:
    if settings:
        return build_app(database, clock, **{"rate_limit": 0, **settings})
    if not _usual:
        _usual.append(build_app(database, clock, rate_limit=0))
    _usual[0].state["door"] = Door(database, clock, 0)
    return _usual[0]


@asynccontextmanager
async def serving(db: LazyDatabase, **settings: Any) -> AsyncIterator[Api]:
    """Serve the API for one test. `settings` go to `build_app`; there is no rate limit unless they say so."""
    clock = HeldClock()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(db())
        async with database.transaction() as tx:
            org, other = await an_organization(tx), await an_organization(tx, "Other")
            tokens = {
                "read": await a_token(tx, org, Role.READ),
                "write": await a_token(tx, org, Role.WRITE),
                "admin": await a_token(tx, org, Role.ADMIN),
                "stranger": await a_token(tx, other, Role.ADMIN),
                "root": await a_token(tx, org, Role.ADMIN, superuser=True),
            }
        app = _app(database, clock, settings)
        url = await stack.enter_async_context(listening(app))
        clients = {"nobody": await stack.enter_async_context(httpx.AsyncClient(verify=_TLS, base_url=url))}
        for name, token in tokens.items():
            headers = {"Authorization": f"Bearer {token.token}"}
            clients[name] = await stack.enter_async_context(
                httpx.AsyncClient(verify=_TLS, base_url=url, headers=headers)
            )
        yield Api(database=database, clock=clock, app=app, url=url, org=org, other=other, **clients)


@asynccontextmanager
async def listening(app: Litestar) -> AsyncIterator[str]:
    """The application under uvicorn on a free port of the loopback; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
        task = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a response, which must be whole and of this status and code."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert told["code"] == code, told
    assert told["status"] == status
    assert told["requestId"] == response.headers["x-request-id"]
    assert told["type"] == f"/docs#{code}"
    assert told["title"] and told["detail"]
    return told


def fields(response: httpx.Response, status: int = 400, code: str = "invalid") -> list[str]:
    """The fields that a refusal names."""
    return [error["field"] for error in problem(response, status, code)["errors"]]
