"""Opt-outs over HTTP."""

from datetime import datetime
from functools import partial
from http import HTTPStatus

from agentalk.api.answers import Reply
from agentalk.api.auth import Caller
from agentalk.api.deep import deep_page
from agentalk.api.endpoint import delete, get, post
from agentalk.api.query import DeepPage, Listing
from agentalk.domain.moment import Moment
from agentalk.domain.opt_out import OptOut
from agentalk.domain.organization import Role
from agentalk.operations import opt_outs
from agentalk.operations.opt_outs import NewOptOut
from agentalk.store.database import Tx

TAG = "Do Not Call"


@get("/api/opt-outs", summary="List Opt-outs", tag=TAG)
async def opt_outs_list(tx: Tx, caller: Caller, query: DeepPage) -> Listing[OptOut]:
    """The numbers that asked not to be called, newest first."""
    listed = tx, caller.org
    return await deep_page(query, tuple[Moment, str], partial(opt_outs.total, *listed), partial(opt_outs.page, *listed))


@post("/api/opt-outs", summary="Create Opt-out", tag=TAG, status=201, also=(200,))
async def opt_outs_create(tx: Tx, caller: Caller, body: NewOptOut, now: datetime) -> Reply[OptOut]:
    """Name a `phone` or a `contactId`. Once this is answered, no campaign of the organization calls the number.

    Calls to it that were about to begin are given back, and contacts who have it are skipped (`opted_out`). A call that
    is under way goes on. Answered 200 if the number had opted out before: the first opt-out stands.
    """
    made, is_new = await opt_outs.create(tx, caller.own, body, now)
    return Reply(made, HTTPStatus.CREATED if is_new else HTTPStatus.OK)


@get("/api/opt-outs/{phone}", summary="Get Opt-out", tag=TAG)
async def opt_outs_retrieve(tx: Tx, caller: Caller, phone: str) -> OptOut:
    """Since when a number has opted out, and where; 404 if it has not."""
    return await opt_outs.get(tx, caller.own, phone)


@delete("/api/opt-outs/{phone}", summary="Remove Opt-out", tag=TAG, role=Role.ADMIN, status=204)
async def opt_outs_delete(tx: Tx, caller: Caller, phone: str, now: datetime) -> None:
    """Only if the person asked for it: the audit log keeps who did this. Contacts that were skipped stay so until they
    are added to a campaign again.
    """
    await opt_outs.remove(tx, caller.own, phone, caller.actor, now)


handlers = (opt_outs_list, opt_outs_create, opt_outs_retrieve, opt_outs_delete)
