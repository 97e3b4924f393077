"""Agents: what speaks on a call. `org` None means every organization's."""

from datetime import datetime
from typing import Annotated

import msgspec

from agentalk.domain.agent import Agent
from agentalk.domain.errors import Conflict, NotFound, Stale
from agentalk.domain.ids import AgentId, OrgId, uuid7
from agentalk.domain.patch import given
from agentalk.store import agents
from agentalk.store.database import Tx

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Prompt = Annotated[str, msgspec.Meta(max_length=50_000, description="What the agent is told to be and to do.")]
Message = Annotated[
    str, msgspec.Meta(max_length=5_000, description="May hold `{{name}}` or an attribute of the contact.")
]


class NewAgent(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An agent to make."""

    name: Name
    prompt: Prompt = ""
    first_message: Message = ""
    voicemail_message: Message = ""


class AgentPatch(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What to change of an agent."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    prompt: Prompt | msgspec.UnsetType = msgspec.UNSET
    first_message: Message | msgspec.UnsetType = msgspec.UNSET
    voicemail_message: Message | msgspec.UnsetType = msgspec.UNSET


async def create(tx: Tx, org: OrgId, draft: NewAgent, now: datetime) -> Agent:
    """Make an agent."""
    agent = Agent(
        id=AgentId(uuid7(now)),
        name=draft.name,
        prompt=draft.prompt,
        first_message=draft.first_message,
        voicemail_message=draft.voicemail_message,
        version=1,
        created_at=now,
        updated_at=now,
    )
    await agents.insert(tx, org, agent)
    return agent


async def get(tx: Tx, org: OrgId | None, id: AgentId) -> Agent:
    """One agent. Raises `NotFound`."""
    agent = await agents.get(tx, org, id)
    if agent is None:
        raise NotFound.noun("agent", id)
    return agent


async def page(tx: Tx, org: OrgId | None, limit: int, offset: int) -> tuple[list[Agent], int]:
    """Agents, newest first, and how many there are in all."""
    return await agents.page(tx, org, limit, offset), await agents.total(tx, org)


async def change(
    tx: Tx, org: OrgId | None, id: AgentId, patch: AgentPatch, seen: datetime | None, now: datetime
) -> Agent:
    """Change an agent; its version grows. Raises `NotFound`, and `Stale` if it changed after `seen`."""
    changed = await agents.change(tx, org, id, **given(patch), seen=seen, now=now)
    if changed is None:
        await get(tx, org, id)
        raise Stale.noun("agent")
    return changed


async def delete(tx: Tx, org: OrgId | None, id: AgentId, now: datetime) -> None:
    """Delete an agent. Raises `NotFound`, and `Conflict` while a campaign that is active or scheduled uses it."""
    home = await agents.lock(tx, org, id)
    if home is None:
        raise NotFound.noun("agent", id)
    if await agents.in_use(tx, home, id):
        raise Conflict(
            "A campaign that is active or scheduled uses this agent. Stop it, or wait until it has completed.",
            code="agent_in_use",
        )
    await agents.delete(tx, home, id, now)
