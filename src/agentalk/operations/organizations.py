"""Organizations: the tenants. `org` None means a superuser's view: every organization."""

from datetime import datetime
from typing import Annotated

import msgspec

from agentalk.domain.audit import AuditAction
from agentalk.domain.errors import Invalid, NotFound, Stale
from agentalk.domain.ids import OrgId, uuid7
from agentalk.domain.organization import Organization
from agentalk.domain.patch import given
from agentalk.domain.policy.model import CallingPolicy
from agentalk.operations import carriers
from agentalk.store import audit, organizations
from agentalk.store.database import Tx, notify

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Concurrency = Annotated[int, msgspec.Meta(ge=0, le=100_000, description="The most calls it may have live at once.")]


class NewOrganization(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An organization to make."""

    name: Name
    max_concurrency: Concurrency = 100
    policy: CallingPolicy = CallingPolicy()


class OrganizationPatch(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What to change of an organization. `policy` is replaced as a whole."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    max_concurrency: Concurrency | msgspec.UnsetType = msgspec.UNSET
    policy: CallingPolicy | msgspec.UnsetType = msgspec.UNSET


async def create(tx: Tx, draft: NewOrganization, now: datetime) -> Organization:
    """Make an organization with a simulated carrier, so that all can be tried before a telephone rings.

    Raises `Invalid`.
    """
    _check(draft.policy)
    organization = Organization(
        id=OrgId(uuid7(now)),
        name=draft.name,
        max_concurrency=draft.max_concurrency,
        policy=draft.policy,
        created_at=now,
        updated_at=now,
    )
    await organizations.insert(tx, organization)
    await carriers.create_default(tx, organization.id, now)
    return organization


async def create_first(tx: Tx, draft: NewOrganization, now: datetime) -> Organization | None:
    """Make an organization if there is none at all, whoever else does the same; else None."""
    await organizations.lock_all(tx)
    return None if await organizations.total(tx, None) else await create(tx, draft, now)


async def get(tx: Tx, org: OrgId | None, id: OrgId) -> Organization:
    """One organization. Raises `NotFound`."""
    organization = await organizations.get(tx, org, id)
    if organization is None:
        raise NotFound(f"There is no organization {id} that you may see.")
    return organization


async def page(tx: Tx, org: OrgId | None, limit: int, offset: int) -> tuple[list[Organization], int]:
    """Organizations, newest first, and how many there are in all."""
    return await organizations.page(tx, org, limit, offset), await organizations.total(tx, org)


async def change(
    tx: Tx, org: OrgId | None, id: OrgId, patch: OrganizationPatch, seen: datetime | None, actor: str, now: datetime
) -> Organization:
    """Change an organization; calls claimed from now on follow it. Who changes its policy is written down.

    Raises `NotFound`, `Invalid`, and `Stale` if it changed after `seen`.
    """
    if patch.policy is not msgspec.UNSET:
        _check(patch.policy)
    changed = await organizations.change(tx, org, id, **given(patch), seen=seen, now=now)
    if changed is None:
        await get(tx, org, id)
        raise Stale.noun("organization")
    if patch.policy is not msgspec.UNSET:
        await audit.write(tx, id, actor, AuditAction.POLICY_CHANGED, {"policy": patch.policy}, now)
    await notify(tx, str(id))
    return changed


def _check(policy: CallingPolicy) -> None:
    if problem := policy.problem():
        raise Invalid.field(*problem)
