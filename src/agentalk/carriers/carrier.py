"""What the engine asks of a carrier, and the values that cross between them.

A carrier places calls and reports what becomes of them. Its answer to `place` is one of three, because the engine's
promise rests on telling them apart: it rang or will ring (`Accepted`), it certainly will not (`Refused`), or nobody
knows (`Unsure`). An adapter that is in doubt must say `Unsure`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import msgspec

from agentalk.domain.call import CallEvent
from agentalk.domain.ids import CallId


class Placement(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One call to place.

    `phone` and `caller_id` are E.164. `call_id` is our own id of the attempt: the carrier hands it back with every
    event and finds the call by it. The messages are what the agent says, for carriers that bring their own agent.
    """

    call_id: CallId
    phone: str
    caller_id: str | None
    ring_seconds: int
    first_message: str
    voicemail_message: str


class Accepted(msgspec.Struct, frozen=True, rename="camel"):
    """The carrier took the call and gave it an id of its own."""

    carrier_call_id: str


class Refused(msgspec.Struct, frozen=True):
    """The carrier certainly placed nothing. `reason` is its short code, `slow_down` a request to wait (429)."""

    reason: str
    slow_down: bool = False


class Unsure(msgspec.Struct, frozen=True):
    """The request may have been heard: it timed out, the connection broke, or the carrier failed on its side."""

    reason: str


class Absent(msgspec.Struct, frozen=True):
    """The carrier is certain that it never placed such a call."""


class Found(msgspec.Struct, frozen=True, rename="camel"):
    """The carrier knows the call: its id, and every event of it so far, in order."""

    carrier_call_id: str
    events: tuple[CallEvent, ...]


class Listed(msgspec.Struct, frozen=True, rename="camel"):
    """A placement in the carrier's own list: for which call of ours, to which number, when, and what is known of it."""

    call_id: CallId
    phone: str
    caller_id: str | None
    placed_at: datetime
    found: Found


PlaceAnswer = Accepted | Refused | Unsure
FindAnswer = Found | Absent | Unsure
EventSink = Callable[[CallEvent], None]


class Carrier(Protocol):
    """An account that can place calls. No method raises for what the network does: the answer says it.

    `absent_proves_after` is how long `Absent` must have been the answer to `find` before it proves that nothing will
    ring: a request that broke off may still be on its way, or wait in front of the carrier, for as long.
    """

    kind: str
    absent_proves_after: timedelta

    async def place(self, placement: Placement, now: datetime) -> PlaceAnswer:
        """Place one call. Returns once the carrier has taken or refused it, not when the callee answers."""

    async def find(self, call_id: CallId, now: datetime) -> FindAnswer:
        """Look a call up by our id. `Absent` is a proof, `Unsure` means ask again."""

    async def hangup(self, carrier_call_id: str, now: datetime) -> None:
        """Ask for a call's end; the end itself arrives as an event. Unknown or ended calls are ignored."""

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> list[CallEvent]:
        """The events in a status callback. Raises `ForgedCallback` for its signature, `BadCallback` for its body."""

    async def close(self) -> None:
        """Release connections and tasks. Calls in progress are left to the carrier."""


@runtime_checkable
class Lists(Protocol):
    """A carrier that can also tell what it has placed: then a restored database is brought up to date."""

    async def placed_since(self, moment: datetime, now: datetime) -> tuple[Listed, ...] | Unsure:
        """Every call placed at `moment` or later, in the order in which they were placed."""


class ForgedCallback(Exception):
    """The callback is not signed by the carrier."""


class BadCallback(Exception):
    """The callback is signed, and cannot be read."""
