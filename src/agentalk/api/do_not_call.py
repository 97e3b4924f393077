"""Do-not-call lists over HTTP."""

from datetime import date, datetime
from functools import partial
from typing import Annotated

import msgspec

from agentalk.api.auth import Caller
from agentalk.api.body import LIST, UPLOAD, Upload
from agentalk.api.deep import deep_page
from agentalk.api.endpoint import delete, get, post
from agentalk.api.query import DeepPage, Listing, Page, listing
from agentalk.domain.do_not_call import ListedNumber, NumberCheck, NumberList
from agentalk.domain.ids import ListId
from agentalk.domain.organization import Role
from agentalk.domain.policy.decision import ListKind
from agentalk.operations import do_not_call
from agentalk.operations.do_not_call import AddedNumbers, NewNumberList
from agentalk.operations.number_import import import_numbers
from agentalk.store.database import Tx

TAG = "Do Not Call"


class ListsQuery(Page, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lists are asked for."""

    kind: ListKind | None = None


class CheckQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which number is asked about."""

    phone: Annotated[str, msgspec.Meta(description="The number, in E.164.")]


class NumbersImportQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How to read the file, and what it is."""

    as_of: Annotated[date, msgspec.Meta(description="The day of a registry's data.")] | None = None
    replace: Annotated[bool, msgspec.Meta(description="Whether a registry holds nothing but this file then.")] = False
    default_country: Annotated[str, msgspec.Meta(description="Where numbers without + belong, as US.")] | None = None


class AddNumbers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which numbers to add, in E.164."""

    phones: list[str]


@get("/api/do-not-call/lists", summary="List Do-not-call Lists", tag=TAG)
async def do_not_call_lists(tx: Tx, caller: Caller, query: ListsQuery) -> Listing[NumberList]:
    """The organization's own list, those of campaigns, and registries with the day of their data; newest first."""
    rows, total = await do_not_call.page(tx, caller.org, query.kind, query.limit, query.offset)
    return listing(rows, total, query)


@post("/api/do-not-call/lists", summary="Create Do-not-call List", tag=TAG, status=201)
async def do_not_call_create(tx: Tx, caller: Caller, body: NewNumberList, now: datetime) -> NumberList:
    """An organization has one list of its own, each campaign one, and any number of registries."""
    return await do_not_call.create(tx, caller.own, body, now)


@get("/api/do-not-call/check", summary="Check Number", tag=TAG)
async def do_not_call_check(tx: Tx, caller: Caller, query: CheckQuery) -> NumberCheck:
    """Whether a number has opted out, which lists hold it, and since when."""
    return await do_not_call.check(tx, caller.own, query.phone)


@get("/api/do-not-call/lists/{list_id}", summary="Get Do-not-call List", tag=TAG)
async def do_not_call_retrieve(tx: Tx, caller: Caller, list_id: ListId) -> NumberList:
    """One list."""
    return await do_not_call.get(tx, caller.org, list_id)


@delete("/api/do-not-call/lists/{list_id}", summary="Delete Do-not-call List", tag=TAG, role=Role.ADMIN, status=204)
async def do_not_call_delete(tx: Tx, caller: Caller, list_id: ListId, now: datetime) -> None:
    """With all that is on it. The audit log keeps who did this."""
    await do_not_call.delete(tx, caller.org, list_id, caller.actor, now)


@get("/api/do-not-call/lists/{list_id}/numbers", summary="List Numbers", tag=TAG)
async def do_not_call_numbers(tx: Tx, caller: Caller, list_id: ListId, query: DeepPage) -> Listing[ListedNumber]:
    """The numbers on a list, in descending order."""
    listed = tx, caller.org, list_id
    return await deep_page(
        query, str, partial(do_not_call.total_numbers, *listed), partial(do_not_call.numbers, *listed)
    )


@post("/api/do-not-call/lists/{list_id}/numbers", summary="Add Numbers", tag=TAG, most=LIST)
async def do_not_call_add(tx: Tx, caller: Caller, list_id: ListId, body: AddNumbers, now: datetime) -> AddedNumbers:
    """At most 100,000 a request. Once this is answered, nobody is about to call them.

    Calls that were about to begin are given back, and open contacts of the campaigns that the list is for are skipped
    (`do_not_call`). What is no number comes back with its reason; the others are taken.
    """
    return await do_not_call.add(tx, caller.org, list_id, body.phones, now)


@post(
    "/api/do-not-call/lists/{list_id}/import",
    summary="Import Numbers",
    tag=TAG,
    most=UPLOAD,
    media_types=("text/csv", "text/plain"),
)
async def do_not_call_import(
    tx: Tx, caller: Caller, list_id: ListId, body: Upload, query: NumbersImportQuery, now: datetime
) -> AddedNumbers:
    """A file in UTF-8 with a number a line, or CSV whose first row names a column `phone`, of at most 1 GiB.

    Of a registry `asOf` is the day of the data: calls that it counts for wait once that is too old. The audit log keeps
    who imported it.
    """
    return await import_numbers(
        tx,
        caller.org,
        list_id,
        body.file,
        as_of=query.as_of,
        replace=query.replace,
        default_country=query.default_country,
        actor=caller.actor,
        now=now,
    )


@delete(
    "/api/do-not-call/lists/{list_id}/numbers/{phone}", summary="Remove Number", tag=TAG, role=Role.ADMIN, status=204
)
async def do_not_call_remove(tx: Tx, caller: Caller, list_id: ListId, phone: str, now: datetime) -> None:
    """The audit log keeps who did this. Contacts that were skipped stay so until they are added to a campaign again."""
    await do_not_call.remove(tx, caller.org, list_id, phone, caller.actor, now)


handlers = (
    do_not_call_lists,
    do_not_call_create,
    do_not_call_check,
    do_not_call_retrieve,
    do_not_call_delete,
    do_not_call_numbers,
    do_not_call_add,
    do_not_call_import,
    do_not_call_remove,
)
