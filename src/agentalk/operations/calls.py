"""Calls: looked at and ended. `org` None means every organization's."""

from datetime import datetime

from agentalk.domain.call import Call, CallSummary
from agentalk.domain.errors import Conflict, NotFound
from agentalk.domain.ids import CallId, CampaignId, OrgId
from agentalk.domain.policy.version import PolicyVersion
from agentalk.store import calls, campaigns, policies
from agentalk.store.calls import CallFilter
from agentalk.store.database import HANG_UP, Tx, notify


async def get(tx: Tx, org: OrgId | None, id: CallId) -> Call:
    """One call, with what was said. Raises `NotFound`."""
    call = await calls.get(tx, org, id)
    if call is None:
        raise NotFound.noun("call", id)
    return call


async def policy(tx: Tx, id: str) -> PolicyVersion:
    """A policy that calls were decided by. Raises `NotFound`."""
    found = await policies.get(tx, id)
    if found is None:
        raise NotFound(f"There is no policy version {id}. A call names the one that it was decided by.")
    return found


async def page(
    tx: Tx, org: OrgId | None, wanted: CallFilter, before: CallId | None, limit: int, offset: int
) -> list[tuple[CallId, CallSummary]]:
    """Calls, newest first, from below the id `before`; each with its id. Raises `NotFound` for the campaign."""
    await _find(tx, org, wanted.campaign_id)
    return await calls.page(tx, org, wanted, before, limit, offset)


async def total(tx: Tx, org: OrgId | None, wanted: CallFilter) -> int:
    """How many such calls there are. Raises `NotFound` for the campaign asked for."""
    await _find(tx, org, wanted.campaign_id)
    return await calls.total(tx, org, wanted)


async def hang_up(tx: Tx, org: OrgId | None, id: CallId, now: datetime) -> Call:
    """Have a live call ended; its end is reported like any. Raises `NotFound`, and `Conflict` if it has ended."""
    home = await calls.hang_up(tx, org, id, now)
    call = await get(tx, org, id)
    if home is None:
        raise Conflict("The call has ended already.", code="call_ended")
    await notify(tx, HANG_UP)
    return call


async def _find(tx: Tx, org: OrgId | None, campaign: CampaignId | None) -> None:
    if campaign is not None and await campaigns.find(tx, org, campaign) is None:
        raise NotFound.noun("campaign", campaign)
