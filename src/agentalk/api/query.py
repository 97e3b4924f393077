"""Query parameters: read into a struct, by the same rules for all."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from agentalk.api.fields import invalid
from agentalk.domain.errors import Invalid

T = TypeVar("T")
Q = TypeVar("Q", bound=msgspec.Struct)


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operation without query parameters."""


class Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of a list is asked for. Inherit from it to add filters."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000, description="Number of results to return (default: 50)")] = 50
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1, description="Offset for pagination (default: 0)")] = 0


class DeepPage(Page, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of a list that can be long: with the `cursor` of the page before, depth costs nothing."""

    cursor: (
        Annotated[str, msgspec.Meta(description="`pagination.cursor` of the page before; replaces `offset`.")] | None
    ) = None


class Pagination(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a page stands in its list: `total` counts the whole list; `cursor` leads to the next page, if any."""

    total: int
    limit: int
    offset: int
    cursor: str | msgspec.UnsetType | None = msgspec.UNSET


class Listing(msgspec.Struct, Generic[T], frozen=True):
    """A page of a list, newest first."""

    data: Sequence[T]
    pagination: Pagination


def listing(rows: Sequence[T], total: int, page: Page) -> Listing[T]:
    """The answer to a list request."""
    return Listing(rows, Pagination(total=total, limit=page.limit, offset=page.offset))


def deep_listing(rows: Sequence[T], total: int, page: DeepPage, last: object | None) -> Listing[T]:
    """The same with a cursor: `last` is the sort key of the last row, or None if no further page exists."""
    cursor = None if last is None else write_cursor(last)
    return Listing(rows, Pagination(total=total, limit=page.limit, offset=page.offset, cursor=cursor))


def write_cursor(key: object) -> str:
    """A sort key as opaque text."""
    return urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def read_cursor(text: str, type: type[T]) -> T:
    """The sort key that `write_cursor` wrote. Raises `Invalid` for anything else."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=type)
    except (ValueError, msgspec.MsgspecError):
        raise Invalid.field("cursor", "is not a cursor of this list; take it from the page before") from None


def read_query(raw: bytes, type: type[Q]) -> Q:
    """The query string as a `type`. Raises `Invalid` naming what is unknown, repeated, malformed or out of range."""
    names = type.__struct_encode_fields__
    values: dict[str, str] = {}
    for pair in raw.split(b"&") if raw else ():
        if not pair:
            continue
        name, _, value = pair.partition(b"=")
        field = _decoded(name, "query")
        if field in values:
            raise Invalid.field(field, "was given more than once")
        if field not in names:
            raise Invalid.field(field, f"is not a parameter here; there are: {', '.join(names) or 'none'}")
        values[field] = _decoded(value, field)
    try:
        query = msgspec.convert(values, type, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    # Where it reads text leniently, msgspec takes "null" for None; a parameter is null only by being left out.
    for field, attribute in zip(names, type.__struct_fields__, strict=True):
        if field in values and getattr(query, attribute) is None:
            raise Invalid.field(field, "is not valid: null; leave it out")
    return query


def _decoded(text: bytes, field: str) -> str:
    try:
        decoded = unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid.field(field, "is not UTF-8") from None
    if "\0" in decoded:
        raise Invalid.field(field, "holds a NUL character")
    return decoded
