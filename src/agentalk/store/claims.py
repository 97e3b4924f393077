"""From a contact that is due to a call that is dialled: picked, reserved or set aside, and committed as `dialing`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from agentalk.domain.campaign_contact import SkipReason
from agentalk.domain.ids import CallId, CampaignId, CarrierId, ContactId, DecisionId, DialerId, OrgId
from agentalk.domain.policy.version import Kept
from agentalk.domain.window import ZoneGroup
from agentalk.store.database import Tx, execute, fetch
from agentalk.store.queries import load

SQL = load("claims")


class Candidate(msgspec.Struct, frozen=True):
    """A contact that is due, locked; `zones` is the group it was found in."""

    campaign_id: CampaignId
    contact_id: ContactId
    zones: ZoneGroup
    attempts: int
    name: str | None
    attributes: dict[str, Any]


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is `reserved`, nothing has been sent. `decision_id` names what it was allowed by."""

    id: CallId
    campaign_id: CampaignId
    contact_id: ContactId
    carrier_id: CarrierId | None
    carrier: str
    zones: ZoneGroup
    phone: str
    caller_id: str | None
    decision_id: DecisionId
    name: str | None
    attributes: dict[str, Any]


class SetAside(msgspec.Struct, frozen=True, kw_only=True):
    """A contact that is not called now: skipped for a reason, or due (again) at a later moment (None: when it was)."""

    campaign_id: CampaignId
    contact_id: ContactId
    zones: ZoneGroup
    due_at: datetime | None = None
    wait_reason: str | None = None
    skip_reason: SkipReason | None = None


class Skipped(msgspec.Struct, frozen=True):
    """A contact that was skipped after so many attempts."""

    campaign_id: CampaignId
    contact_id: ContactId
    attempts: int
    reason: SkipReason


class Dialed(msgspec.Struct, frozen=True):
    """A reservation that passed the second check, and what it was allowed by then."""

    id: CallId
    decision_id: DecisionId


async def pick(
    tx: Tx, org: OrgId, shares: Mapping[CampaignId, tuple[Sequence[ZoneGroup], int]], now: datetime
) -> list[Candidate]:
    """Of each campaign's due contacts of these zone groups the first so many, locked."""
    rows = [
        {"campaign_id": campaign, "zones": [{"zones": group} for group in zones], "most": most}
        for campaign, (zones, most) in shares.items()
    ]
    return [Candidate(*row) for row in await fetch(tx, SQL["pick"], org=org, shares=_json(rows), now=now)]


async def keep_policies(tx: Tx, policies: Mapping[str, str], now: datetime) -> None:
    """Keep the JSON texts of policies under their versions; those that are kept already stay as they are."""
    rows = [{"id": version, "body": msgspec.Raw(text.encode())} for version, text in policies.items()]
    await execute(tx, SQL["keep_policies"], policies=_json(rows), now=now)


async def keep_decisions(tx: Tx, decisions: Collection[Kept]) -> None:
    """Keep decisions whose policies are kept; those that are kept already stay as they are."""
    await execute(tx, SQL["keep_decisions"], decisions=_json(list(decisions)))


async def reserve(
    tx: Tx, org: OrgId, reservations: Sequence[Reservation], *, dialer: DialerId, now: datetime, release_at: datetime
) -> None:
    """Write calls for picked contacts. Needs the organization's lock. One not dialled by `release_at` is given back."""
    rows = [
        {
            "id": each.id,
            "campaign_id": each.campaign_id,
            "contact_id": each.contact_id,
            "carrier_id": each.carrier_id,
            "carrier": each.carrier,
            "phone": each.phone,
            "caller_id": each.caller_id,
            "decision_id": each.decision_id,
        }
        for each in reservations
    ]
    await execute(tx, SQL["reserve"], org=org, calls=_json(rows), dialer=dialer, now=now, release_at=release_at)


async def set_aside(tx: Tx, contacts: Sequence[SetAside]) -> list[Skipped]:
    """Skip contacts that are to be called, or have them wait; those that were skipped."""
    rows = await fetch(tx, SQL["set_aside"], contacts=_json(contacts))
    return [
        Skipped(campaign, contact, attempts, SkipReason(reason))
        for campaign, contact, attempts, reason in rows
        if reason
    ]


async def skip_no_timezone(tx: Tx, unknown: Sequence[tuple[CampaignId, ZoneGroup]], most: int) -> list[Skipped]:
    """Skip contacts of groups without a zone, at most `most` of each campaign, group and lane."""
    rows = [{"campaign_id": campaign, "zones": group} for campaign, group in unknown]
    return [
        Skipped(campaign, contact, attempts, SkipReason(reason))
        for campaign, contact, attempts, reason in await fetch(
            tx, SQL["skip_no_timezone"], unknown=_json(rows), most=most
        )
    ]


async def commit_dialing(
    tx: Tx, calls: Sequence[Dialed], *, dialer: DialerId, now: datetime, check_at: datetime, fresh_since: datetime
) -> set[CallId]:
    """Turn reservations into `dialing` and count the attempts; the calls that passed.

    The dialer must not be fenced and must have a heartbeat since `fresh_since`.
    """
    rows = await fetch(
        tx,
        SQL["commit_dialing"],
        calls=_json(calls),
        dialer=dialer,
        now=now,
        check_at=check_at,
        fresh_since=fresh_since,
    )
    return {id for (id,) in rows}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
