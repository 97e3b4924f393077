"""Carrier accounts and their limits. `org` None means every organization's."""

from datetime import datetime
from typing import Annotated

import msgspec

from agentalk.domain.errors import NotFound, Stale
from agentalk.domain.ids import CarrierId, OrgId, uuid7
from agentalk.domain.organization import CarrierAccount
from agentalk.domain.patch import given
from agentalk.store import carriers
from agentalk.store.database import Tx, notify


class CarrierPatch(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What to change of a carrier account: its name and its limits."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    max_live_calls: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | msgspec.UnsetType = msgspec.UNSET
    calls_per_second: Annotated[float, msgspec.Meta(ge=0, le=100_000)] | msgspec.UnsetType = msgspec.UNSET


async def create_default(tx: Tx, org: OrgId, now: datetime) -> CarrierAccount:
    """The carrier that every organization begins with: the simulator."""
    carrier = CarrierAccount(
        id=CarrierId(uuid7(now)),
        name="Simulator",
        kind="simulator",
        is_default=True,
        max_live_calls=100,
        calls_per_second=10.0,
        created_at=now,
        updated_at=now,
    )
    await carriers.insert(tx, org, carrier)
    return carrier


async def get(tx: Tx, org: OrgId | None, id: CarrierId) -> CarrierAccount:
    """One carrier account. Raises `NotFound`."""
    carrier = await carriers.get(tx, org, id)
    if carrier is None:
        raise NotFound.noun("carrier", id)
    return carrier


async def page(tx: Tx, org: OrgId | None, limit: int, offset: int) -> tuple[list[CarrierAccount], int]:
    """Carrier accounts, newest first, and how many there are in all."""
    return await carriers.page(tx, org, limit, offset), await carriers.total(tx, org)


async def change(
    tx: Tx, org: OrgId | None, id: CarrierId, patch: CarrierPatch, seen: datetime | None, now: datetime
) -> CarrierAccount:
    """Change a carrier's name or limits; calls claimed from now on follow them.

    Raises `NotFound`, and `Stale` if it changed after `seen`.
    """
    changed = await carriers.change(tx, org, id, **given(patch), seen=seen, now=now)
    if changed is None:
        await get(tx, org, id)
        raise Stale.noun("carrier")
    await notify(tx, str(org or ""))
    return changed
