"""One builder per noun: a row that makes sense, with what the test cares about given by name."""

import itertools
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from agentalk.domain.agent import Agent
from agentalk.domain.ids import AgentId, CallId, CampaignId, ContactId, OrgId, uuid7
from agentalk.domain.organization import Role
from agentalk.domain.retry import RetryPolicy
from agentalk.domain.window import Window
from agentalk.operations import agents, organizations, tokens
from agentalk.operations.agents import NewAgent
from agentalk.operations.organizations import NewOrganization
from agentalk.operations.tokens import IssuedToken, NewToken
from agentalk.store.database import Tx
from tests.conftest import NOW

_numbers = itertools.count(1)


async def an_organization(tx: Tx, name: str = "Acme", now: datetime = NOW) -> OrgId:
    """An organization with its simulated carrier."""
    return (await organizations.create(tx, NewOrganization(name=name), now)).id


async def a_token(tx: Tx, org: OrgId, role: Role = Role.WRITE, now: datetime = NOW, **fields: Any) -> IssuedToken:
    """A token of the organization; `.token` is what to send."""
    return await tokens.create(tx, org, NewToken(name="test", role=role, **fields), now)


async def an_agent(tx: Tx, org: OrgId, now: datetime = NOW, **fields: Any) -> Agent:
    """An agent that greets."""
    draft = {"name": "Reminder", "first_message": "Hello {{name}}", "voicemail_message": "Call us back.", **fields}
    return await agents.create(tx, org, NewAgent(**draft), now)


async def a_contact(tx: Tx, org: OrgId, id: str | None = None, now: datetime = NOW, **columns: Any) -> ContactId:
    """A contact in New York with a phone number of its own."""
    number = next(_numbers)
    row = {
        "organization_id": org,
        "id": id or f"contact-{number}",
        "phone": f"+1212555{number:04d}",
        "name": "Ada",
        "zones": "America/New_York",
        "created_at": now,
        "updated_at": now,
        **columns,
    }
    await _insert(tx, "contacts", row)
    return ContactId(row["id"])


async def a_campaign(
    tx: Tx, org: OrgId, agent: AgentId | None = None, status: str = "draft", now: datetime = NOW, **columns: Any
) -> CampaignId:
    """A campaign with the default policy; an agent is made if none is given."""
    id = uuid7(now)
    row = {
        "id": id,
        "organization_id": org,
        "name": "Spring",
        "status": status,
        "agent_id": agent or (await an_agent(tx, org, now)).id,
        "started_at": None if status == "draft" else now,
        "max_concurrency": 10,
        "calls_per_second": 1.0,
        "priority": 0,
        "window_hours": _json(Window()),
        "retry": _json(RetryPolicy()),
        "voicemail": _json({"action": "hangup"}),
        "created_at": now,
        "updated_at": now,
        **columns,
    }
    await _insert(tx, "campaigns", row)
    return CampaignId(id)


async def a_campaign_contact(
    tx: Tx, org: OrgId, campaign: CampaignId, contact: ContactId, now: datetime = NOW, **columns: Any
) -> None:
    """The contact in the campaign, pending and due."""
    row = {
        "campaign_id": campaign,
        "contact_id": contact,
        "organization_id": org,
        "zones": "America/New_York",
        "due_at": now,
        "added_at": now,
        **columns,
    }
    await _insert(tx, "campaign_contacts", row)


async def a_call(
    tx: Tx, org: OrgId, campaign: CampaignId, contact: ContactId, now: datetime = NOW, **columns: Any
) -> CallId:
    """A reserved call to the contact's phone, by the organization's first carrier and a dialer of its own."""
    cursor = await tx.execute(
        "SELECT phone, (SELECT id FROM carriers WHERE organization_id = %(org)s ORDER BY id LIMIT 1) FROM contacts"
        " WHERE organization_id = %(org)s AND id = %(contact)s",
        {"org": org, "contact": contact},
    )
    phone, carrier = await cursor.fetchone() or (None, None)
    dialer = uuid7(now)
    await _insert(tx, "dialers", {"id": dialer, "started_at": now, "heartbeat_at": now})
    row = {
        "id": uuid7(now),
        "organization_id": org,
        "campaign_id": campaign,
        "contact_id": contact,
        "carrier_id": carrier,
        "carrier": "simulator",
        "dialer_id": dialer,
        "generation": 0,
        "attempt": 1,
        "status": "reserved",
        "phone": phone,
        "reserved_at": now,
        **columns,
    }
    await _insert(tx, "calls", row)
    return CallId(row["id"])


def unknown_id() -> UUID:
    """An id that nothing has."""
    return uuid7(NOW)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _insert(tx: Tx, table: str, row: dict[str, Any]) -> None:
    columns, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    await tx.execute(f"INSERT INTO {table} ({columns}) VALUES ({values})".encode(), row)
