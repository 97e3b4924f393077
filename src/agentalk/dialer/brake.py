"""A carrier that asks for fewer calls, or answers nobody, gets none for a while and then few."""

import contextlib
from datetime import datetime
from typing import assert_never

from agentalk.carriers.carrier import Accepted, PlaceAnswer, Refused, Unsure
from agentalk.domain.ids import OrgId
from agentalk.store import dialing
from agentalk.store.database import Database, Tx, Unavailable

# So many requests in a row to which the carrier gave no clear answer are an outage.
_OUTAGE = 5


class Brake:
    """Slows an organization's carriers down by what they answer to placements."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unsure: dict[tuple[OrgId, str], int] = {}
        self._until: dict[tuple[OrgId, str], datetime] = {}

    async def answered(self, org: OrgId, kind: str, answer: PlaceAnswer, sent_at: datetime, now: datetime) -> None:
        """The organization's carrier of this kind answered, at `now`, what was sent at `sent_at`."""
        match answer:
            case Accepted():
                self._unsure.pop((org, kind), None)
                return
            case Refused():
                if not answer.slow_down:
                    return
            case Unsure():
                self._unsure[org, kind] = self._unsure.get((org, kind), 0) + 1
                if self._unsure[org, kind] < _OUTAGE:
                    return
            case _:
                assert_never(answer)
        # A storm of refusals is one refusal.
        if (org, kind) not in self._until or sent_at >= self._until[org, kind]:
            with contextlib.suppress(*Unavailable):
                self._until[org, kind] = await self._database.run(_slow, org, kind, sent_at, now)
                self._unsure.pop((org, kind), None)


async def _slow(tx: Tx, org: OrgId, kind: str, sent_at: datetime, now: datetime) -> datetime:
    """Slow the carriers down; until when they now pause."""
    until = sent_at
    for carrier, before in (await dialing.hold_carriers(tx, org, kind)).items():
        after = before.asked(sent_at, now)
        if after != before:
            await dialing.slow_carrier(tx, carrier, after)
        until = max(until, after.until or until)
    return until
