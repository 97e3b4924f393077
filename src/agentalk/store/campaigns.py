"""Campaigns. `org` None means every organization's. A deleted campaign keeps its row: its calls refer to it."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from psycopg.rows import TupleRow

from agentalk.domain.caller_id import CallerIdRule
from agentalk.domain.campaign import (
    Campaign,
    CampaignStatus,
    Counts,
    Phase,
    StatusReason,
    Voicemail,
    VoicemailAction,
    phase_shown,
)
from agentalk.domain.ids import AgentId, CampaignId, CarrierId, OrgId
from agentalk.domain.policy.model import CallingPolicy, InForce, effective
from agentalk.domain.retry import RetryPolicy
from agentalk.domain.window import Window
from agentalk.store.database import Tx, execute, fetch, fetch_one
from agentalk.store.queries import load

SQL = load("campaigns")
_AS_JSON = ("window", "retry", "voicemail", "policy", "caller_id_rule")


class Held(msgspec.Struct, frozen=True):
    """A campaign locked until the transaction ends."""

    organization_id: OrgId
    status: CampaignStatus
    start_at: datetime | None
    agent_deleted: bool
    canceling: bool


async def insert(tx: Tx, campaign: Campaign) -> None:
    """A new draft."""
    await execute(
        tx,
        SQL["insert"],
        id=campaign.id,
        org=campaign.organization_id,
        name=campaign.name,
        agent_id=campaign.agent_id,
        carrier_id=campaign.carrier_id,
        caller_ids=list(campaign.caller_ids),
        max_concurrency=campaign.max_concurrency,
        calls_per_second=campaign.calls_per_second,
        priority=campaign.priority,
        window=_json(campaign.window),
        retry=_json(campaign.retry),
        voicemail=_json(campaign.voicemail),
        policy=_json(campaign.policy),
        caller_id_rule=_json(campaign.caller_id_rule),
        reserved_concurrency=campaign.reserved_concurrency,
        now=campaign.created_at,
    )


async def get(tx: Tx, org: OrgId | None, id: CampaignId) -> Campaign | None:
    """One campaign, with its counts."""
    row = await fetch_one(tx, SQL["get"], org=org, id=id)
    return _campaign(row) if row else None


async def find(tx: Tx, org: OrgId | None, id: CampaignId) -> OrgId | None:
    """The organization of a campaign, or None if there is no such campaign."""
    row = await fetch_one(tx, SQL["find"], org=org, id=id)
    return row[0] if row else None


async def page(
    tx: Tx, org: OrgId, status: CampaignStatus | None, limit: int, offset: int
) -> tuple[list[Campaign], int]:
    """An organization's campaigns with their counts, newest first, and how many there are in all."""
    wanted = status and status.value
    return _page(await fetch(tx, SQL["page"], org=org, status=wanted, limit=limit, offset=offset))


async def page_of_all(tx: Tx, status: CampaignStatus | None, limit: int, offset: int) -> tuple[list[Campaign], int]:
    """The same of every organization. A statement of its own: either is planned once, for its own indexes."""
    wanted = status and status.value
    return _page(await fetch(tx, SQL["page_of_all"], status=wanted, limit=limit, offset=offset))


async def lock(tx: Tx, org: OrgId | None, id: CampaignId) -> Held | None:
    """Hold a campaign against others who change it. Contacts may be added, and calls dialled, meanwhile."""
    return _held(await fetch_one(tx, SQL["lock"], org=org, id=id))


async def turnstile(tx: Tx, id: CampaignId, *, alone: bool) -> None:
    """Go through a campaign's turnstile, alone or together with others, until the transaction ends.

    Who wants the campaign alone, or keeps it for long together with others, comes through here first.
    """
    await execute(tx, SQL["turnstile"], id=id, alone=alone)


async def lock_alone(tx: Tx, org: OrgId | None, id: CampaignId) -> Held | None:
    """Hold a campaign alone: those who add contacts or commit to dial are waited for, and wait."""
    return _held(await fetch_one(tx, SQL["lock_alone"], org=org, id=id))


async def hold(tx: Tx, org: OrgId | None, id: CampaignId) -> OrgId | None:
    """Keep a campaign from ending until this transaction does; its organization."""
    row = await fetch_one(tx, SQL["hold"], org=org, id=id)
    return row[0] if row else None


async def parts(tx: Tx, org: OrgId, agent: AgentId | None, carrier: CarrierId | None) -> frozenset[str]:
    """Which of `agent` and `carrier` the organization has."""
    return frozenset(row[0] for row in await fetch(tx, SQL["parts"], org=org, agent=agent, carrier=carrier))


async def change(tx: Tx, id: CampaignId, values: dict[str, Any], seen: datetime | None, now: datetime) -> bool:
    """Change a campaign; False if it changed after `seen`. What is None in `values` stays; `carrier_given` says whether
    `carrier_id` counts, `unschedule` whether to forget `start_at`.
    """
    written = {**values, **{name: values[name] and _json(values[name]) for name in _AS_JSON}}
    caller_ids = values["caller_ids"]
    written["caller_ids"] = None if caller_ids is None else list(caller_ids)
    return await fetch_one(tx, SQL["change"], id=id, seen=seen, now=now, **written) is not None


