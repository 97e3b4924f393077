"""Header fields: reading those of a request, and those that every answer carries."""

import re
from typing import Any
from uuid import uuid4

from litestar.types import Message, Scope

from agentalk.domain.errors import Invalid

_SAFE_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def header(scope: Scope, name: bytes) -> str | None:
    """The value of the request's field `name` (in lower case), or None. Raises `Invalid` if it comes more than once."""
    values = [value for key, value in scope["headers"] if key == name]
    if len(values) > 1:
        raise Invalid.field(name.decode(), "was sent more than once")
    return values[0].decode("latin-1").strip() if values else None


def request_id(scope: Scope) -> str:
    """The request's id: the caller's `X-Request-ID` if it is safe to repeat, else one of our own."""
    state: dict[str, Any] = scope["state"]
    id: str | None = state.get("request_id")
    if id is None:
        given = next((value for key, value in scope["headers"] if key == b"x-request-id"), b"").decode("latin-1")
        id = given if _SAFE_ID.fullmatch(given) else uuid4().hex
        state["request_id"] = id
    return id


def add(scope: Scope, *fields: tuple[bytes, bytes]) -> None:
    """Have these fields added to the answer, whatever it will be."""
    scope["state"].setdefault("fields", []).extend(fields)


async def complete(message: Message, scope: Scope) -> None:
    """Litestar's hook before anything is sent: the fields that every answer carries."""
    if message["type"] == "http.response.start":
        message["headers"] = [
            *message["headers"],
            (b"x-request-id", request_id(scope).encode()),
            (b"x-content-type-options", b"nosniff"),
            *scope["state"].get("fields", ()),
        ]
