"""What an organization's campaigns could do at one moment, and how the free capacity is dealt out: pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from agentalk.domain.campaign import Phase
from agentalk.domain.ids import CampaignId, CarrierId
from agentalk.domain.pace import Bucket, Demand, fair_shares
from agentalk.domain.policy.hours import next_lawful, unplaceable
from agentalk.domain.window import ZoneGroup
from agentalk.store.dialing import ActiveCampaign, CarrierRoom, Share, Tally

# Calls that may start are waited for in batches, never longer than this.
_BATCHING = timedelta(milliseconds=20)


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign at one moment.

    `wanted` is how many calls its own limits allow now; `zones` are the groups whose window is open, `opens_at` when
    the next of the others opens; `unknown` are the groups that nobody can place, and so nobody may call.
    """

    campaign: ActiveCampaign
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
    campaign: ActiveCampaign, tallies: Sequence[Tally], rooms: Mapping[CarrierId | None, CarrierRoom], now: datetime
) -> Outlook:
    """One campaign's outlook. `rooms` holds the carriers that this process can use, the default one also under None."""
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
    bucket = campaign.bucket.at_moment(now)
    room = rooms.get(campaign.carrier_id)
    able = min(campaign.max_concurrency - campaign.live, bucket.whole) if zones and room else 0
    total = sum(tally.total for tally in tallies)
    return Outlook(
        campaign=campaign,
        room=room,
        bucket=bucket,
        zones=tuple(zones),
        opens_at=min(openings, default=None),
        unknown=tuple(unknown),
        finished=total > 0 and not any(tally.pending + tally.waiting + tally.calling for tally in tallies),
        empty=total == 0,
        wanted=max(0, able),
    )


def deal(
    outlooks: Iterable[Outlook], due: Mapping[CampaignId, int], *, capacity: int, buckets: Mapping[CarrierId, Bucket]
) -> list[Share]:
    """Shares of `capacity` for campaigns with `due` contacts, within what each carrier can take.

    `buckets` are the carriers' token buckets at this moment; one that is missing takes nothing now.
    """
    able = [outlook for outlook in outlooks if outlook.room and due.get(outlook.campaign.id)]
    rooms = {
        outlook.room.id: min(outlook.room.max_live - outlook.room.live, buckets[outlook.room.id].whole)
        for outlook in able
        if outlook.room and outlook.room.id in buckets
    }
    demands = [
        Demand(
            outlook.campaign.id,
            outlook.room.id,
            outlook.campaign.priority,
            outlook.campaign.live,
            min(outlook.wanted, due[outlook.campaign.id]),
        )
        for outlook in able
        if outlook.room
    ]
    shares = fair_shares(demands, capacity, rooms)
    return [outlook.share(shares[outlook.campaign.id]) for outlook in able if outlook.campaign.id in shares]


def phase(outlook: Outlook, claimed: int, due: int) -> Phase:
    """What the engine is doing with a campaign after a tick that claimed `claimed` of its `due` contacts."""
    if claimed or outlook.campaign.live:
        return Phase.DIALING
    if outlook.empty or outlook.finished:
        return Phase.IDLE
    if due or (outlook.zones and not outlook.wanted):
        return Phase.NO_CAPACITY
    if outlook.zones:
        return Phase.WAITING
    return Phase.OUTSIDE_WINDOW if outlook.opens_at else Phase.WAITING


def next_moment(
    outlooks: Iterable[Outlook], spent: Mapping[object, Bucket], next_due: datetime | None, now: datetime
) -> datetime | None:
    """When there is next something to do without any event: a window opens, a contact falls due, a call may start.

    `spent` are the token buckets after this tick, of campaigns and carriers that have more to do.
    """
    moments = [outlook.opens_at for outlook in outlooks if outlook.opens_at]
    moments += [
        max(token, now + _BATCHING)
        for bucket in spent.values()
        if bucket.whole < 1 and (token := bucket.next_token()) is not None
    ]
    if next_due is not None:
        moments.append(next_due)
    return min(moments, default=None)
