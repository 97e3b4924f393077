"""The audit log, for those who account for what was done. `org` None means every organization's."""

from agentalk.domain.audit import AuditAction, AuditEntry
from agentalk.domain.ids import OrgId
from agentalk.store import audit
from agentalk.store.database import Tx


async def page(
    tx: Tx, org: OrgId | None, action: AuditAction | None, before: int | None, limit: int, offset: int
) -> list[tuple[int, AuditEntry]]:
    """Entries, newest first, from below position `before`; each with its position."""
    return await audit.page(tx, org, action, before, limit, offset)


async def total(tx: Tx, org: OrgId | None, action: AuditAction | None) -> int:
    """How many such entries there are."""
    return await audit.total(tx, org, action)
