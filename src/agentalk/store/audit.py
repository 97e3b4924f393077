"""The audit log: written in the transaction of the act, and never changed. `org` None means every organization's."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from agentalk.domain.audit import AuditAction, AuditEntry
from agentalk.domain.ids import OrgId
from agentalk.store.database import Tx, execute, fetch_anew
from agentalk.store.queries import load

SQL = load("audit")


async def write(tx: Tx, org: OrgId, actor: str, action: AuditAction, data: Mapping[str, object], now: datetime) -> None:
    """Write down what is done in this transaction."""
    text = msgspec.json.encode(data).decode()
    await execute(tx, SQL["write"], org=org, actor=actor, action=action.value, data=text, now=now)


async def page(
    tx: Tx, org: OrgId | None, action: AuditAction | None, before: int | None, limit: int, offset: int
) -> list[tuple[int, AuditEntry]]:
    """Entries, newest first, from below position `before`; each with its position."""
    wanted = action and action.value
    rows = await fetch_anew(tx, SQL["page"], org=org, action=wanted, before=before, limit=limit, offset=offset)
    return [
        (seq, AuditEntry(organization_id=home, at=at, actor=actor, action=AuditAction(action), data=data))
        for seq, home, at, actor, action, data in rows
    ]


async def total(tx: Tx, org: OrgId | None, action: AuditAction | None) -> int:
    """How many such entries there are."""
    rows = await fetch_anew(tx, SQL["total"], org=org, action=action and action.value)
    return int(rows[0][0])
