"""Tokens: only a digest of each secret is kept. `org` None means every organization's."""

from datetime import datetime

from psycopg.rows import TupleRow

from agentalk.domain.ids import OrgId, TokenId
from agentalk.domain.organization import Role, Token
from agentalk.store.database import Tx, execute, fetch, fetch_one
from agentalk.store.queries import load

SQL = load("tokens")


async def insert(tx: Tx, token: Token, digest: bytes) -> None:
    """Keep a new token by the digest of its secret."""
    await execute(
        tx,
        SQL["insert"],
        id=token.id,
        organization_id=token.organization_id,
        name=token.name,
        role=token.role.value,
        superuser=token.superuser,
        digest=digest,
        created_at=token.created_at,
        expires_at=token.expires_at,
    )


async def find(tx: Tx, digest: bytes) -> Token | None:
    """The token of a secret, by its digest; it may be expired or revoked."""
    row = await fetch_one(tx, SQL["find"], digest=digest)
    return _token(row) if row else None


async def get(tx: Tx, org: OrgId | None, id: TokenId) -> Token | None:
    """A token's record."""
    row = await fetch_one(tx, SQL["get"], org=org, id=id)
    return _token(row) if row else None


async def page(tx: Tx, org: OrgId | None, limit: int, offset: int) -> list[Token]:
    """Tokens, newest first."""
    return [_token(row) for row in await fetch(tx, SQL["page"], org=org, limit=limit, offset=offset)]


async def total(tx: Tx, org: OrgId | None) -> int:
    """How many tokens there are."""
    row = await fetch_one(tx, SQL["total"], org=org)
    return int(row[0]) if row else 0


async def revoke(tx: Tx, org: OrgId | None, id: TokenId, now: datetime) -> bool:
    """Revoke a token that is not; False if there is no such token."""
    return await execute(tx, SQL["revoke"], org=org, id=id, now=now) == 1


async def touch(tx: Tx, id: TokenId, now: datetime) -> None:
    """The token was used."""
    await execute(tx, SQL["touch"], id=id, now=now)


def _token(row: TupleRow) -> Token:
    id, org, name, role, superuser, created_at, expires_at, last_used_at, revoked_at = row
    return Token(
        id=id,
        organization_id=org,
        name=name,
        role=Role(role),
        superuser=superuser,
        created_at=created_at,
        expires_at=expires_at,
        last_used_at=last_used_at,
        revoked_at=revoked_at,
    )
