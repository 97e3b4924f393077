"""Who is asking: credentials in the header fields, the caller behind them, and what the caller may do."""

import re
from datetime import datetime
from uuid import UUID

import msgspec
from litestar.types import Scope

from agentalk.api.headers import header
from agentalk.domain.errors import Forbidden, Invalid, Unauthenticated
from agentalk.domain.ids import OrgId, TokenId
from agentalk.domain.organization import Role, Token, split_token
from agentalk.operations import organizations, tokens
from agentalk.store.database import Tx

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking.

    `org` is the organization that the request is about; None only for a superuser who named none: every organization.
    `home` is the token's own.
    """

    token_id: TokenId
    token_name: str
    home: OrgId
    org: OrgId | None
    role: Role
    superuser: bool

    @property
    def own(self) -> OrgId:
        """The organization to create things in: the one asked for, else the token's own."""
        return self.org or self.home

    @property
    def actor(self) -> str:
        """How the audit log names the caller."""
        return f"{self.token_name} ({self.token_id})"


class Credentials(msgspec.Struct, frozen=True):
    """What a request says of its caller: nothing of it is proven yet."""

    org: OrgId
    secret: str
    asked: OrgId | None


def read_uuid(field: str, text: str) -> UUID:
    """The UUID in its usual form. Raises `Invalid` naming `field`."""
    if not _UUID.fullmatch(text):
        raise Invalid.field(field, "is not a UUID")
    return UUID(text)


def credentials(scope: Scope) -> Credentials:
    """The credentials of a request. Raises `Unauthenticated`, or `Invalid` for a malformed X-Organization-ID."""
    given = header(scope, b"authorization")
    if not given:
        raise Unauthenticated("Send an organization token: `Authorization: Bearer {orgId}.{secretToken}`.")
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("Only bearer tokens are accepted: `Authorization: Bearer {orgId}.{secretToken}`.")
    org, secret = split_token(token.strip())
    asked = header(scope, b"x-organization-id")
    return Credentials(org, secret, None if asked is None else OrgId(read_uuid("X-Organization-ID", asked)))


async def authenticate(tx: Tx, given: Credentials, now: datetime) -> tuple[Token, Caller]:
    """The caller behind the credentials. Raises `Unauthenticated`, `Forbidden`, `NotFound`."""
    token = await tokens.authenticate(tx, given.org, given.secret, now)
    home = token.organization_id
    org = given.asked
    if not token.superuser:
        if org not in (None, home):
            raise Forbidden(
                "X-Organization-ID names an organization that is not this token's. Leave it out, or use its token."
            )
        org = home
    elif org not in (None, home):
        await organizations.get(tx, None, org)
    return token, Caller(
        token_id=token.id, token_name=token.name, home=home, org=org, role=token.role, superuser=token.superuser
    )


def require(caller: Caller, needed: Role) -> None:
    """Raises `Forbidden` unless the caller's role includes `needed`."""
    if not caller.role.allows(needed):
        raise Forbidden(
            f'This needs a token with the role "{needed}"; this one has "{caller.role}".', code="role_missing"
        )


def require_superuser(caller: Caller) -> None:
    """Raises `Forbidden` unless the caller is a superuser."""
    if not caller.superuser:
        raise Forbidden("This needs a superuser's token.", code="superuser_required")
