"""Request bodies: bounded, decoded from raw bytes, and refused by the field at fault."""

import re
import tempfile
from array import array
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from itertools import accumulate
from typing import IO, Any, TypeVar

import msgspec
from litestar.types import Receive, Scope

from agentalk.api.errors import TooLarge, Unsupported
from agentalk.api.fields import invalid
from agentalk.api.headers import header
from agentalk.domain.errors import Invalid

T = TypeVar("T")

SMALL = 64 * 1024
LIST = 16 * 1024 * 1024
UPLOAD = 1024 * 1024 * 1024

_MOST_DEPTH = 64
_IN_MEMORY = 1024 * 1024
_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;\s*charset=\"?utf-8\"?)?\s*", re.IGNORECASE)
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
# Opening brackets become 1, closing ones 255: -1 when read as signed bytes.
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")


class Upload(msgspec.Struct, frozen=True):
    """A body that is a file: spooled to disk when it is large, at its beginning, closed after the request."""

    file: IO[bytes]
    media_type: str
    size: int


class Received(msgspec.Struct):
    """What came in: the value for the handler, and a digest of its bytes."""

    value: Any
    digest: bytes


async def read_json(scope: Scope, receive: Receive, decoder: msgspec.json.Decoder[Any], most: int) -> Received:
    """The body as JSON of at most `most` bytes; None if there is none.

    Raises `Invalid` (malformed, wrong, NUL characters, too deep), `TooLarge`, `Unsupported`.
    """
    media_type = header(scope, b"content-type")
    if header(scope, b"content-encoding") not in (None, "", "identity"):
        raise Unsupported("Compressed bodies are not taken. Send the JSON as it is.")
    parts = [part async for part in _parts(scope, receive, most)]
    raw = b"".join(parts)
    if not raw:
        return Received(None, b"")
    if media_type is not None and not _JSON_TYPE.fullmatch(media_type):
        raise Unsupported("The body must be JSON in UTF-8: send `Content-Type: application/json`.")
    return Received(decode(raw, decoder), sha256(raw).digest())


async def read_upload(scope: Scope, receive: Receive, types: tuple[str, ...], most: int) -> Received:
    """The body as a file of one of the media `types`. The caller closes it."""
    media_type = (header(scope, b"content-type") or "").split(";")[0].strip().lower()
    if media_type not in types:
        raise Unsupported(f"The body must be a file: send `Content-Type: {types[0]}`.")
    digest = sha256()
    # Closed by the caller, after the request.
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
    try:
        async for part in _parts(scope, receive, most):
            digest.update(part)
            file.write(part)
    except BaseException:
        file.close()
        raise
    size = file.tell()
    file.seek(0)
    return Received(Upload(file, media_type, size), digest.digest())


def decode(raw: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """JSON as the decoder's type. Raises `Invalid` that names the field at fault."""
    if deeper_than(_MOST_DEPTH, raw):
        raise Invalid(f"The JSON is nested more than {_MOST_DEPTH} levels deep.")
    try:
        value = decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except UnicodeDecodeError:
        raise Invalid("The body is not valid UTF-8.", code="malformed") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid(f"The body is not valid JSON: {error}.", code="malformed") from None
    if b"\\u0000" in raw:
        for path in _nuls(msgspec.json.decode(raw), ""):
            raise Invalid.field(path, "holds a NUL character (\\u0000); leave it out")
    return value


def deeper_than(most: int, raw: bytes) -> bool:
    """Whether brackets are open more than `most` deep anywhere. Malformed JSON gets some answer."""
    if raw.count(b"[") + raw.count(b"{") <= most:
        return False
    steps = _STRINGS.sub(b"", raw).translate(_STEPS, _BRACKETS)
    return any(depth > most for depth in accumulate(array("b", steps)))


def _nuls(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str) and "\0" in value:
        yield path
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _nuls(item, f"{path}[{i}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            if "\0" in key:
                yield path or "body"
            yield from _nuls(item, f"{path}.{key}" if path else key)


async def _parts(scope: Scope, receive: Receive, most: int) -> AsyncIterator[bytes]:
    length = header(scope, b"content-length")
    if length is not None and length.isdecimal() and int(length[:20]) > most:
        raise _too_large(most)
    size, more = 0, True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise Invalid("The connection closed before the body was complete.")
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most)
        if part:
            yield part
        more = message.get("more_body", False)


def _too_large(most: int) -> TooLarge:
    size = f"{most // 1024**2} MiB" if most >= 1024**2 else f"{most // 1024} KiB"
    return TooLarge(f"The body is larger than the {size} that this operation takes.")
