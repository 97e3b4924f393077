"""The simulator as a carrier in another process, over HTTP."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

import msgspec

from agentalk.carriers.carrier import (
    Absent,
    Accepted,
    FindAnswer,
    Found,
    Listed,
    PlaceAnswer,
    Placement,
    Refused,
    Unsure,
)
from agentalk.carriers.simulator import wire
from agentalk.carriers.simulator.connection import Broken, Connections, NotSent, Reply
from agentalk.domain.call import CallEvent
from agentalk.domain.ids import CallId

Kind = TypeVar("Kind")

_accepted = msgspec.json.Decoder(Accepted)
_found = msgspec.json.Decoder(Found)
_listed: msgspec.json.Decoder[tuple[Listed, ...]] = msgspec.json.Decoder(tuple[Listed, ...])
_problem = msgspec.json.Decoder(wire.Problem)


class SimulatorClient:
    """A carrier's account at `agentalk simulator`.

    Callbacks for the calls go to `callback_url`, signed with `secret`. A request that waits longer than `timeout`
    seconds for its reply is in doubt.
    """

    kind = "simulator"
    # Longer than a connection that broke may still deliver what the kernel took from us (see `Connections`).
    absent_proves_after = timedelta(seconds=15)

    def __init__(
        self, base_url: str, *, callback_url: str, secret: str, timeout: float = 10.0, connections: int = 32
    ) -> None:
        self._connections = Connections(base_url, timeout=timeout, limit=connections)
        self._callback_url = callback_url
        self._secret = secret
        self._encoder = msgspec.json.Encoder()

    async def place(self, placement: Placement, now: datetime) -> PlaceAnswer:  # noqa: ARG002
        """As the protocol says: only a whole reply below 500, or no connection at all, is a certainty."""
        request = wire.CallRequest(callback_url=self._callback_url, **msgspec.structs.asdict(placement))
        try:
            reply = await self._connections.request("POST", "/calls", self._encoder.encode(request))
        except NotSent:
            return Refused("unreachable_carrier", slow_down=True)
        except Broken as broken:
            return Unsure(str(broken))
        if reply.status == 201:
            return _decoded(_accepted, reply)
        if 400 <= reply.status < 500:
            return Refused(_code(reply), slow_down=reply.status == 429)
        return Unsure(_code(reply))

    async def find(self, call_id: CallId, now: datetime) -> FindAnswer:  # noqa: ARG002
        """As the protocol says: a 404 proves absence only in the simulator's own words."""
        try:
            reply = await self._connections.request("GET", f"/calls/{call_id}")
        except NotSent:
            return Unsure("unreachable_carrier")
        except Broken as broken:
            return Unsure(str(broken))
        if reply.status == 200:
            return _decoded(_found, reply)
        if reply.status == 404 and _code(reply) == wire.NO_SUCH_CALL:
            return Absent()
        return Unsure(_code(reply))

    async def placed_since(self, moment: datetime, now: datetime) -> tuple[Listed, ...] | Unsure:  # noqa: ARG002
        """As the protocol says."""
        try:
            reply = await self._connections.request("GET", f"/placements?since={quote(moment.isoformat())}")
        except NotSent:
            return Unsure("unreachable_carrier")
        except Broken as broken:
            return Unsure(str(broken))
        if reply.status != 200:
            return Unsure(_code(reply))
        listed: tuple[Listed, ...] | Unsure = _decoded(_listed, reply)
        return listed

    async def hangup(self, carrier_call_id: str, now: datetime) -> None:  # noqa: ARG002
        """As the protocol says. A request that got lost is not repeated: whoever asked sees that no end arrives."""
        try:
            await self._connections.request("POST", f"/calls/{quote(carrier_call_id, safe='')}/hangup")
        except (NotSent, Broken):
            return

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> list[CallEvent]:
        """As the protocol says."""
        return wire.read_callback(self._secret, headers, body)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()


def _decoded(decoder: msgspec.json.Decoder[Kind], reply: Reply) -> Kind | Unsure:
    try:
        return decoder.decode(reply.body)
    except msgspec.MsgspecError:
        return Unsure("garbled_reply")


def _code(reply: Reply) -> str:
    """The short code of a problem, or the status of a stranger's answer."""
    try:
        return _problem.decode(reply.body).code
    except msgspec.MsgspecError:
        return f"http_{reply.status}"
