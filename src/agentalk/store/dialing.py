"""What one tick reads and writes: the organization's lock, its limits, and what is due."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import msgspec

from agentalk.domain.caller_id import Numbers
from agentalk.domain.campaign import Phase
from agentalk.domain.ids import CallId, CampaignId, CarrierId, DialerId, OrgId
from agentalk.domain.pace import Bucket, Slowdown
from agentalk.domain.policy.model import InForce, effective
from agentalk.domain.policy.version import policy_text, policy_version
from agentalk.domain.window import Window, ZoneGroup
from agentalk.store.campaigns import read_caller_id_rule, read_policy, read_window
from agentalk.store.database import Tx, execute, fetch, fetch_one
from agentalk.store.queries import load

SQL = load("dialing")


class CarrierRoom(msgspec.Struct, frozen=True):
    """A carrier's limits and what stands against them now.

    `org_max` bounds the organization's live calls over all carriers.
    """

    id: CarrierId
    kind: str
    is_default: bool
    max_live: int
    bucket: Bucket
    slowdown: Slowdown
    live: int
    org_max: int


class Rules(msgspec.Struct, frozen=True):
    """By what a campaign's calls are judged. `version` names the two together, `text` is all that it stands for."""

    window: Window
    policy: InForce
    version: str
    text: str


class ActiveCampaign(msgspec.Struct, frozen=True):
    """What a tick needs of an active campaign. `organization` is the name of who calls, `unjudged_since` when the first
    call ended that the breaker has not looked at.
    """

    id: CampaignId
    organization: str
    carrier_id: CarrierId | None
    priority: int
    max_concurrency: int
    bucket: Bucket
    phase: str | None
    rules: Rules
    numbers: Numbers
    reserved: int
    throttled: bool
    unjudged_since: datetime | None
    leave_message: bool
    first_message: str
    voicemail_message: str
    live: int


class Tally(msgspec.Struct, frozen=True):
    """A campaign's contacts of one zone group: to be called, on a call, and all; `rows` is how many were summed."""

    zones: ZoneGroup
    pending: int
    waiting: int
    calling: int
    total: int
    rows: int


class Share(msgspec.Struct, frozen=True):
    """What a campaign may claim: at most `quota` contacts of these zone groups, through this carrier."""

    campaign_id: CampaignId
    zones: tuple[ZoneGroup, ...]
    quota: int = 0
    carrier_id: CarrierId | None = None
    carrier: str = ""


async def lock_organization(tx: Tx, org: OrgId) -> bool:
    """Take the organization for this transaction; False if another dialer has it, which is not waited for."""
    row = await fetch_one(tx, SQL["lock_organization"], org=org)
    return bool(row and row[0])


async def organizations_with_work(tx: Tx) -> list[OrgId]:
    """Every organization that has an active campaign."""
    return [row[0] for row in await fetch(tx, SQL["organizations_with_work"])]


async def live_of_dialer(tx: Tx, dialer: DialerId) -> int:
    """How many calls a dialer holds, over all organizations."""
    row = await fetch_one(tx, SQL["live_of_dialer"], dialer=dialer)
    return row[0] if row else 0


async def carriers_of(tx: Tx, org: OrgId) -> list[CarrierRoom]:
    """The organization's carriers with what is live on each."""
    return [
        CarrierRoom(id, kind, default, most, Bucket(rate, tokens, at), Slowdown(slow, times), live, org_max)
        for id, kind, default, most, rate, tokens, at, slow, times, live, org_max in await fetch(
            tx, SQL["carriers_of"], org=org
        )
    ]


async def active_campaigns(tx: Tx, org: OrgId) -> list[ActiveCampaign]:
    """The organization's active campaigns."""
    rows = await fetch(tx, SQL["active_campaigns"], org=org)
    return [
        ActiveCampaign(
            id=id,
            organization=name,
            carrier_id=carrier,
            priority=priority,
            max_concurrency=most,
            bucket=Bucket(rate, tokens, at),
            phase=phase,
            rules=read_rules(window, ours, own),
            numbers=Numbers(tuple(callers), read_caller_id_rule(rule)),
            reserved=reserved,
            throttled=throttled,
            unjudged_since=unjudged,
            leave_message=machine == "leave_message",
            first_message=first,
            voicemail_message=message,
            live=live,
        )
        for (
            id, carrier, priority, most, rate, tokens, at, phase, callers, machine, first, message, live, name,
            window, ours, own, rule, reserved, throttled,
            unjudged,
        ) in rows
    ]  # fmt: skip


