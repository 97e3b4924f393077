"""Tokens over HTTP: an admin's business."""

from datetime import datetime

import msgspec

from agentalk.api.auth import Caller, require, require_superuser
from agentalk.api.endpoint import delete, get, post
from agentalk.api.query import Listing, Page, listing
from agentalk.domain.ids import TokenId
from agentalk.domain.organization import Role, Token
from agentalk.operations import tokens
from agentalk.operations.tokens import IssuedToken, NewToken
from agentalk.store.database import Tx

TAG = "Tokens"


def _without_secret(issued: IssuedToken) -> IssuedToken:
    return msgspec.structs.replace(issued, token=None)


@get("/api/tokens", summary="List Tokens", tag=TAG, role=Role.ADMIN)
async def tokens_list(tx: Tx, caller: Caller, query: Page) -> Listing[Token]:
    """All tokens of the organization, revoked and expired ones among them. Their secrets are kept nowhere."""
    rows, total = await tokens.page(tx, caller.org, query.limit, query.offset)
    return listing(rows, total, query)


@post("/api/tokens", summary="Create Token", tag=TAG, role=Role.ADMIN, status=201, kept=_without_secret)
async def tokens_create(tx: Tx, caller: Caller, body: NewToken, now: datetime) -> IssuedToken:
    """`token` is what to send as `Authorization: Bearer …`. It is shown this once: in a replay
    by Idempotency-Key it is null.

    Only a superuser may make a superuser's token.
    """
    require(caller, body.role)
    if body.superuser:
        require_superuser(caller)
    return await tokens.create(tx, caller.own, body, now)


@get("/api/tokens/{token_id}", summary="Get Token", tag=TAG, role=Role.ADMIN)
async def tokens_retrieve(tx: Tx, caller: Caller, token_id: TokenId) -> Token:
    """One token's record."""
    return await tokens.get(tx, caller.org, token_id)


@delete("/api/tokens/{token_id}", summary="Revoke Token", tag=TAG, role=Role.ADMIN)
async def tokens_revoke(tx: Tx, caller: Caller, token_id: TokenId, now: datetime) -> Token:
    """Nothing is let in with it from now on. The record stays."""
    return await tokens.revoke(tx, caller.org, token_id, now)


handlers = (tokens_list, tokens_create, tokens_retrieve, tokens_revoke)
