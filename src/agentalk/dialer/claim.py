"""One organization's turn: under its lock, count what is live, deal out what is free, and reserve the calls."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from agentalk.dialer.health import supervise
from agentalk.dialer.judge import tell
from agentalk.dialer.plan import Outlook, deal, look, next_moment, phase
from agentalk.dialer.reserve import NOBODY, reserve
from agentalk.domain.caller_id import Rota, Usage
from agentalk.domain.campaign import Phase
from agentalk.domain.event import EventName, Happening
from agentalk.domain.ids import CampaignId, CarrierId, DecisionId, DialerId, OrgId
from agentalk.domain.pace import Bucket
from agentalk.store import caller_ids, campaign_contacts, claims, dialing, events
from agentalk.store.claims import Reservation
from agentalk.store.database import Tx
from agentalk.store.dialing import ActiveCampaign, CarrierRoom, Share, Tally

# Somebody else has the organization, or the contacts that are due, mostly for milliseconds.
_LOCKED_OUT = timedelta(milliseconds=25)
MOST_PER_TURN = 200
_MOST_SKIPPED = 2_000
_FOLD_ROWS = 40


class Turn(msgspec.Struct, frozen=True):
    """What came of an organization's turn: the calls reserved, their campaigns, and when to come again unasked.

    `hungry`: with more of the dialer's places there might have been more calls. `decisions` are kept once the turn is
    committed.
    """

    reservations: list[Reservation]
    campaigns: Mapping[CampaignId, ActiveCampaign]
    come_again: datetime | None
    hungry: bool = False
    decisions: frozenset[DecisionId] = frozenset()


async def claim(
    tx: Tx,
    org: OrgId,
    *,
    dialer: DialerId,
    kinds: Collection[str],
    slots: int,
    now: datetime,
    decisions: Collection[DecisionId] = (),
) -> Turn:
    """Reserve what may be called at `now` through carriers of `kinds`, by a dialer that can hold `slots` more calls.

    `decisions` are known to be kept.
    """
    if not await dialing.lock_organization(tx, org):
        return Turn([], {}, now + _LOCKED_OUT)
    # From here on in later statements: a count made in the statement that takes the lock may be older than the lock.
    carriers = await dialing.carriers_of(tx, org)
    active, judge_at = await supervise(tx, org, await dialing.active_campaigns(tx, org), now)
    if not active or not carriers:
        return Turn([], {}, judge_at)
    campaigns = {campaign.id: campaign for campaign in active}
    tallies = await dialing.tallies_of(tx, list(campaigns))
    usage = await caller_ids.usage(tx, org, now) if any(each.numbers.caller_ids for each in active) else Usage()
    rooms = _rooms(carriers, kinds)
    outlooks = [look(campaign, tallies.get(campaign.id, []), rooms, usage, now) for campaign in active]
    more_to_tidy = await _tidy(tx, org, outlooks, tallies, now)

    places = max(0, carriers[0].org_max - sum(carrier.live for carrier in carriers))
    capacity = min(MOST_PER_TURN, places, slots)
    buckets = {carrier.id: _bucket(carrier, now) for carrier in carriers}
    due = await _due(tx, outlooks, capacity, now)
    shares = deal(outlooks, due, capacity=capacity, places=places, buckets=buckets)
    if shares:
        held = await dialing.hold_campaigns(tx, [share.campaign_id for share in shares])
        shares = [share for share in shares if share.campaign_id in held]
    rota, chosen = Rota(usage), NOBODY
    if shares:
        chosen = await reserve(tx, org, shares, campaigns, dialer=dialer, rota=rota, decisions=decisions, now=now)
    if rota.begun:
        await caller_ids.begin(tx, org, rota.begun, now)
    claimed = Counter(reservation.campaign_id for reservation in chosen.reservations)
    spent = _spend(outlooks, claimed, buckets)
    if claimed:
        await dialing.save_buckets(
            tx,
            {outlook.campaign.id: spent[outlook.campaign.id] for outlook in outlooks if outlook.campaign.id in claimed},
            {id: spent[id] for id in {outlook.room.id for outlook in outlooks if outlook.room} if id in spent},
        )
    # Of whom nobody was claimed, nobody was due: a lone campaign's were not counted, others' had to stand aside.
    due = {id: n for id, n in due.items() if claimed[id] or id not in {share.campaign_id for share in shares}}
    await _save_phases(tx, outlooks, claimed, due)
    come_again = await _come_again(tx, outlooks, shares, claimed, due, spent, now)
    if len(chosen.reservations) == MOST_PER_TURN:
        come_again = now
    elif not claimed and come_again:
        come_again = max(come_again, now + _LOCKED_OUT)
    soon = now + timedelta(seconds=1) if more_to_tidy or chosen.skipped else None
    pauses = [carrier.slowdown.until for carrier in carriers if carrier.slowdown.until and carrier.slowdown.until > now]
    return Turn(
        chosen.reservations,
        campaigns,
        min((moment for moment in (come_again, judge_at, soon, *pauses) if moment), default=None),
        hungry=slots < min(MOST_PER_TURN, places) and len(chosen.reservations) == slots and bool(due),
        decisions=chosen.decisions,
    )


def _rooms(carriers: list[CarrierRoom], kinds: Collection[str]) -> dict[CarrierId | None, CarrierRoom]:
    rooms: dict[CarrierId | None, CarrierRoom] = {}
    for carrier in carriers:
        if carrier.kind in kinds:
            rooms[carrier.id] = carrier
            if carrier.is_default:
                rooms[None] = carrier
    return rooms


def _bucket(carrier: CarrierRoom, now: datetime) -> Bucket:
    """What the carrier takes at this moment: nothing during a pause that it asked for, less than usual after it."""
    return replace(carrier.bucket, rate=carrier.slowdown.rate(carrier.bucket.rate, carrier.max_live, now)).at_moment(
        now
    )


async def _tidy(
    tx: Tx, org: OrgId, outlooks: list[Outlook], tallies: Mapping[CampaignId, list[Tally]], now: datetime
) -> bool:
    """Skip contacts of unknown zone, complete what is finished, fold tallies; whether there may be more to do."""
    unknown = [(outlook.campaign.id, group) for outlook in outlooks for group in outlook.unknown]
    skipped = await claims.skip_no_timezone(tx, unknown, _MOST_SKIPPED) if unknown else []
    happenings = tell(org, skipped)
    more = bool(skipped)
    for outlook in outlooks:
        id = outlook.campaign.id
        if outlook.finished:
            # The lock first: contacts that are being added are then seen, or wait until the campaign is complete.
            if await dialing.lock_campaign(tx, id) and await dialing.complete_if_finished(tx, id, now):
                happenings.append(Happening(org, id, EventName.CAMPAIGN_COMPLETED, {"campaignId": id}))
            else:
                more = True
        if sum(tally.rows for tally in tallies.get(id, [])) > _FOLD_ROWS + 7 * len(tallies.get(id, [])):
            await campaign_contacts.fold(tx, id)
    await events.add_events(tx, happenings, now)
    return more


async def _due(tx: Tx, outlooks: list[Outlook], most: int, now: datetime) -> dict[CampaignId, int]:
    """How many contacts each campaign could call now, of `most` in all; at least whether there is one.

    So it is told apart, without capacity too, who waits for it and who for a time to come. A lone campaign that may
    call is not counted: it has no one to share with.
    """
    able = [outlook for outlook in outlooks if outlook.zones]
    if len(able) == 1 and able[0].wanted and most:
        return {able[0].campaign.id: min(able[0].wanted, most)}
    if not able:
        return {}
    counted = await dialing.count_due(tx, [each.share(max(1, min(each.wanted, most))) for each in able], now)
    return {id: n for id, n in counted.items() if n}


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
