"""A handler is a function over a transaction; its signature says everything else.

    @post("/api/agents", summary="Create an agent", tag="Agents", status=201)
    async def agents_create(tx: Tx, caller: Caller, body: NewAgent, now: datetime) -> Agent:
        '''What stands here is the operation's description.'''
        return await agents.create(tx, caller.own, body, now)

What a handler may ask for, by name: `tx`, `caller`, `now`, `body` (a struct; `| None` makes it optional; `Upload` for a
file), `query` (a struct, as `Page`), `seen` (the `updated_at` that `If-Match` names, or None), the path's parameters.
A GET runs on a connection in autocommit, everything else in a transaction that is run again if it collided.
"""

import inspect
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, NewType, get_args, get_type_hints
from uuid import UUID

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from agentalk.api.answers import Answer, answer
from agentalk.api.auth import Caller, credentials, read_uuid
from agentalk.api.body import SMALL, Received, Upload, read_json, read_upload
from agentalk.api.door import Door, read_key, read_seen
from agentalk.api.query import NoQuery, read_query
from agentalk.domain.errors import Invalid
from agentalk.domain.organization import Role
from agentalk.store.database import Tx

Handler = Callable[..., Any]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One operation: all that is needed to serve it and to document it."""

    method: Method
    path: str
    handler: Handler
    summary: str
    tag: str
    role: Role
    status: int
    also: tuple[int, ...]
    most: int
    media_types: tuple[str, ...]
    wants: frozenset[str]
    path_types: Mapping[str, Any]
    query: Any
    body: Any
    body_required: bool
    answer: Any
    kept: Callable[[Any], Any] | None
    decoder: msgspec.json.Decoder[Any]

    async def serve(self, request: Request[Any, Any, Any]) -> Answer:
        """Answer one request."""
        door: Door = request.app.state.door
        now = door.clock.now()
        if self.method != "GET":
            return await self._write(door, request, now)
        given = credentials(request.scope)
        async with door.database.reading() as tx:
            caller = await door.admit(tx, request.scope, given, self.role, now)
            value = await self.handler(tx=tx, **self._arguments(request, caller, now))
        return answer(value, self.status)

    async def _write(self, door: Door, request: Request[Any, Any, Any], now: datetime) -> Answer:
        caller = await door.admit_writer(request.scope, self.role, now)
        key = read_key(request.scope) if self.method == "POST" else None
        arguments = self._arguments(request, caller, now)
        received = await self._read_body(request)
        if "body" in self.wants:
            arguments["body"] = received.value
        if "seen" in self.wants:
            arguments["seen"] = read_seen(request.scope)

        async def work(tx: Tx) -> Answer:
            if isinstance(received.value, Upload):
                received.value.file.seek(0)
            value = await self.handler(tx=tx, **arguments)
            told = answer(value, self.status)
            if self.kept:
                told.kept = answer(self.kept(value), self.status).body
            return told

        try:
            if key is None:
                return await door.database.run(work)
            return await door.once(request.scope, caller, key, received.digest, now, work)
        finally:
            if isinstance(received.value, Upload):
                received.value.file.close()

    def _arguments(self, request: Request[Any, Any, Any], caller: Caller, now: datetime) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        for name, kind in self.path_types.items():
            arguments[name] = _path_value(name, request.path_params[name], kind)
        query = read_query(request.scope["query_string"], self.query)
        if "query" in self.wants:
            arguments["query"] = query
        if "caller" in self.wants:
            arguments["caller"] = caller
        if "now" in self.wants:
            arguments["now"] = now
        return arguments

    async def _read_body(self, request: Request[Any, Any, Any]) -> Received:
        if self.body is None:
            return Received(None, b"")
        if self.body is Upload:
            return await read_upload(request.scope, request.receive, self.media_types, self.most)
        received = await read_json(request.scope, request.receive, self.decoder, self.most)
        if received.value is None and self.body_required:
            raise Invalid("A JSON body is required.")
        return received


def endpoint(
    method: Method,
    path: str,
    *,
    summary: str,
    tag: str,
    role: Role | None = None,
    status: int = 200,
    also: tuple[int, ...] = (),
    most: int = SMALL,
    media_types: tuple[str, ...] = ("text/csv",),
    kept: Callable[[Any], Any] | None = None,
) -> Callable[[Handler], HTTPRouteHandler]:
    """Make a handler an operation of the API; its name is the operation's id, its docstring the description.

    `role` is what the caller's token needs (by default read for GET, else write). `also` are statuses that a `Reply`
    may choose. `most` bounds the body in bytes. `kept` makes of the value what an Idempotency-Key may keep of it.
    """

    def register(handler: Handler) -> HTTPRouteHandler:
        hints = get_type_hints(handler, include_extras=True)
        names = inspect.signature(handler).parameters
        body, required = _optional(hints.get("body"))
        made = Endpoint(
            method=method,
            path=path,
            handler=handler,
            summary=summary,
            tag=tag,
            role=role or (Role.READ if method == "GET" else Role.WRITE),
            status=status,
            also=also,
            most=most,
            media_types=media_types,
            wants=frozenset(names),
            path_types={name: hints[name] for name in names if "{" + name + "}" in path},
            query=hints.get("query", NoQuery),
            body=body,
            body_required=required,
            answer=hints["return"],
            kept=kept,
            decoder=msgspec.json.Decoder(body if body not in (None, Upload) else Any),
        )

        async def serve(request: Request[Any, Any, Any]) -> ASGIApp:
            return await made.serve(request)

        return HTTPRouteHandler(
            path.replace("}", ":str}"),
            http_method=method,
            name=handler.__name__,
            opt={"endpoint": made},
            status_code=200,  # of no effect: the answer has its own
        )(serve)

    return register


def get(path: str, **said: Any) -> Callable[[Handler], HTTPRouteHandler]:
    """`endpoint` for GET."""
    return endpoint("GET", path, **said)


def post(path: str, **said: Any) -> Callable[[Handler], HTTPRouteHandler]:
    """`endpoint` for POST."""
    return endpoint("POST", path, **said)


def put(path: str, **said: Any) -> Callable[[Handler], HTTPRouteHandler]:
    """`endpoint` for PUT."""
    return endpoint("PUT", path, **said)


def patch(path: str, **said: Any) -> Callable[[Handler], HTTPRouteHandler]:
    """`endpoint` for PATCH."""
    return endpoint("PATCH", path, **said)


def delete(path: str, **said: Any) -> Callable[[Handler], HTTPRouteHandler]:
    """`endpoint` for DELETE."""
    return endpoint("DELETE", path, **said)


def _optional(body: Any) -> tuple[Any, bool]:
    kinds = get_args(body)
    if type(None) in kinds:
        return next(kind for kind in kinds if kind is not type(None)), False
    return body, True


def _path_value(name: str, text: str, kind: Any) -> Any:
    plain = kind.__supertype__ if isinstance(kind, NewType) else kind
    if plain is UUID:
        return read_uuid(name, text)
    if "\0" in text:
        raise Invalid.field(name, "holds a NUL character")
    return text
