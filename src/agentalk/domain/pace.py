"""How many calls may start now, and whose: token buckets and fair shares."""

import heapq
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from agentalk.domain.ids import CampaignId, CarrierId

# A bucket holds a tenth of a second's worth, at least one call: an even pace, without a tick for each call.
_BURST_SECONDS = 0.1


class Bucket(msgspec.Struct, frozen=True):
    """A token bucket: `tokens` there were at `at`; it fills at `rate` per second."""

    rate: float
    tokens: float
    at: datetime | None

    def at_moment(self, now: datetime) -> "Bucket":
        """The bucket as it stands at `now`. A clock that went back adds nothing."""
        most = max(1.0, self.rate * _BURST_SECONDS)
        if self.at is None:
            return Bucket(self.rate, most, now)
        gained = max(0.0, (now - self.at).total_seconds()) * self.rate
        return Bucket(self.rate, min(most, self.tokens + gained), max(now, self.at))

    @property
    def whole(self) -> int:
        """Calls that may start now."""
        # A tolerance far below a call: summing parts of a second must not lose a token to rounding.
        return int(self.tokens + 1e-6)

    def spend(self, calls: int) -> "Bucket":
        """The bucket after `calls` started."""
        return Bucket(self.rate, max(0.0, self.tokens - calls), self.at)

    def next_token(self) -> datetime | None:
        """When the next call may start, or None if never (a rate of 0) or not yet begun."""
        if self.at is None or self.rate <= 0:
            return None
        # Clocks count whole microseconds: rounded down, the moment would come before its token.
        return self.at + timedelta(seconds=max(0.0, 1 - self.tokens) / self.rate, microseconds=1)


class Demand(msgspec.Struct, frozen=True):
    """What one campaign could use: `due` calls at most now (its own limits applied), with `live` calls already."""

    campaign_id: CampaignId
    carrier_id: CarrierId
    priority: int
    live: int
    due: int


def fair_shares(demands: Sequence[Demand], capacity: int, rooms: Mapping[CarrierId, int]) -> dict[CampaignId, int]:
    """Deal `capacity` calls out: higher priority first; among equals each next call to the one with the fewest live.

    So a small campaign beside a huge one gets the next call that becomes free. `rooms` is what each carrier can take.
    """
    shares: dict[CampaignId, int] = {}
    left = dict(rooms)
    queue = [(-demand.priority, demand.live, i) for i, demand in enumerate(demands) if demand.due > 0]
    heapq.heapify(queue)
    while queue and capacity > 0:
        priority, live, i = heapq.heappop(queue)
        demand = demands[i]
        if left.get(demand.carrier_id, 0) <= 0:
            continue
        left[demand.carrier_id] -= 1
        capacity -= 1
        shares[demand.campaign_id] = shares.get(demand.campaign_id, 0) + 1
        if shares[demand.campaign_id] < demand.due:
            heapq.heappush(queue, (priority, live + 1, i))
    return shares
