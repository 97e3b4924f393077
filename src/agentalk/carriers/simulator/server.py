"""The simulator as a process of its own: a carrier's HTTP API, its callbacks and its ledger.

It asks nobody who they are: it belongs on loopback.
"""

import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar, assert_never, cast
from uuid import UUID

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, QueryParameter
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from agentalk.carriers.carrier import Absent, Accepted
from agentalk.carriers.simulator import wire
from agentalk.carriers.simulator.callbacks import Callbacks, can_be_called_back
from agentalk.carriers.simulator.faults import NO_FAULTS, Fault, Faults
from agentalk.carriers.simulator.inprocess import SimulatedCarrier
from agentalk.carriers.simulator.ledger import Ledger
from agentalk.carriers.simulator.world import Mix
from agentalk.domain.call import CallEvent
from agentalk.domain.clock import Clock
from agentalk.domain.ids import CallId

Body = TypeVar("Body")
WebRequest = Request[Any, Any, State]

NDJSON = "application/x-ndjson"
# An idle connection is kept longer than a client is likely to pause between two calls (seconds).
KEEP_ALIVE = 75
# What requests that never end may delay a shutdown by (seconds).
PARTING = 1

_call_request = msgspec.json.Decoder(wire.CallRequest)
_mix = msgspec.json.Decoder(Mix)
_faults = msgspec.json.Decoder(Faults)
_encoder = msgspec.json.Encoder()


class Simulator:
    """What the routes share: the carrier, its clock, and its callbacks."""

    def __init__(self, *, clock: Clock, ledger: Ledger, mix: Mix, faults: Faults, secret: str) -> None:
        self.clock = clock
        self.callbacks = Callbacks(secret)
        self.carrier = SimulatedCarrier(clock=clock, sink=self._report, mix=mix, faults=faults, ledger=ledger)
        self.exchange = self.carrier.exchange

    def _report(self, event: CallEvent) -> None:
        placed = self.exchange.ledger.find(event.carrier_call_id)
        # A ledger of the in-process carrier knows no receiver.
        if placed is not None and placed.report_to:
            self.callbacks.send(placed.report_to, event)

    async def close(self) -> None:
        """Stop reporting."""
        await self.carrier.close()
        await self.callbacks.close()


