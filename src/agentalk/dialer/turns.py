"""Whose turn it is: organizations by when they are due, and the places that turns side by side share."""

import asyncio
import math
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from agentalk.domain.ids import OrgId

NEVER = datetime.max.replace(tzinfo=UTC)
# An organization is woken by what concerns it; that a wake was lost is found out by a look every so often.
_LOOK_SECONDS = 15.0
# What wakes an organization again within this time of its turn waits for more of the same.
_BATCHING = timedelta(milliseconds=20)
# So many that are due, and so many that get a look, at a time: who falls due meanwhile is not behind everybody.
_MOST, _MOST_LOOKS = 16, 4


class Agenda:
    """When each organization that has work is to have its next turn, and who waits for a place that becomes free."""

    def __init__(self) -> None:
        self._due: dict[OrgId, datetime] = {}
        self._began: dict[OrgId, datetime] = {}
        self._looked: dict[OrgId, float] = {}
        self._starved: dict[OrgId, None] = {}
        self.behind = False

    def keep(self, orgs: Collection[OrgId], now: datetime) -> None:
        """These have work. One that is new gets a look at once; others are forgotten, but for those that are due: one
        may have been woken, by its first work, while somebody looked who has any.
        """
        for gone in [org for org in self._due.keys() - set(orgs) if self._due[org] > now + _BATCHING]:
            del self._due[gone]
            self._looked.pop(gone, None)
            self._began.pop(gone, None)
            self._starved.pop(gone, None)
        for org in orgs:
            self._due.setdefault(org, NEVER)

    def wake(self, org: OrgId, now: datetime) -> None:
        """Something happened that concerns the organization."""
        began = self._began.get(org)
        moment = now if began is None else max(now, began + _BATCHING)
        self._due[org] = min(moment, self._due.get(org, NEVER))

    def look_at_all(self) -> None:
        """Something may have happened to any of them: each gets a look, after those that are due."""
        self._looked.clear()

    def due(self, now: datetime, seconds: float) -> list[OrgId]:
        """Some of those who are due, the longest first, then of those that nobody looked at for a while; `seconds` is
        the running time. `behind` says afterwards whether there are more.
        """
        ready = sorted((org for org, moment in self._due.items() if moment <= now), key=self._due.__getitem__)
        known, long_ago = set(ready), seconds - _LOOK_SECONDS
        looks = [org for org in self._due if self._looked.get(org, -math.inf) <= long_ago and org not in known]
        self.behind = len(ready) > _MOST or len(looks) > _MOST_LOOKS
        return ready[:_MOST] + looks[:_MOST_LOOKS]

    def begin(self, org: OrgId, now: datetime, seconds: float) -> None:
        """Its turn begins; what wakes it from here on is for the next one."""
        self._due[org] = NEVER
        self._began[org] = now
        self._looked[org] = seconds

    def end(self, org: OrgId, come_again: datetime | None) -> None:
        """Its turn is over; when it asks for the next."""
        self._due[org] = min(come_again or NEVER, self._due.get(org, NEVER))

    @property
    def earliest(self) -> datetime:
        """When the next is due."""
        return min(self._due.values(), default=NEVER)

    @property
    def starved(self) -> list[OrgId]:
        """Who could not begin all its calls for want of a place, the longest first: a place that becomes free is theirs
        in this order, whoever's call ended.
        """
        return list(self._starved)

    def fed(self, org: OrgId) -> None:
        """It had places to use."""
        self._starved.pop(org, None)

    def postpone(self, org: OrgId) -> None:
        """There is no place for anybody: it has its turn when there are places again, and not before."""
        self._due[org] = NEVER
        self.starve(org)

    def starve(self, org: OrgId) -> None:
        """It could have used more places. Who waits already keeps its place in the queue."""
        self._starved.setdefault(org)


class Slots:
    """A dialer's free places, lent to the turns of one round, to so many side by side: together they never take more
    than there are.
    """

    def __init__(self, free: int, sharers: int = 1) -> None:
        self._free = max(0, free)
        self._share = math.ceil(self._free / max(1, sharers))
        self._lent = 0
        self._returned = asyncio.Event()

    async def lend(self, most: int) -> int:
        """Up to `most` places, and to a sharer's part; 0 only once none is free and none is lent."""
        while self._free == 0 and self._lent > 0:
            self._returned.clear()
            await self._returned.wait()
        places = min(most, self._share, self._free)
        self._free -= places
        self._lent += places
        return places

    @property
    def free(self) -> int:
        """Places that nobody has."""
        return self._free

    def give_back(self, lent: int, used: int) -> None:
        """Of the `lent` places so many were used up."""
        self._lent -= lent
        self._free += lent - used
        self._returned.set()
