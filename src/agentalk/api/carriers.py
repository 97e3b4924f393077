"""Carrier accounts over HTTP."""

from datetime import datetime

from agentalk.api.auth import Caller
from agentalk.api.endpoint import get, patch
from agentalk.api.query import Listing, Page, listing
from agentalk.domain.ids import CarrierId
from agentalk.domain.organization import CarrierAccount, Role
from agentalk.operations import carriers
from agentalk.operations.carriers import CarrierPatch
from agentalk.store.database import Tx

TAG = "Carriers"


@get("/api/carriers", summary="List Carriers", tag=TAG)
async def carriers_list(tx: Tx, caller: Caller, query: Page) -> Listing[CarrierAccount]:
    """The accounts that calls can be placed with. Every organization begins with a simulated one."""
    rows, total = await carriers.page(tx, caller.org, query.limit, query.offset)
    return listing(rows, total, query)


@get("/api/carriers/{carrier_id}", summary="Get Carrier", tag=TAG)
async def carriers_retrieve(tx: Tx, caller: Caller, carrier_id: CarrierId) -> CarrierAccount:
    """One carrier account."""
    return await carriers.get(tx, caller.org, carrier_id)


@patch("/api/carriers/{carrier_id}", summary="Change Carrier", tag=TAG, role=Role.ADMIN)
async def carriers_update(
    tx: Tx, caller: Caller, carrier_id: CarrierId, body: CarrierPatch, seen: datetime | None, now: datetime
) -> CarrierAccount:
    """Change its name, how many calls it may have live, or how many it may begin per second."""
    return await carriers.change(tx, caller.org, carrier_id, body, seen, now)


handlers = (carriers_list, carriers_retrieve, carriers_update)
