"""Points in time as callers give them."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from agentalk.domain.errors import Invalid

# A time without an offset means nothing to us: it is refused when it is read.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


def in_utc(field: str, moment: datetime) -> datetime:
    """The same moment in UTC. Raises `Invalid` naming `field` for a year that no call will see."""
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        utc = datetime.min.replace(tzinfo=UTC)
    if not 1970 <= utc.year <= 9999:
        raise Invalid.field(field, "must be a time from 1970 to 9999")
    return utc