class Stats(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Counts over the whole ledger (`placed`, `live`, `duplicates`) and of this process (the rest)."""

    placed: int
    live: int
    duplicates: int
    faults: dict[Fault, int]
    events_sent: int
    events_waiting: int
    events_given_up: int
    retries: int


class BadBody(Exception):
    """The body is not what the route takes."""


@post("/calls")
async def place(request: WebRequest, simulator: NamedDependency[Simulator]) -> ASGIApp:
    """Place a call, or misbehave."""
    body = await _read(request, _call_request)
    if not can_be_called_back(body.callback_url):
        raise BadBody("callbackUrl must be a URL that begins with http:// or https://.")
    answer = simulator.carrier.take(body, simulator.clock.now(), body.callback_url)
    match answer.fault:
        case None:
            return _json(201, Accepted(answer.carrier_call_id))
        case Fault.SLOW_REPLY:
            await simulator.clock.sleep(timedelta(seconds=simulator.exchange.faults.slow_reply_seconds))
            return _json(201, Accepted(answer.carrier_call_id))
        case Fault.TOO_MANY_REQUESTS:
            return _json(429, wire.Problem(answer.fault), {"Retry-After": "1"})
        case Fault.BAD_REQUEST:
            return _json(400, wire.Problem(answer.fault))
        case Fault.SERVER_ERROR | Fault.SERVER_ERROR_PLACED:
            return _json(500, wire.Problem(Fault.SERVER_ERROR))
        case Fault.RESET | Fault.RESET_PLACED:
            return reset
        case Fault.ACCEPT_THEN_TIMEOUT:
            return silence
    assert_never(answer.fault)


@get("/calls/{call_id:uuid}")
async def show(call_id: FromPath[UUID], simulator: NamedDependency[Simulator]) -> ASGIApp:
    """A call by the id of who placed it, with its events so far."""
    found = simulator.exchange.find(CallId(call_id), simulator.clock.now())
    return _json(404, wire.Problem(wire.NO_SUCH_CALL)) if isinstance(found, Absent) else _json(200, found)


@post("/calls/{carrier_call_id:str}/hangup")
async def hangup(carrier_call_id: FromPath[str], simulator: NamedDependency[Simulator]) -> ASGIApp:
    """End a call. One that is unknown or over is left as it is."""
    await simulator.carrier.hangup(carrier_call_id, simulator.clock.now())
    return _json(202, {})


@get("/ledger")
async def rows(
    simulator: NamedDependency[Simulator], call_id: Annotated[UUID | None, QueryParameter(name="callId")] = None
) -> ASGIApp:
    """Every placement, or those of one call: one JSON object a line, in the order in which they were made."""
    found = simulator.exchange.ledger.rows(None if call_id is None else CallId(call_id))
    return ASGIResponse(body=_encoder.encode_lines(found), media_type=NDJSON)


@get("/stats")
async def stats(simulator: NamedDependency[Simulator]) -> ASGIApp:
    """Counts."""
    ledger, callbacks = simulator.exchange.ledger, simulator.callbacks
    counts = Stats(
        placed=len(ledger),
        live=len(ledger.live()),
        duplicates=len(ledger.duplicates()),
        faults=dict(simulator.exchange.faults_shown),
        events_sent=callbacks.sent,
        events_waiting=callbacks.waiting,
        events_given_up=callbacks.given_up,
        retries=callbacks.retries,
    )
    return _json(200, counts)


@put("/mix")
async def set_mix(request: WebRequest, simulator: NamedDependency[Simulator]) -> ASGIApp:
    """Replace the mix, for calls placed from now on. What the body leaves out takes its default."""
    simulator.exchange.mix = await _read(request, _mix)
    return _json(200, simulator.exchange.mix)


@put("/faults")
async def set_faults(request: WebRequest, simulator: NamedDependency[Simulator]) -> ASGIApp:
    """Replace the faults, for calls placed from now on. What the body leaves out does not happen."""
    simulator.exchange.faults = await _read(request, _faults)
    return _json(200, simulator.exchange.faults)


@get("/healthz")
async def health() -> ASGIApp:
    """That the process answers."""
    return _json(200, {"status": "ok"})


def build_app(
    *, clock: Clock, ledger: Ledger, secret: str, mix: Mix | None = None, faults: Faults = NO_FAULTS
) -> Litestar:
    """The simulator's API. It reports calls while its lifespan lasts; the ledger stays with whoever opened it."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        # Here and not sooner: the carrier's timer belongs to the running loop.
        simulator = Simulator(clock=clock, ledger=ledger, mix=mix or Mix(), faults=faults, secret=secret)
        app.state.simulator = simulator
        yield
        await simulator.close()

    return Litestar(
        [place, show, hangup, rows, stats, set_mix, set_faults, health],
        dependencies={"simulator": Provide(_simulator, sync_to_thread=False)},
        exception_handlers={BadBody: _bad_body},
        lifespan=[lifespan],
        logging_config=None,
        openapi_config=None,
    )


def web_server(app: Litestar) -> uvicorn.Server:
    """A server for `app` that can also break a connection; run it on a listening socket."""
    config = uvicorn.Config(
        app,
        http=BreakableProtocol,
        lifespan="on",
        # The process has set up its logs; uvicorn's own settings would put theirs beside them.
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=PARTING,
    )
    return uvicorn.Server(config)


def run(
    *,
    host: str,
    port: int,
    clock: Clock,
    ledger: Path | None,
    secret: str,
    mix: Mix | None = None,
    faults: Faults = NO_FAULTS,
    announce: Callable[[str], None],
) -> None:
    """Serve until a signal. `announce` gets the URL once connections are taken; port 0 means any free one.

    Raises `OSError` if the port is taken, `LedgerTaken`, `DamagedLedger`.
    """
    kept = Ledger(ledger)
    app = build_app(clock=clock, ledger=kept, secret=secret, mix=mix, faults=faults)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=2048) as listening:
        name = f"[{host}]" if ":" in host else host
        announce(f"http://{name}:{listening.getsockname()[1]}")
        web_server(app).run(sockets=[listening])
    kept.close()


class BreakableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which also hands the application the connection, so that it can break it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"connection": {"transport": self.transport}}


async def silence(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    """Answer nothing until the client gives up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def reset(scope: Scope, receive: Receive, send: Send) -> None:
    """Break the connection with a TCP reset."""
    extensions = cast("dict[str, Any]", scope.get("extensions") or {})
    transport = extensions["connection"]["transport"]
    # Lingering for no time is what turns a close into a reset.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await silence(scope, receive, send)


async def _read(request: WebRequest, decoder: msgspec.json.Decoder[Body]) -> Body:
    # Not by the framework's own decoding, which takes "1" for 1.
    try:
        return decoder.decode(await request.body())
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadBody(str(error)) from error


def _json(status: int, content: object, headers: dict[str, str] | None = None) -> ASGIResponse:
    body = _encoder.encode(content)
    return ASGIResponse(body=body, status_code=status, media_type="application/json", headers=headers)


def _bad_body(_: WebRequest, error: BadBody) -> Response[wire.Problem]:
    return Response(wire.Problem(Fault.BAD_REQUEST, str(error)), status_code=400)


def _simulator(state: State) -> Simulator:
    return cast("Simulator", state.simulator)
