"""What an organization's campaigns could do at one moment, and how the free capacity is dealt out: pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from agentalk.domain.caller_id import Usage, next_day
from agentalk.domain.campaign import Phase
from agentalk.domain.health import THROTTLED_PART
from agentalk.domain.ids import CampaignId, CarrierId
from agentalk.domain.pace import Bucket, Demand, fair_shares
from agentalk.domain.policy.hours import next_lawful, unplaceable
from agentalk.domain.window import ZoneGroup
from agentalk.store.dialing import ActiveCampaign, CarrierRoom, Share, Tally

# Calls that may start are waited for in batches, never longer than this.
_BATCHING = timedelta(milliseconds=20)


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign at one moment.

    `wanted` is how many calls its own limits allow now, `kept` how many live calls are kept for it; `zones` are the
    groups whose window is open, `opens_at` when the next of the others opens; `unknown` are the groups that nobody can
    place, and so nobody may call. `rested_at` is when its numbers may be used again, if today they no longer may.
    """

    campaign: ActiveCampaign
    kept: int
    rested_at: datetime | None
    room: CarrierRoom | None
    bucket: Bucket
    zones: tuple[ZoneGroup, ...]
    opens_at: datetime | None
    unknown: tuple[ZoneGroup, ...]
    finished: bool
    empty: bool
    wanted: int

    def share(self, quota: int) -> Share:
        """This campaign's claim to `quota` calls."""
        if self.room is None:
            return Share(self.campaign.id, self.zones, quota)
        return Share(self.campaign.id, self.zones, quota, self.room.id, self.room.kind)


def look(
    campaign: ActiveCampaign,
    tallies: Sequence[Tally],
    rooms: Mapping[CarrierId | None, CarrierRoom],
    usage: Usage,
    now: datetime,
) -> Outlook:
    """One campaign's outlook. `rooms` holds the carriers that this process can use, the default one also under None;
    `usage` is what the numbers bore today.
    """
    zones: list[ZoneGroup] = []
    openings: list[datetime] = []
    unknown: list[ZoneGroup] = []
    window, policy = campaign.rules.window, campaign.rules.policy
    for tally in tallies:
        if tally.pending + tally.waiting == 0:
            continue
        span = next_lawful(window, policy, tally.zones, now)
        if span is None:
            if unplaceable(window, policy, tally.zones, now):
                unknown.append(tally.zones)
        elif span[0] <= now:
            zones.append(tally.zones)
        else:
            openings.append(span[0])
    part = THROTTLED_PART if campaign.throttled else 1.0
    most = math.ceil(campaign.max_concurrency * part)
    bucket = replace(campaign.bucket, rate=campaign.bucket.rate * part).at_moment(now)
    room = rooms.get(campaign.carrier_id)
    if room is not None and not policy.lets_ring(room.kind):
        room = None
    numbers = usage.room(campaign.numbers)
    able = min(most - campaign.live, bucket.whole) if zones and room else 0
    total = sum(tally.total for tally in tallies)
    return Outlook(
        campaign=campaign,
        kept=min(campaign.reserved, most),
        rested_at=next_day(now) if numbers == 0 else None,
        room=room,
        bucket=bucket,
        zones=tuple(zones),
        opens_at=min(openings, default=None),
        unknown=tuple(unknown),
        finished=total > 0 and not any(tally.pending + tally.waiting + tally.calling for tally in tallies),
        empty=total == 0,
        wanted=max(0, able if numbers is None else min(able, numbers)),
    )


def deal(
    outlooks: Iterable[Outlook],
    due: Mapping[CampaignId, int],
    *,
    capacity: int,
    places: int,
    buckets: Mapping[CarrierId, Bucket],
) -> list[Share]:
    """Shares of `capacity` for campaigns with `due` contacts, within what each carrier can take.

    `places` are free of the organization's limit. `buckets` are the carriers' token buckets at this moment.
    """
    everyone = list(outlooks)
    rooms = {
        outlook.room.id: min(outlook.room.max_live - outlook.room.live, buckets[outlook.room.id].whole)
        for outlook in everyone
        if outlook.room
    }
    demands = [
        Demand(
            outlook.campaign.id,
            outlook.room.id if outlook.room else None,
            outlook.campaign.priority,
            outlook.campaign.live,
            min(outlook.wanted, due.get(outlook.campaign.id, 0)),
            outlook.kept,
        )
        for outlook in everyone
    ]
    shares = fair_shares(demands, capacity, rooms, places=places)
    return [outlook.share(shares[outlook.campaign.id]) for outlook in everyone if outlook.campaign.id in shares]


def phase(outlook: Outlook, claimed: int, due: int) -> Phase:
    """What the engine is doing with a campaign after a tick that claimed `claimed` of its `due` contacts."""
    if claimed or outlook.campaign.live:
        return Phase.DIALING
    if outlook.empty or outlook.finished:
        return Phase.IDLE
    if due:
        return Phase.NO_CAPACITY
    # Contacts of a group that nobody can place are about to be skipped.
    return Phase.WAITING if outlook.zones or outlook.unknown else Phase.OUTSIDE_WINDOW


def next_moment(
    outlooks: Iterable[Outlook], spent: Mapping[object, Bucket], next_due: datetime | None, now: datetime
) -> datetime | None:
    """When there is next something to do without any event: a window opens, a contact falls due, a call may start, a
    new day brings the numbers new calls.

    `spent` are the token buckets after this tick, of campaigns and carriers that have more to do.
    """
    moments = [moment for each in outlooks for moment in (each.opens_at, each.rested_at) if moment]
    moments += [
        max(token, now + _BATCHING)
        for bucket in spent.values()
        if bucket.whole < 1 and (token := bucket.next_token()) is not None
    ]
    if next_due is not None:
        moments.append(next_due)
    return min(moments, default=None)
