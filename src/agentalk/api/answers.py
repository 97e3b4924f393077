"""What a handler's value becomes on the wire."""

from datetime import datetime
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import msgspec
from litestar.types import Receive, Scope, Send

T = TypeVar("T")

# Whatever stands between may not keep what a token has opened.
_PRIVATE = ((b"cache-control", b"no-store"),)
_encode = msgspec.json.Encoder().encode


class Reply(msgspec.Struct, Generic[T], frozen=True):
    """A handler's value with a status of its own choice."""

    value: T
    status: int


class Answer:
    """A finished answer: an ASGI application that sends itself.

    `kept` is what an Idempotency-Key may keep of its body.
    """

    __slots__ = ("body", "fields", "kept", "status")

    def __init__(
        self,
        status: int,
        body: bytes,
        media_type: bytes = b"application/json",
        fields: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self.status = status
        self.body = self.kept = body
        self.fields = [*fields]
        if status != HTTPStatus.NO_CONTENT:
            self.fields += [(b"content-type", media_type), (b"content-length", b"%d" % len(body))]

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the answer."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.fields})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def answer(value: Any, status: int) -> Answer:
    """The answer that tells `value`; None is no content. A record that knows when it changed gets an ETag."""
    if isinstance(value, Reply):
        value, status = value.value, value.status
    if value is None:
        return Answer(HTTPStatus.NO_CONTENT, b"")
    updated_at = getattr(value, "updated_at", None)
    tag = ((b"etag", etag(updated_at).encode()),) if updated_at else ()
    return Answer(status, _encode(value), fields=(*_PRIVATE, *tag))


def etag(updated_at: datetime) -> str:
    """The ETag of a record that changed last at `updated_at`: the moment itself, quoted."""
    return _encode(updated_at).decode()
