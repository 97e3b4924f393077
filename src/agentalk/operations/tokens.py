"""Tokens: made, shown once, listed, revoked; and who comes with one. `org` None means every organization's."""

from datetime import datetime
from typing import Annotated

import msgspec

from agentalk.domain.errors import Invalid, NotFound, Unauthenticated
from agentalk.domain.ids import OrgId, TokenId, uuid7
from agentalk.domain.moment import Moment, in_utc
from agentalk.domain.organization import Role, Token, digest, new_secret
from agentalk.store import tokens
from agentalk.store.database import Tx


class NewToken(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A token to make. A superuser's sees every organization."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    role: Role = Role.WRITE
    superuser: bool = False
    expires_at: Moment | None = None


class IssuedToken(Token, frozen=True, kw_only=True, rename="camel"):
    """A token just made. `token` is what the caller sends; it is shown this once."""

    token: str | None


async def create(tx: Tx, org: OrgId, draft: NewToken, now: datetime) -> IssuedToken:
    """Make a token of the organization. Raises `Invalid` if it would have expired already."""
    expires_at = in_utc("expiresAt", draft.expires_at) if draft.expires_at else None
    if expires_at and expires_at <= now:
        raise Invalid.field("expiresAt", "is in the past")
    secret = new_secret()
    issued = IssuedToken(
        id=TokenId(uuid7(now)),
        organization_id=org,
        name=draft.name,
        role=draft.role,
        superuser=draft.superuser,
        created_at=now,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
        token=f"{org}.{secret}",
    )
    await tokens.insert(tx, issued, digest(secret))
    return issued


async def authenticate(tx: Tx, org: OrgId, secret: str, now: datetime) -> Token:
    """The token that `{org}.{secret}` is. Raises `Unauthenticated`.

    One look-up by the digest of the secret, whatever is wrong: neither the work nor the sentence tells an unknown
    organization from a wrong secret. What its time may tell of a digest tells nothing of the 256 bits behind it.
    """
    token = await tokens.find(tx, digest(secret))
    if token is None or token.organization_id != org:
        raise Unauthenticated("The token is not known. Check that all of it was copied, or create a new one.")
    if token.revoked_at is not None:
        raise Unauthenticated("The token was revoked. Use another one.", code="token_revoked")
    if token.expires_at is not None and token.expires_at <= now:
        raise Unauthenticated("The token has expired. Create a new one.", code="token_expired")
    return token


async def get(tx: Tx, org: OrgId | None, id: TokenId) -> Token:
    """A token's record. Raises `NotFound`."""
    token = await tokens.get(tx, org, id)
    if token is None:
        raise NotFound.noun("token", id)
    return token


async def page(tx: Tx, org: OrgId | None, limit: int, offset: int) -> tuple[list[Token], int]:
    """Tokens, newest first, and how many there are in all."""
    return await tokens.page(tx, org, limit, offset), await tokens.total(tx, org)


async def revoke(tx: Tx, org: OrgId | None, id: TokenId, now: datetime) -> Token:
    """Revoke a token from the commit on; one revoked before stays as it is. Raises `NotFound`."""
    await tokens.revoke(tx, org, id, now)
    return await get(tx, org, id)


async def touch(tx: Tx, id: TokenId, now: datetime) -> None:
    """The token was used."""
    await tokens.touch(tx, id, now)
