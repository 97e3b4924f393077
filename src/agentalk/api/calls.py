"""Calls over HTTP."""

from datetime import datetime
from functools import partial

from agentalk.api.auth import Caller
from agentalk.api.deep import deep_page
from agentalk.api.endpoint import get, post
from agentalk.api.query import DeepPage, Listing
from agentalk.domain.call import Call, CallStatus, CallSummary, Outcome
from agentalk.domain.ids import CallId, CampaignId, ContactId, OrgId
from agentalk.domain.policy.version import PolicyVersion
from agentalk.operations import calls
from agentalk.store.calls import CallFilter
from agentalk.store.database import Tx

TAG = "Calls"


class CampaignCallsQuery(DeepPage, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which calls of a campaign are asked for."""

    contact_id: ContactId | None = None
    status: CallStatus | None = None
    outcome: Outcome | None = None


class CallsQuery(CampaignCallsQuery, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which calls are asked for."""

    campaign_id: CampaignId | None = None


@get("/api/calls", summary="List Calls", tag=TAG)
async def calls_list(tx: Tx, caller: Caller, query: CallsQuery) -> Listing[CallSummary]:
    """All calls, newest first, without what was said on them."""
    return await _page(tx, caller.org, query, query.campaign_id)


@get("/api/campaigns/{campaign_id}/calls", summary="List Calls of Campaign", tag=TAG)
async def campaigns_calls_list(
    tx: Tx, caller: Caller, campaign_id: CampaignId, query: CampaignCallsQuery
) -> Listing[CallSummary]:
    """A campaign's calls, newest first, without what was said on them."""
    return await _page(tx, caller.org, query, campaign_id)


@get("/api/calls/{call_id}", summary="Get Call", tag=TAG)
async def calls_retrieve(tx: Tx, caller: Caller, call_id: CallId) -> Call:
    """One call, with its transcript, and what it was decided by."""
    return await calls.get(tx, caller.org, call_id)


@get("/api/policy-versions/{version_id}", summary="Get Policy Version", tag=TAG)
async def policy_versions_retrieve(tx: Tx, version_id: str) -> PolicyVersion:
    """All that decided a call: the policy in force, the window, and every jurisdiction's preset with its source."""
    return await calls.policy(tx, version_id)


@post("/api/calls/{call_id}/hangup", summary="Hang Up Call", tag=TAG)
async def calls_hangup(tx: Tx, caller: Caller, call_id: CallId, now: datetime) -> Call:
    """Ask for the end of a live call; it ends within moments. Refused if it has ended."""
    return await calls.hang_up(tx, caller.org, call_id, now)


async def _page(
    tx: Tx, org: OrgId | None, query: CampaignCallsQuery, campaign: CampaignId | None
) -> Listing[CallSummary]:
    wanted = CallFilter(campaign_id=campaign, contact_id=query.contact_id, status=query.status, outcome=query.outcome)
    return await deep_page(query, CallId, partial(calls.total, tx, org, wanted), partial(calls.page, tx, org, wanted))


handlers = (calls_list, campaigns_calls_list, calls_retrieve, policy_versions_retrieve, calls_hangup)
