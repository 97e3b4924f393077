"""Lists that can be long, page by page: neither the depth of a page nor the length of the list is paid for twice."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec

from agentalk.api.query import DeepPage, Listing, deep_listing, read_cursor

K = TypeVar("K")
T = TypeVar("T")

# A row's place in its list, where that is a number.
Position = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


async def deep_page(
    query: DeepPage,
    key: Any,
    count: Callable[[], Awaitable[int]],
    read: Callable[[K | None, int, int], Awaitable[list[tuple[K, T]]]],
) -> Listing[T]:
    """The page that `query` asks for.

    `read(before, limit, offset)` gives rows with their keys, of type `key`, in descending order from below `before`.
    The list is counted once, for its first page: the cursor carries the total on.
    """
    if query.cursor is None:
        before, total, offset = None, await count(), query.offset
    else:
        (before, total), offset = read_cursor(query.cursor, tuple[key, int]), 0
    found = await read(before, query.limit + 1, offset)
    rows = [row for _, row in found[: query.limit]]
    last = (found[query.limit - 1][0], total) if len(found) > query.limit else None
    return deep_listing(rows, total, query, last)
