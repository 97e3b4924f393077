"""Agents over HTTP."""

from datetime import datetime

from agentalk.api.auth import Caller
from agentalk.api.endpoint import delete, get, patch, post
from agentalk.api.query import Listing, Page, listing
from agentalk.domain.agent import Agent
from agentalk.domain.ids import AgentId
from agentalk.operations import agents
from agentalk.operations.agents import AgentPatch, NewAgent
from agentalk.store.database import Tx

TAG = "Agents"


@get("/api/agents", summary="List Agents", tag=TAG)
async def agents_list(tx: Tx, caller: Caller, query: Page) -> Listing[Agent]:
    """What speaks on calls, newest first."""
    rows, total = await agents.page(tx, caller.org, query.limit, query.offset)
    return listing(rows, total, query)


@post("/api/agents", summary="Create Agent", tag=TAG, status=201)
async def agents_create(tx: Tx, caller: Caller, body: NewAgent, now: datetime) -> Agent:
    """Messages may hold `{{name}}` or `{{attribute}}` of the contact that is called."""
    return await agents.create(tx, caller.own, body, now)


@get("/api/agents/{agent_id}", summary="Get Agent", tag=TAG)
async def agents_retrieve(tx: Tx, caller: Caller, agent_id: AgentId) -> Agent:
    """One agent."""
    return await agents.get(tx, caller.org, agent_id)


@patch("/api/agents/{agent_id}", summary="Change Agent", tag=TAG)
async def agents_update(
    tx: Tx, caller: Caller, agent_id: AgentId, body: AgentPatch, seen: datetime | None, now: datetime
) -> Agent:
    """Calls that are claimed from now on speak as it says; its version grows."""
    return await agents.change(tx, caller.org, agent_id, body, seen, now)


@delete("/api/agents/{agent_id}", summary="Delete Agent", tag=TAG, status=204)
async def agents_delete(tx: Tx, caller: Caller, agent_id: AgentId, now: datetime) -> None:
    """Refused while a campaign that is active or scheduled uses it."""
    await agents.delete(tx, caller.org, agent_id, now)


handlers = (agents_list, agents_create, agents_retrieve, agents_update, agents_delete)
