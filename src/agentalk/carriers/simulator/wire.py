"""What the simulator's server and its client say to each other, and how a callback is signed."""

import hmac
from collections.abc import Mapping

import msgspec

from agentalk.carriers.carrier import BadCallback, ForgedCallback, Placement
from agentalk.domain.call import CallEvent, EventType

SIGNATURE = "X-Simulator-Signature"
NO_SUCH_CALL = "no_such_call"


class CallRequest(Placement, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The body of `POST /calls`."""

    callback_url: str


class Problem(msgspec.Struct, frozen=True):
    """The body of an answer that is not a success."""

    code: str
    detail: str = ""


_callback = msgspec.json.Decoder(CallEvent | list[CallEvent])


def sign(secret: str, body: bytes) -> str:
    """The value of the `SIGNATURE` header for a callback's body."""
    return "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()


def read_callback(secret: str, headers: Mapping[str, str], body: bytes) -> list[CallEvent]:
    """The events in a callback: one object or an array of them. Raises `ForgedCallback`, `BadCallback`."""
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE.lower()), "")
    # As bytes: compare_digest refuses text that is not ASCII, and a forger may send any.
    if not hmac.compare_digest(given.encode(errors="replace"), sign(secret, body).encode()):
        raise ForgedCallback("The callback's signature is not the simulator's.")
    try:
        decoded = _callback.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadCallback(str(error)) from error
    if b"\\u0000" in body:
        raise BadCallback("A callback has no NUL characters: the database cannot hold them.")
    events = decoded if isinstance(decoded, list) else [decoded]
    for event in events:
        _check(event)
    return events


def _check(event: CallEvent) -> None:
    """Hold an event to what the types do not say."""
    if (event.type is EventType.ENDED) != (event.outcome is not None):
        raise BadCallback("An event has an outcome if it is the end, and only then.")
    if event.callback_at is not None and event.type is not EventType.ENDED:
        raise BadCallback("Only the end of a call says when to call back.")
    if event.at.tzinfo is None:
        raise BadCallback("An event's time has no offset.")
    if not event.carrier_call_id or not 0 < event.sequence < 2**31:
        raise BadCallback("An event has a carrier's call id, and a sequence from 1 to 2147483647.")
