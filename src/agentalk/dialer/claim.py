"""One organization's turn: under its lock, count what is live, deal out what is free, and reserve the calls."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import msgspec

from agentalk.dialer.judge import tell
from agentalk.dialer.plan import Outlook, deal, look, next_moment, phase
from agentalk.dialer.reserve import NOBODY, reserve
from agentalk.domain.campaign import Phase
from agentalk.domain.event import EventName, Happening
from agentalk.domain.ids import CampaignId, CarrierId, DialerId, OrgId
from agentalk.domain.pace import Bucket
from agentalk.store import campaign_contacts, claims, dialing, events
from agentalk.store.claims import Reservation
from agentalk.store.database import Tx
from agentalk.store.dialing import ActiveCampaign, CarrierRoom, Share, Tally

# Somebody else has the organization, or the contacts that are due, mostly for milliseconds.
_LOCKED_OUT = timedelta(milliseconds=25)
_MOST_PER_TURN = 200
_MOST_SKIPPED = 2_000
_FOLD_ROWS = 40


class Turn(msgspec.Struct, frozen=True):
    """What came of an organization's turn: the calls reserved, their campaigns, and when to come again unasked.

    `policies` are versions that are stored once the turn is committed.
    """

    reservations: list[Reservation]
    campaigns: Mapping[CampaignId, ActiveCampaign]
    come_again: datetime | None
    policies: frozenset[str] = frozenset()


async def claim(
    tx: Tx,
    org: OrgId,
    *,
    dialer: DialerId,
    kinds: Collection[str],
    slots: int,
    now: datetime,
    policies: Collection[str] = (),
) -> Turn:
    """Reserve what may be called at `now` through carriers of `kinds`, by a dialer that can hold `slots` calls.

    `policies` are versions that are known to be stored.
    """
    if not await dialing.lock_organization(tx, org):
        return Turn([], {}, now + _LOCKED_OUT)
    # From here on in later statements: a count made in the statement that takes the lock may be older than the lock.
    carriers = await dialing.carriers_of(tx, org, dialer)
    campaigns = {campaign.id: campaign for campaign in await dialing.active_campaigns(tx, org)}
    if not campaigns or not carriers:
        return Turn([], {}, None)
    tallies = await dialing.tallies_of(tx, list(campaigns))
    rooms = _rooms(carriers, kinds)
    outlooks = [look(campaign, tallies.get(campaign.id, []), rooms, now) for campaign in campaigns.values()]
    skipped = await _tidy(tx, org, outlooks, tallies, now)

    capacity = min(
        _MOST_PER_TURN,
        carriers[0].org_max - sum(carrier.live for carrier in carriers),
        slots - carriers[0].dialer_live,
    )
    buckets = {
        carrier.id: carrier.bucket.at_moment(now)
        for carrier in carriers
        if carrier.slow_until is None or carrier.slow_until <= now
    }
    # Without capacity too it is told apart who waits for it, and who for a time to come.
    due = await _due(tx, outlooks, max(1, capacity), now)
    shares = deal(outlooks, due, capacity=max(0, capacity), buckets=buckets)
    if shares:
        held = await dialing.hold_campaigns(tx, [share.campaign_id for share in shares])
        shares = [share for share in shares if share.campaign_id in held]
    chosen = await reserve(tx, org, shares, campaigns, dialer=dialer, policies=policies, now=now) if shares else NOBODY
    claimed = Counter(reservation.campaign_id for reservation in chosen.reservations)
    spent = _spend(outlooks, claimed, buckets)
    if claimed:
        await dialing.save_buckets(
            tx,
            {outlook.campaign.id: spent[outlook.campaign.id] for outlook in outlooks if outlook.campaign.id in claimed},
            {id: spent[id] for id in {outlook.room.id for outlook in outlooks if outlook.room} if id in spent},
        )
    if shares and not claimed:
        due = {}  # a lone campaign's were not counted: there were none
    await _save_phases(tx, outlooks, claimed, due)
    come_again = await _come_again(tx, outlooks, shares, claimed, due, spent, now)
    if len(chosen.reservations) == _MOST_PER_TURN:
        come_again = now
    elif not claimed and come_again:
        come_again = max(come_again, now + _LOCKED_OUT)
    if skipped or chosen.skipped or any(carrier.slow_until and carrier.slow_until > now for carrier in carriers):
        come_again = min(come_again or now + timedelta(seconds=1), now + timedelta(seconds=1))
    return Turn(chosen.reservations, campaigns, come_again, chosen.policies)


def _rooms(carriers: list[CarrierRoom], kinds: Collection[str]) -> dict[CarrierId | None, CarrierRoom]:
    rooms: dict[CarrierId | None, CarrierRoom] = {}
    for carrier in carriers:
        if carrier.kind in kinds:
            rooms[carrier.id] = carrier
            if carrier.is_default:
                rooms[None] = carrier
    return rooms


async def _tidy(
    tx: Tx, org: OrgId, outlooks: list[Outlook], tallies: Mapping[CampaignId, list[Tally]], now: datetime
) -> bool:
    """Skip contacts of unknown zone, complete what is finished, fold tallies; whether there may be more to skip."""
    unknown = [(outlook.campaign.id, group) for outlook in outlooks for group in outlook.unknown]
    skipped = await claims.skip_no_timezone(tx, unknown, _MOST_SKIPPED) if unknown else []
    happenings = tell(org, skipped)
    for outlook in outlooks:
        id = outlook.campaign.id
        # The lock first: contacts that are being added are then seen, or wait until the campaign is complete.
        if outlook.finished and await dialing.lock_campaign(tx, id) and await dialing.complete_if_finished(tx, id, now):
            happenings.append(Happening(org, id, EventName.CAMPAIGN_COMPLETED, {"campaignId": id}))
        if sum(tally.rows for tally in tallies.get(id, [])) > _FOLD_ROWS + 7 * len(tallies.get(id, [])):
            await campaign_contacts.fold(tx, id)
    await events.add_events(tx, happenings, now)
    return bool(skipped)


async def _due(tx: Tx, outlooks: list[Outlook], most: int, now: datetime) -> dict[CampaignId, int]:
    """How many contacts each campaign could call now. A lone campaign is not counted: it has no one to share with."""
    wanting = [outlook for outlook in outlooks if outlook.wanted > 0]
    if not wanting:
        return {}
    if len(wanting) == 1:
        return {wanting[0].campaign.id: min(wanting[0].wanted, most)}
    return await dialing.count_due(tx, [outlook.share(min(outlook.wanted, most)) for outlook in wanting], now)


def _spend(
    outlooks: list[Outlook], claimed: Mapping[CampaignId, int], buckets: dict[CarrierId, Bucket]
) -> dict[object, Bucket]:
    """The token buckets of campaigns and carriers after this turn."""
    spent: dict[object, Bucket] = dict(buckets.items())
    for outlook in outlooks:
        calls = claimed.get(outlook.campaign.id, 0)
        spent[outlook.campaign.id] = outlook.bucket.spend(calls)
        if outlook.room and outlook.room.id in spent:
            spent[outlook.room.id] = spent[outlook.room.id].spend(calls)
    return spent


async def _save_phases(
    tx: Tx, outlooks: list[Outlook], claimed: Mapping[CampaignId, int], due: Mapping[CampaignId, int]
) -> None:
    changed: dict[CampaignId, Phase] = {}
    for outlook in outlooks:
        id = outlook.campaign.id
        now_in = phase(outlook, claimed.get(id, 0), due.get(id, 0))
        if outlook.campaign.phase != now_in:
            changed[id] = now_in
    if changed:
        await dialing.save_phases(tx, changed)


async def _come_again(
    tx: Tx,
    outlooks: list[Outlook],
    shares: list[Share],
    claimed: Mapping[CampaignId, int],
    due: Mapping[CampaignId, int],
    spent: Mapping[object, Bucket],
    now: datetime,
) -> datetime | None:
    quotas = {share.campaign_id: share.quota for share in shares}
    # Where fewer were claimed than could be, the rest is due later, or stood behind some that had to step back.
    ran_out = [
        outlook.share(0)
        for outlook in outlooks
        if outlook.wanted
        and (
            claimed.get(outlook.campaign.id, 0) < quotas.get(outlook.campaign.id, 0) or not due.get(outlook.campaign.id)
        )
    ]
    next_due = await dialing.next_due(tx, ran_out) if ran_out else None
    idle = {share.campaign_id for share in ran_out}
    waiting = [outlook for outlook in outlooks if outlook.zones and outlook.campaign.id not in idle]
    ids = {outlook.campaign.id for outlook in waiting} | {outlook.room.id for outlook in waiting if outlook.room}
    return next_moment(outlooks, {id: bucket for id, bucket in spent.items() if id in ids}, next_due, now)
