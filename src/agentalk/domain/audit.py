"""Who did what that must be accounted for."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from agentalk.domain.ids import OrgId


class AuditAction(StrEnum):
    """What is written down when it is done."""

    OPT_OUT_REMOVED = "opt_out.removed"
    NUMBER_REMOVED = "do_not_call.number_removed"
    NUMBERS_IMPORTED = "do_not_call.numbers_imported"
    LIST_DELETED = "do_not_call.list_deleted"
    POLICY_CHANGED = "organization.policy_changed"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One such act. `actor` is the token's name and id; `data` says what it was done to."""

    organization_id: OrgId
    at: datetime
    actor: str
    action: AuditAction
    data: dict[str, Any]
