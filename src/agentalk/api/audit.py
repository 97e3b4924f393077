"""The audit log over HTTP."""

from functools import partial

from agentalk.api.auth import Caller
from agentalk.api.deep import Position, deep_page
from agentalk.api.endpoint import get
from agentalk.api.query import DeepPage, Listing
from agentalk.domain.audit import AuditAction, AuditEntry
from agentalk.domain.organization import Role
from agentalk.operations import audit
from agentalk.store.database import Tx

TAG = "Audit"


class AuditQuery(DeepPage, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries are asked for."""

    action: AuditAction | None = None


@get("/api/audit-log", summary="List Audit Log", tag=TAG, role=Role.ADMIN)
async def audit_list(tx: Tx, caller: Caller, query: AuditQuery) -> Listing[AuditEntry]:
    """Who removed an opt-out or a number, imported a list, or changed the organization's policy; newest first."""
    listed = tx, caller.org, query.action
    return await deep_page(query, Position, partial(audit.total, *listed), partial(audit.page, *listed))


handlers = (audit_list,)
