"""Agents. `org` None means every organization's. A deleted agent keeps its row: calls of the past refer to it."""

from datetime import datetime

from psycopg.rows import TupleRow

from agentalk.domain.agent import Agent
from agentalk.domain.ids import AgentId, OrgId
from agentalk.store.database import Tx, execute, fetch, fetch_one
from agentalk.store.queries import load

SQL = load("agents")


async def insert(tx: Tx, org: OrgId, agent: Agent) -> None:
    """A new agent."""
    await execute(
        tx,
        SQL["insert"],
        id=agent.id,
        org=org,
        name=agent.name,
        prompt=agent.prompt,
        first_message=agent.first_message,
        voicemail_message=agent.voicemail_message,
        version=agent.version,
        now=agent.created_at,
    )


async def get(tx: Tx, org: OrgId | None, id: AgentId) -> Agent | None:
    """One agent."""
    row = await fetch_one(tx, SQL["get"], org=org, id=id)
    return _agent(row) if row else None


async def page(tx: Tx, org: OrgId | None, limit: int, offset: int) -> list[Agent]:
    """Agents, newest first."""
    return [_agent(row) for row in await fetch(tx, SQL["page"], org=org, limit=limit, offset=offset)]


async def total(tx: Tx, org: OrgId | None) -> int:
    """How many agents there are."""
    row = await fetch_one(tx, SQL["total"], org=org)
    return int(row[0]) if row else 0


async def change(
    tx: Tx,
    org: OrgId | None,
    id: AgentId,
    *,
    name: str | None,
    prompt: str | None,
    first_message: str | None,
    voicemail_message: str | None,
    seen: datetime | None,
    now: datetime,
) -> Agent | None:
    """Change what is not None, if the record last changed at `seen`; None if there is no such record."""
    row = await fetch_one(
        tx,
        SQL["change"],
        org=org,
        id=id,
        name=name,
        prompt=prompt,
        first_message=first_message,
        voicemail_message=voicemail_message,
        seen=seen,
        now=now,
    )
    return _agent(row) if row else None


async def lock(tx: Tx, org: OrgId | None, id: AgentId) -> OrgId | None:
    """Hold the agent until the transaction ends; its organization, or None if there is no such agent."""
    row = await fetch_one(tx, SQL["lock"], org=org, id=id)
    return row[0] if row else None


async def in_use(tx: Tx, org: OrgId, id: AgentId) -> bool:
    """Whether a campaign that is active, or will be at a time set, speaks with this agent."""
    row = await fetch_one(tx, SQL["in_use"], org=org, id=id)
    return bool(row and row[0])


async def delete(tx: Tx, org: OrgId, id: AgentId, now: datetime) -> None:
    """The agent is gone for its users."""
    await execute(tx, SQL["delete"], org=org, id=id, now=now)


def _agent(row: TupleRow) -> Agent:
    id, name, prompt, first_message, voicemail_message, version, created_at, updated_at = row
    return Agent(
        id=id,
        name=name,
        prompt=prompt,
        first_message=first_message,
        voicemail_message=voicemail_message,
        version=version,
        created_at=created_at,
        updated_at=updated_at,
    )
