"""The numbers that an organization calls from."""

from collections.abc import Sequence
from datetime import datetime

from agentalk.domain.event import EventName, Happening
from agentalk.domain.ids import CallId
from agentalk.store import caller_ids, events
from agentalk.store.database import Tx


async def flag(tx: Tx, calls: Sequence[CallId], now: datetime) -> None:
    """Callees, or their carriers, called these calls unwanted or blocked them: their numbers rest for the day."""
    happenings = [
        Happening(
            each.organization_id,
            each.campaign_id,
            EventName.CALLER_ID_FLAGGED,
            {"callerId": each.caller_id, "callId": each.call_id},
        )
        for each in await caller_ids.rest(tx, calls, now)
    ]
    await events.add_events(tx, happenings, now)
