"""The API as one application. How to add an operation:

1. `operations/NOUN.py` holds what it does:
   `async def create(tx: Tx, org: OrgId, draft: NewAgent, now: datetime) -> Agent`.
   It raises `Invalid`, `NotFound`, `Conflict`, … (domain/errors.py) and knows nothing of HTTP.
2. `api/NOUN.py` holds a thin handler; see `api/endpoint.py` for what its signature may ask for:

       @patch("/api/agents/{agent_id}", summary="Change an agent", tag="Agents")
       async def agents_update(
           tx: Tx, caller: Caller, agent_id: AgentId, body: AgentPatch, seen: datetime | None, now: datetime
       ) -> Agent:
           '''The description, in Markdown.'''
           return await agents.change(tx, caller.org, agent_id, body, seen, now)

3. `handlers = [...]` at the end of api/NOUN.py; add the module to `_NOUNS` below.

Every struct in a body or query has `forbid_unknown_fields=True`; bounds are `Annotated[…, msgspec.Meta(…)]`; times are
`Moment` (domain/moment.py), made UTC by `in_utc`. Lists take `query: Page` (or `DeepPage`, with a cursor) and return
`listing(rows, total, query)`. `caller.org` is whose data to read or change (None: a superuser who named no
organization: everyone's), `caller.own` where to create. A body is at most 64 KiB, or `most=LIST` (16 MiB) where a list
is expected, or a file (`body: Upload`).
Bad input, roles, ETags, Idempotency-Key, documentation (/openapi.json, /docs) follow from the signature.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.plugins import PluginProtocol

from agentalk.api import (
    agents,
    audit,
    calls,
    campaign_contacts,
    campaigns,
    carriers,
    contacts,
    do_not_call,
    errors,
    events,
    headers,
    health,
    opt_outs,
    options,
    organizations,
    reference,
    tokens,
)
from agentalk.api.door import Door
from agentalk.domain.clock import Clock
from agentalk.store.database import Database

_NOUNS = (
    campaigns,
    campaign_contacts,
    events,
    contacts,
    opt_outs,
    do_not_call,
    calls,
    agents,
    carriers,
    organizations,
    tokens,
    audit,
)


class _Application(Litestar):
    """Without Litestar's usual plugins: bodies and answers are read and written by `endpoint`, and where pydantic is
    installed, as for development, loading it takes longer than all else here.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return plugins


def operations() -> list[HTTPRouteHandler]:
    """The handler of every operation."""
    return [handler for noun in _NOUNS for handler in noun.handlers]


def build_app(
    database: Database, clock: Clock, *, rate_limit: float = 100.0, extra_routes: Sequence[Any] = ()
) -> Litestar:
    """The API over an open database.

    `rate_limit` is in requests per second and token, 0 for none. `extra_routes` are Litestar handlers or routers to
    serve beside it.
    """
    door = Door(database, clock, rate_limit)
    documentation = reference.handlers([handler.opt["endpoint"] for handler in operations()])

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        yield
        await app.state.door.usage.settle()

    return _Application(
        [*options.handlers(operations()), *operations(), *documentation, health.healthz, health.readyz, *extra_routes],
        state=State({"door": door}),
        exception_handlers={Exception: errors.answer},
        before_send=[headers.complete],
        lifespan=[lifespan],
        openapi_config=None,
        logging_config=None,
    )