async def terms(tx: Tx, id: CampaignId) -> tuple[str | None, InForce]:
    """The kind of a campaign's carrier, None if it has none, and the policy that holds for it."""
    row = await fetch_one(tx, SQL["terms"], id=id)
    if row is None:
        raise RuntimeError("the caller holds the campaign")
    return row[0], read_in_force(row[1], row[2])


async def schedule(tx: Tx, id: CampaignId, start_at: datetime, now: datetime) -> None:
    """Have a campaign start at a time to come."""
    await execute(tx, SQL["schedule"], id=id, start_at=start_at, now=now)


async def start(tx: Tx, id: CampaignId, now: datetime) -> None:
    """Make a campaign active."""
    await execute(tx, SQL["start"], id=id, now=now)


async def begin_scheduled(tx: Tx, now: datetime) -> list[tuple[OrgId, CampaignId, CampaignStatus]]:
    """Make active, once, every campaign whose time has come; what they were before."""
    rows = await fetch(tx, SQL["begin_scheduled"], now=now)
    return [(org, id, CampaignStatus(status)) for org, id, status in rows]


async def pause(tx: Tx, id: CampaignId, now: datetime, reason: StatusReason) -> None:
    """Make an active campaign paused."""
    await execute(tx, SQL["pause"], id=id, now=now, reason=reason.value)


async def stop(tx: Tx, id: CampaignId, now: datetime) -> None:
    """Make a campaign stopped, unless it has stopped or completed."""
    await execute(tx, SQL["stop"], id=id, now=now)


async def lock_canceling(tx: Tx, id: CampaignId) -> bool:
    """Hold a stopped campaign some of whose contacts are still to be canceled; False if it is not one."""
    return await fetch_one(tx, SQL["lock_canceling"], id=id) is not None


async def take_canceling(tx: Tx) -> CampaignId | None:
    """Hold any such campaign that nobody else holds."""
    row = await fetch_one(tx, SQL["take_canceling"])
    return row[0] if row else None


async def canceled(tx: Tx, id: CampaignId) -> None:
    """All of its contacts have been canceled."""
    await execute(tx, SQL["canceled"], id=id)


async def unschedule(tx: Tx, id: CampaignId, now: datetime) -> None:
    """Forget when a campaign was to start."""
    await execute(tx, SQL["unschedule"], id=id, now=now)


async def has_live_calls(tx: Tx, id: CampaignId) -> bool:
    """Whether a call of the campaign has not ended."""
    row = await fetch_one(tx, SQL["has_live_calls"], id=id)
    return bool(row and row[0])


async def delete(tx: Tx, id: CampaignId, now: datetime) -> None:
    """The campaign is gone for its users, and never starts."""
    await execute(tx, SQL["delete"], id=id, now=now)


def _held(row: TupleRow | None) -> Held | None:
    return None if row is None else Held(row[0], CampaignStatus(row[1]), row[2], row[3], row[4])


def _page(rows: Sequence[TupleRow]) -> tuple[list[Campaign], int]:
    return [_campaign(row[1:]) for row in rows if row[1] is not None], rows[0][0]


def _campaign(row: TupleRow) -> Campaign:
    counts = Counts(*row[23:])
    status, stored = CampaignStatus(row[3]), row[4] and Phase(row[4])
    return Campaign(
        id=row[0],
        organization_id=row[1],
        name=row[2],
        status=status,
        phase=phase_shown(status, stored, row[9], counts.calling),
        status_reason=row[5] and StatusReason(row[5]),
        agent_id=row[6],
        carrier_id=row[7],
        caller_ids=tuple(row[8]),
        caller_id_rule=read_caller_id_rule(row[21]),
        start_at=row[9],
        started_at=row[10],
        ended_at=row[11],
        max_concurrency=row[12],
        calls_per_second=row[13],
        priority=row[14],
        reserved_concurrency=row[22],
        window=read_window(row[15]),
        retry=read_retry(row[16]),
        voicemail=Voicemail(VoicemailAction(row[17])),
        policy=read_policy(row[20]),
        created_at=row[18],
        updated_at=row[19],
        counts=counts,
    )


@lru_cache(maxsize=1024)
def read_window(text: str) -> Window:
    """A window from its stored JSON. Windows repeat from read to read: the same text is decoded once."""
    return msgspec.json.decode(text, type=Window)


@lru_cache(maxsize=1024)
def read_retry(text: str) -> RetryPolicy:
    """A retry policy from its stored JSON, likewise."""
    return msgspec.json.decode(text, type=RetryPolicy)


@lru_cache(maxsize=1024)
def read_policy(text: str) -> CallingPolicy:
    """A calling policy from its stored JSON, likewise."""
    return msgspec.json.decode(text, type=CallingPolicy)


@lru_cache(maxsize=1024)
def read_in_force(organization: str, campaign: str) -> InForce:
    """The policy that holds for a campaign, from its organization's and its own, likewise."""
    return effective(read_policy(organization), read_policy(campaign))


@lru_cache(maxsize=1024)
def read_caller_id_rule(text: str) -> CallerIdRule:
    """A caller id rule from its stored JSON, likewise."""
    return msgspec.json.decode(text, type=CallerIdRule)


def _json(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()