async def tallies_of(tx: Tx, campaigns: Sequence[CampaignId]) -> dict[CampaignId, list[Tally]]:
    """The campaigns' contacts by zone group."""
    tallies: dict[CampaignId, list[Tally]] = {}
    for campaign, zones, pending, waiting, calling, total, rows in await fetch(
        tx, SQL["tallies_of"], campaigns=list(campaigns)
    ):
        tally = Tally(zones, pending or 0, waiting or 0, calling or 0, total, rows)
        tallies.setdefault(campaign, []).append(tally)
    return tallies


async def next_scheduled(tx: Tx) -> datetime | None:
    """When the next scheduled campaign starts."""
    row = await fetch_one(tx, SQL["next_scheduled"])
    return row[0] if row else None


async def count_due(tx: Tx, shares: Sequence[Share], now: datetime) -> dict[CampaignId, int]:
    """How many contacts each campaign could call at `now`, counted no further than its `quota`."""
    rows = await fetch(tx, SQL["count_due"], shares=_encode_shares(shares), now=now)
    return {campaign: due for campaign, due in rows}  # noqa: C416 (dict() would lose the types)


async def next_due(tx: Tx, shares: Sequence[Share]) -> datetime | None:
    """When the first of the contacts of these shares is, or was, due."""
    row = await fetch_one(tx, SQL["next_due"], shares=_encode_shares(shares))
    return row[0] if row else None


async def hold_campaigns(tx: Tx, campaigns: Sequence[CampaignId]) -> set[CampaignId]:
    """Those of the campaigns that are active and that nobody is ending; they stay so until this transaction ends."""
    return {id for (id,) in await fetch(tx, SQL["hold_campaigns"], campaigns=list(campaigns))}


async def save_buckets(tx: Tx, campaigns: Mapping[CampaignId, Bucket], carriers: Mapping[CarrierId, Bucket]) -> None:
    """Keep the token buckets as they stand."""
    rows = [
        {"kind": kind, "id": id, "tokens": bucket.tokens, "at": bucket.at}
        for kind, buckets in (("campaign", campaigns), ("carrier", carriers))
        for id, bucket in buckets.items()
    ]
    await execute(tx, SQL["save_buckets"], buckets=_json(rows))


async def save_phases(tx: Tx, phases: dict[CampaignId, Phase]) -> None:
    """Keep what the engine is doing with each campaign."""
    await execute(tx, SQL["save_phases"], phases=_json([{"id": id, "phase": phase} for id, phase in phases.items()]))


async def lock_campaign(tx: Tx, campaign: CampaignId) -> bool:
    """Lock an active campaign against additions and transitions; False if it is not active, or someone else has it."""
    return await fetch_one(tx, SQL["lock_campaign"], campaign=campaign) is not None


async def complete_if_finished(tx: Tx, campaign: CampaignId, now: datetime) -> bool:
    """Complete a locked campaign all of whose contacts are finished and that has no live call."""
    return await fetch_one(tx, SQL["complete_if_finished"], campaign=campaign, now=now) is not None


async def campaigns_allowed(tx: Tx, campaigns: Sequence[CampaignId]) -> dict[CampaignId, Rules]:
    """Of these campaigns those that may still dial, with their rules; held so until this transaction ends."""
    rows = await fetch(tx, SQL["campaigns_allowed"], campaigns=list(campaigns))
    return {campaign: read_rules(window, ours, own) for campaign, window, ours, own in rows}


async def release_reserved(tx: Tx, ids: Sequence[CallId], now: datetime) -> int:
    """Give reservations back: no attempt is used. Calls in other states are left alone; how many were released."""
    return await execute(tx, SQL["release_reserved"], ids=list(ids), now=now)


async def hold_carriers(tx: Tx, org: OrgId, kind: str) -> dict[CarrierId, Slowdown]:
    """How far the organization's carriers of this kind are slowed down; they stay so until this transaction ends."""
    rows = await fetch(tx, SQL["hold_carriers"], org=org, kind=kind)
    return {id: Slowdown(until, times) for id, until, times in rows}


async def slow_carrier(tx: Tx, carrier: CarrierId, slowdown: Slowdown) -> None:
    """No new calls through a carrier for a while, then few."""
    await execute(tx, SQL["slow_carrier"], carrier=carrier, until=slowdown.until, times=slowdown.times)


@lru_cache(maxsize=1024)
def read_rules(window: str, organization: str, campaign: str) -> Rules:
    """A campaign's rules from what is stored of its window, its organization's policy and its own."""
    hours, policy = read_window(window), effective(read_policy(organization), read_policy(campaign))
    return Rules(hours, policy, policy_version(policy, hours), policy_text(policy, hours))


def _encode_shares(shares: Sequence[Share]) -> str:
    return _json(
        [
            {
                "campaign_id": share.campaign_id,
                "zones": [{"zones": group} for group in share.zones],
                "most": share.quota,
            }
            for share in shares
        ]
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
