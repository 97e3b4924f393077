"""Who asked not to be called: nobody of the organization calls that number, whatever any campaign says."""

from datetime import datetime
from enum import StrEnum

import msgspec

from agentalk.domain.ids import CallId


class OptOutSource(StrEnum):
    """Where it was asked: on a call, or told by a program, a file or a person."""

    CALL = "call"
    API = "api"
    IMPORT = "import"
    CONSOLE = "console"


class OptOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A number that is not to be called, since when, and on which call that was asked, if it was on one."""

    phone: str
    source: OptOutSource
    call_id: CallId | None
    created_at: datetime
