"""The tenant, its tokens and its carriers."""

import secrets
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

import msgspec

from agentalk.domain.errors import Unauthenticated
from agentalk.domain.ids import CarrierId, OrgId, TokenId
from agentalk.domain.policy.model import CallingPolicy


class Organization(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The tenant; owns everything. `max_concurrency` bounds its live calls over all campaigns.

    `policy` holds for every campaign that does not say otherwise.
    """

    id: OrgId
    name: str
    max_concurrency: int
    policy: CallingPolicy
    created_at: datetime
    updated_at: datetime


class CarrierAccount(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An account that can place calls: `kind` names the adapter. Bounds live calls and new calls per second."""

    id: CarrierId
    name: str
    kind: str
    is_default: bool
    max_live_calls: int
    calls_per_second: float
    created_at: datetime
    updated_at: datetime


class Role(StrEnum):
    """What a token may do: read; also write; also administer tokens and limits. Each includes the one before."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def allows(self, needed: "Role") -> bool:
        """Whether this role includes `needed`."""
        order = tuple(Role)
        return order.index(self) >= order.index(needed)


class Token(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A token's record. The secret itself is shown once, at its creation, and kept nowhere."""

    id: TokenId
    organization_id: OrgId
    name: str
    role: Role
    superuser: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


# Lets secret scanners find a leaked token.
_PREFIX = "agt_"


def new_secret() -> str:
    """256 random bits behind a recognisable prefix."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is stored of a secret. Plain SHA-256 is enough: there is nothing to guess in 256 random bits."""
    return sha256(secret.encode()).digest()


def split_token(text: str) -> tuple[OrgId, str]:
    """`{orgId}.{secretToken}` in its two parts. Raises `Unauthenticated`."""
    if text.startswith("eyJ") and text.count(".") == 2:
        raise Unauthenticated(
            "JWTs are not accepted. Send an organization token: `Authorization: Bearer {orgId}.{secretToken}`.",
            code="jwt_not_accepted",
        )
    organization, dot, secret = text.partition(".")
    try:
        if not dot or not secret or len(organization) != 36:
            raise ValueError
        return OrgId(UUID(organization)), secret
    except ValueError:
        raise Unauthenticated(
            "The token is malformed. It has the form `{orgId}.{secretToken}`; create one with `agentalk tokens create`."
        ) from None
