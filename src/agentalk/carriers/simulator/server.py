"""The simulator as a process of its own: a carrier's HTTP API, its callbacks and its ledger.

It asks nobody who they are: it belongs on loopback.
"""

import socket
import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar, assert_never
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
import uvicorn
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
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
# What an ASGI application is called with; the loose types are the protocol's own.
Scope = dict[str, Any]
Receive = Callable[[], Any]
Send = Callable[[Any], Any]

JSON, NDJSON = "application/json", "application/x-ndjson"
# An idle connection is kept longer than a client is likely to pause between two calls (seconds).
KEEP_ALIVE = 75
# What requests that never end may delay a shutdown by (seconds).
PARTING = 1

_call_request = msgspec.json.Decoder(wire.CallRequest)
_mix = msgspec.json.Decoder(Mix)
_faults = msgspec.json.Decoder(Faults)
_encoder = msgspec.json.Encoder()


class Answer(msgspec.Struct, frozen=True):
    """A whole answer."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Misbehaviour(msgspec.Struct, frozen=True):
    """In place of an answer: silence, or a reset."""

    fault: Fault


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

    def stats(self) -> "Stats":
        """Counts."""
        ledger = self.exchange.ledger
        return Stats(
            placed=len(ledger),
            live=len(ledger.live()),
            duplicates=len(ledger.duplicates()),
            faults=dict(self.exchange.faults_shown),
            events_sent=self.callbacks.sent,
            events_waiting=self.callbacks.waiting,
            events_given_up=self.callbacks.given_up,
            retries=self.callbacks.retries,
        )

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


class App:
    """The simulator's API as an ASGI application, by hand: a web framework would cost three times what a call costs.

    It reports calls while its lifespan lasts; the ledger stays with whoever opened it.
    """

    def __init__(self, make: Callable[[], Simulator]) -> None:
        self._make = make
        self._simulator: Simulator | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one connection's lifespan or request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._simulator is not None:
            try:
                answer = await _answer(self._simulator, scope, await _whole(receive))
            except BadBody as error:
                answer = _json(400, wire.Problem(Fault.BAD_REQUEST, str(error)))
            if isinstance(answer, Misbehaviour):
                await _misbehave(answer.fault, scope, receive)
            else:
                await _tell(answer, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        # Here and not sooner: the carrier's timer belongs to the running loop.
        self._simulator = self._make()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._simulator.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _answer(simulator: Simulator, scope: Scope, body: bytes) -> Answer | Misbehaviour:
    exchange, now = simulator.exchange, simulator.clock.now()
    match scope["method"], scope["path"].split("/")[1:]:
        case "POST", ["calls"]:
            return await _place(simulator, _decoded(_call_request, body))
        case "GET", ["calls", id] if call_id := _call_id(id):
            found = exchange.find(call_id, now)
            return _json(404, wire.Problem(wire.NO_SUCH_CALL)) if isinstance(found, Absent) else _json(200, found)
        case "POST", ["calls", carrier_call_id, "hangup"]:
            await simulator.carrier.hangup(carrier_call_id, now)
            return _json(202, {})
        case "GET", ["ledger"]:
            return _ledger(exchange.ledger, scope["query_string"])
        case "GET", ["placements"]:
            return _json(200, exchange.placed_since(_since(scope["query_string"]), now))
        case "GET", ["stats"]:
            return _json(200, simulator.stats())
        # What the body leaves out of a mix takes its default, and of faults does not happen; both from now on.
        case "PUT", ["mix"]:
            exchange.mix = _decoded(_mix, body)
            return _json(200, exchange.mix)
        case "PUT", ["faults"]:
            exchange.faults = _decoded(_faults, body)
            return _json(200, exchange.faults)
        case "GET", ["healthz"]:
            return _json(200, {"status": "ok"})
        case _:
            return _json(404, wire.Problem("not_found"))


async def _place(simulator: Simulator, body: wire.CallRequest) -> Answer | Misbehaviour:
    """Place a call, or misbehave."""
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
            return _json(429, wire.Problem(answer.fault), ((b"retry-after", b"1"),))
        case Fault.BAD_REQUEST:
            return _json(400, wire.Problem(answer.fault))
        case Fault.SERVER_ERROR | Fault.SERVER_ERROR_PLACED:
            return _json(500, wire.Problem(Fault.SERVER_ERROR))
        case Fault.RESET | Fault.RESET_PLACED | Fault.ACCEPT_THEN_TIMEOUT:
            return Misbehaviour(answer.fault)
    assert_never(answer.fault)


def _ledger(ledger: Ledger, query: bytes) -> Answer:
    """Every placement, or those of one call: one JSON object a line, in the order in which they were made."""
    asked = parse_qs(query.decode()).get("callId")
    call_id = _call_id(asked[0]) if asked else None
    if asked and call_id is None:
        raise BadBody("callId must be a UUID.")
    return Answer(200, _encoder.encode_lines(ledger.rows(call_id)), NDJSON)


def _since(query: bytes) -> datetime:
    """The moment that is asked for."""
    asked = parse_qs(query.decode()).get("since", [""])[0]
    try:
        return msgspec.convert(asked, Moment)
    except msgspec.ValidationError:
        raise BadBody("since must be a time with an offset, as 2026-03-01T09:00:00Z.") from None


def build_app(*, clock: Clock, ledger: Ledger, secret: str, mix: Mix | None = None, faults: Faults = NO_FAULTS) -> App:
    """The simulator's API."""
    return App(lambda: Simulator(clock=clock, ledger=ledger, mix=mix or Mix(), faults=faults, secret=secret))


def web_server(app: App) -> uvicorn.Server:
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


async def _misbehave(fault: Fault, scope: Scope, receive: Receive) -> None:
    """Answer nothing until the client gives up; for a reset, break the connection first."""
    if fault is not Fault.ACCEPT_THEN_TIMEOUT:
        transport = scope["extensions"]["connection"]["transport"]
        # Lingering for no time is what turns a close into a reset.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _whole(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def _tell(answer: Answer, send: Send) -> None:
    headers = [(b"content-type", answer.media_type.encode()), (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": [*headers, *answer.headers]})
    await send({"type": "http.response.body", "body": answer.body})


def _decoded(decoder: msgspec.json.Decoder[Body], body: bytes) -> Body:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadBody(str(error)) from error


def _call_id(text: str) -> CallId | None:
    try:
        return CallId(UUID(text))
    except ValueError:
        return None


def _json(status: int, content: object, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return Answer(status, _encoder.encode(content), JSON, headers)
