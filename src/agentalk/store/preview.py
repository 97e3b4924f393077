"""What a preview of a campaign is made of: its contacts by what is known of them, its pace, what calls have come to."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from agentalk.domain.call import Outcome
from agentalk.domain.consent import Consent, ConsentType
from agentalk.domain.ids import CampaignId, OrgId, uuid7
from agentalk.domain.policy.decision import Facts
from agentalk.domain.preview import Alike
from agentalk.domain.window import ZoneGroup
from agentalk.store.database import Tx, execute, fetch, fetch_anew, fetch_one
from agentalk.store.queries import load

SQL = load("preview")

# A memory for sorting that suits a million contacts; PostgreSQL's own default is for small statements.
_WORK_MEMORY = "256MB"


class Limits(msgspec.Struct, frozen=True):
    """What bounds the pace of a campaign: calls per second of its own and its carrier's, live calls of both and of the
    organization; None where it has no carrier. `throttled`: it has a part of its own only (`domain/health.py`).
    """

    calls_per_second: float
    max_concurrency: int
    org_max: int
    carrier_rate: float | None
    carrier_max: int | None
    throttled: bool


class Outcomes(msgspec.Struct, frozen=True):
    """How the newest calls of a campaign ended, and how many seconds they took from dialling to their end."""

    calls: int
    counts: dict[Outcome, int]
    seconds: float


async def groups(tx: Tx, campaign: CampaignId) -> list[ZoneGroup]:
    """The zone groups of the campaign's contacts."""
    return [group for (group,) in await fetch(tx, SQL["groups"], campaign=campaign)]


async def work_memory(tx: Tx) -> None:
    """Let this transaction's statements sort in memory."""
    await execute(tx, SQL["work_memory"], size=_WORK_MEMORY)


async def alike(tx: Tx, org: OrgId, campaign: CampaignId, back: timedelta, now: datetime) -> list[Alike]:
    """The campaign's open contacts by what is known of them at `now`; attempts are told as far as `back`.

    Moments of attempts are told by the minute, rounded up: so that a million contacts make some thousand groups. What
    is for good (phone, opt-out, lists, consent) is told exactly.
    """
    rows = await fetch_anew(
        tx,
        SQL["alike"],
        org=org,
        campaign=campaign,
        since=now - back,
        since_id=_first_id(now - back),
        now=now,
    )
    return [
        Alike(
            facts=Facts(
                group=zones,
                phone="" if has_phone else None,
                phone_invalid=invalid,
                opted_out=opted_out,
                listed=tuple(listed or ()),
                consent=_consent(consent, in_time, now),
                by_phone=tuple(by_phone or ()),
                by_contact=tuple(by_contact or ()),
                last_conversation_at=talked,
                last_abandoned_at=abandoned,
                called_for_other=for_other,
                phone_busy=busy,
            ),
            attempts=attempts,
            held_by=held_by,
            ready_at=ready_at,
            twin=twin,
            contacts=contacts,
        )
        for (
            zones, has_phone, invalid, opted_out, listed, consent, in_time, by_phone, by_contact, talked, abandoned,
            for_other, busy, attempts, held_by, ready_at, twin, contacts,
        ) in rows
    ]  # fmt: skip


async def skipped(tx: Tx, campaign: CampaignId) -> dict[str, int]:
    """How many contacts of the campaign are skipped already, by reason."""
    return dict(await fetch(tx, SQL["skipped"], campaign=campaign))


async def limits(tx: Tx, campaign: CampaignId) -> Limits:
    """What bounds the pace of a campaign."""
    row = await fetch_one(tx, SQL["limits"], campaign=campaign)
    if row is None:
        raise RuntimeError("the caller found the campaign")
    return Limits(*row)


async def outcomes(tx: Tx, campaign: CampaignId, most: int) -> Outcomes:
    """How the newest `most` calls of the campaign ended."""
    rows = await fetch(tx, SQL["outcomes"], campaign=campaign, most=most)
    calls = sum(n for _, n, _ in rows)
    seconds = sum(seconds for _, _, seconds in rows) / calls if calls else 0.0
    return Outcomes(calls, {Outcome(outcome): n for outcome, n, _ in rows}, seconds)


def _first_id(moment: datetime) -> UUID:
    """An id that is below all that were made from `moment` on."""
    return UUID(int=uuid7(moment).int >> 80 << 80)


def _consent(type: str | None, in_time: bool, now: datetime) -> Consent | None:
    """A consent of this type that serves now, or one that has expired: what else it says does not decide."""
    if type is None:
        return None
    captured_at = now if in_time else now - timedelta(days=1)
    return Consent(type=ConsentType(type), captured_at=captured_at, evidence="-", expires_at=None if in_time else now)
