"""How many calls may start now, and whose: token buckets, a carrier's recovery, and fair shares."""

import heapq
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from agentalk.domain.ids import CampaignId, CarrierId

# A bucket holds a tenth of a second's worth, at least one call: an even pace, without a tick for each call.
_BURST_SECONDS = 0.1
# A carrier that asked to slow down gets no calls for the first of these; if it asks again while it recovers, for twice
# as long as before, up to the second.
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=2), timedelta(seconds=64)
# Its rate then grows from a tenth to the whole over so long.
_RECOVERY = timedelta(seconds=60)
_RECOVERS_FROM = 0.1
# Without a limit of pace, a carrier that recovers has its lines filled in no less than this.
_FILL_SECONDS = 10.0


class Bucket(msgspec.Struct, frozen=True):
    """A token bucket: `tokens` there were at `at`; it fills at `rate` per second."""

    rate: float
    tokens: float
    at: datetime | None

    def at_moment(self, now: datetime) -> "Bucket":
        """The bucket as it stands at `now`. A clock that went back adds nothing."""
        most = max(1.0, self.rate * _BURST_SECONDS) if self.rate > 0 else 0.0
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


class Slowdown(msgspec.Struct, frozen=True):
    """No calls before `until`; `times` is how often in a row the carrier asked again while it recovered."""

    until: datetime | None = None
    times: int = 0

    def asked(self, sent_at: datetime, now: datetime) -> "Slowdown":
        """After the carrier refused, at `now`, what was sent at `sent_at`. What was sent before a pause is old news."""
        if self.until is None or sent_at >= self.until + _RECOVERY:
            return Slowdown(now + _FIRST_PAUSE, 0)
        if sent_at < self.until:
            return self
        return Slowdown(now + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self.times + 1, 10)), self.times + 1)

    def rate(self, full: float, max_live: int, now: datetime) -> float:
        """Calls per second at `now`, of `full` for a carrier of `max_live` lines: none, growing, or all.

        The lines count where they are the tighter bound, so that a carrier without a limit of pace recovers gently too.
        """
        if self.until is None or now >= self.until + _RECOVERY:
            return full
        if now < self.until:
            return 0.0
        share = _RECOVERS_FROM + (1 - _RECOVERS_FROM) * ((now - self.until) / _RECOVERY)
        return min(full, max_live / _FILL_SECONDS) * share


class Demand(msgspec.Struct, frozen=True):
    """What one campaign could use: `due` calls at most now (its own limits applied), with `live` calls already.

    `reserved` live calls are kept for it.
    """

    campaign_id: CampaignId
    carrier_id: CarrierId | None
    priority: int
    live: int
    due: int
    reserved: int = 0

    @property
    def kept(self) -> int:
        """Places that are kept for it and that it has not filled."""
        return max(0, self.reserved - self.live)


def fair_shares(
    demands: Sequence[Demand], capacity: int, rooms: Mapping[CarrierId, int], *, places: int | None = None
) -> dict[CampaignId, int]:
    """Deal `capacity` calls out: first to campaigns that have not filled the places kept for them, then by priority,
    and among equals each next call to the one with the fewest live.

    So a small campaign beside a huge one gets the next call that becomes free. `rooms` is what each carrier can take;
    `places` is what is free of the organization's limit (None: just `capacity`). Places kept for others are not dealt,
    whether those could use them now or not. Where more is kept than is free, those it is kept for share that by the
    same order, and nobody else gets any.
    """
    shares: dict[CampaignId, int] = {}
    left = dict(rooms)
    free = capacity if places is None else places
    capacity = min(capacity, free)
    common = free - sum(demand.kept for demand in demands)
    queue = [(demand.kept == 0, -demand.priority, demand.live, i) for i, demand in enumerate(demands) if demand.due > 0]
    heapq.heapify(queue)
    while queue and capacity > 0:
        beyond, priority, live, i = heapq.heappop(queue)
        demand = demands[i]
        if beyond and common <= 0:
            break
        if demand.carrier_id is None or left.get(demand.carrier_id, 0) <= 0:
            continue
        have = shares.get(demand.campaign_id, 0)
        calls = 1
        if not queue:  # nobody is left to take turns with
            most = common if beyond else demand.kept - have
            calls = min(most, capacity, left[demand.carrier_id], demand.due - have)
        left[demand.carrier_id] -= calls
        capacity -= calls
        common -= calls if beyond else 0
        shares[demand.campaign_id] = have + calls
        if have + calls < demand.due:
            heapq.heappush(queue, (have + calls >= demand.kept, priority, live + calls, i))
    return shares
