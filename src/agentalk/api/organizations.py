"""Organizations over HTTP."""

from datetime import datetime

from agentalk.api.auth import Caller, require_superuser
from agentalk.api.endpoint import get, patch, post
from agentalk.api.query import Listing, Page, listing
from agentalk.domain.ids import OrgId
from agentalk.domain.organization import Organization, Role
from agentalk.operations import organizations
from agentalk.operations.organizations import NewOrganization, OrganizationPatch
from agentalk.store.database import Tx

TAG = "Organizations"


@get("/api/organizations", summary="List Organizations", tag=TAG)
async def organizations_list(tx: Tx, caller: Caller, query: Page) -> Listing[Organization]:
    """The token's organization; for a superuser who names none, all of them."""
    rows, total = await organizations.page(tx, caller.org, query.limit, query.offset)
    return listing(rows, total, query)


@post("/api/organizations", summary="Create Organization", tag=TAG, role=Role.ADMIN, status=201)
async def organizations_create(tx: Tx, caller: Caller, body: NewOrganization, now: datetime) -> Organization:
    """Needs a superuser's token. The organization begins with a simulated carrier as its default."""
    require_superuser(caller)
    return await organizations.create(tx, body, now)


@get("/api/organizations/{organization_id}", summary="Get Organization", tag=TAG)
async def organizations_retrieve(tx: Tx, caller: Caller, organization_id: OrgId) -> Organization:
    """One organization."""
    return await organizations.get(tx, caller.org, organization_id)


@patch("/api/organizations/{organization_id}", summary="Change Organization", tag=TAG, role=Role.ADMIN)
async def organizations_update(
    tx: Tx, caller: Caller, organization_id: OrgId, body: OrganizationPatch, seen: datetime | None, now: datetime
) -> Organization:
    """Change its name, how many calls it may have live over all of its campaigns, or its policy: what holds for every
    campaign that does not say otherwise. The audit log keeps who changed the policy.
    """
    return await organizations.change(tx, caller.org, organization_id, body, seen, caller.actor, now)


handlers = (organizations_list, organizations_create, organizations_retrieve, organizations_update)
