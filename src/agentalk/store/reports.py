"""What carriers report: the inbox that takes each report once, and the calls and contacts that a report changes."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from agentalk.domain.call import CallEvent, CallStatus, Course
from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.campaign_contact import Policy, Progress
from agentalk.domain.ids import CallId, CampaignId, DialerId, OrgId
from agentalk.store.campaigns import read_in_force, read_retry, read_window
from agentalk.store.database import Tx, execute, fetch, fetch_one
from agentalk.store.queries import load

SQL = load("reports")


class LiveCall(msgspec.Struct, frozen=True):
    """A live call under lock, with its contact's way through the campaign."""

    id: CallId
    organization_id: OrgId
    generation: int
    attempt: int
    dialed_at: datetime | None
    course: Course
    contact: Progress


class Check(msgspec.Struct, frozen=True):
    """A call that the carrier is to be asked about (`ask`), or asked to end (`hang_up`)."""

    id: CallId
    organization_id: OrgId
    carrier: str
    carrier_call_id: str | None
    status: CallStatus
    dialed_at: datetime | None
    uncertain_at: datetime | None
    answered_at: datetime | None
    hang_up: bool
    ask: bool


async def keep_events(tx: Tx, carrier: str, events: Sequence[CallEvent], now: datetime) -> list[CallEvent]:
    """Put events into the inbox; those that had not come before, in the order given."""
    rows = [
        {
            "carrier_call_id": event.carrier_call_id,
            "type": event.type,
            "sequence": event.sequence,
            "call_id": event.call_id,
            "at": event.at,
        }
        for event in events
    ]
    fresh = set(await fetch(tx, SQL["keep_events"], carrier=carrier, events=_json(rows), now=now))
    kept = []
    for event in events:
        key = (event.carrier_call_id, event.type.value, event.sequence)
        if key in fresh:
            fresh.discard(key)  # the same report twice in one batch counts once
            kept.append(event)
    return kept


async def campaigns_of_calls(tx: Tx, ids: Sequence[CallId]) -> dict[CampaignId, Policy]:
    """The campaigns of these calls, held against pause and stop until this transaction ends."""
    rows = await fetch(tx, SQL["campaigns_of_calls"], ids=list(ids))
    return {
        id: Policy(CampaignStatus(status), read_window(window), read_retry(retry), read_in_force(theirs, own))
        for id, status, window, retry, theirs, own in rows
    }


async def lock_calls(tx: Tx, carrier: str, ids: Sequence[CallId]) -> list[LiveCall]:
    """Those of the calls that live and are with this kind of carrier, locked with their contacts."""
    return [
        LiveCall(
            id,
            org,
            generation,
            attempt,
            dialed_at,
            Course(
                status=CallStatus(status),
                carrier_call_id=carrier_call_id,
                uncertain_at=uncertain_at,
                ringing_at=ringing_at,
                answered_at=answered_at,
            ),
            Progress(
                campaign_id=campaign,
                contact_id=contact,
                zones=zones,
                generation=contact_generation,
                attempts=attempts,
                misfires=misfires,
                outcomes=outcomes,
                reset_pending=reset_pending,
                callback_at=callback_at,
                lane=lane,
                due_at=due_at,
            ),
        )
        for (
            id, org, campaign, contact, status, carrier_call_id, dialed_at, uncertain_at, ringing_at, answered_at,
            generation, attempt, zones, contact_generation, attempts, misfires, outcomes, reset_pending, callback_at,
            lane, due_at,
        ) in await fetch(tx, SQL["lock_calls"], carrier=carrier, ids=list(ids))
    ]  # fmt: skip


async def save_calls(tx: Tx, courses: Iterable[tuple[CallId, Course, datetime | None]]) -> None:
    """Write what became of locked calls, each with the next moment to ask about it (None: as it was)."""
    rows = [{"id": id, "check_at": check_at, **msgspec.structs.asdict(course)} for id, course, check_at in courses]
    await execute(tx, SQL["save_calls"], calls=_json(rows))


async def save_contacts(tx: Tx, contacts: Sequence[Progress]) -> None:
    """Write where the contacts of ended calls stand."""
    await execute(tx, SQL["save_contacts"], contacts=_json(contacts))


async def mark_invalid(tx: Tx, ids: Sequence[CallId], now: datetime) -> None:
    """Mark the numbers of these calls as not existing, unless the contact has another one, or is being changed."""
    await execute(tx, SQL["mark_invalid"], ids=list(ids), now=now)


async def calls_to_check(tx: Tx, dialer: DialerId, most: int, now: datetime) -> list[Check]:
    """The dialer's live calls that are due for a question to the carrier."""
    rows = await fetch(tx, SQL["calls_to_check"], dialer=dialer, most=most, now=now)
    return [
        Check(id, org, carrier, carrier_call_id, CallStatus(status), dialed_at, uncertain_at, answered_at, hang_up, ask)
        for id, org, carrier, carrier_call_id, status, dialed_at, uncertain_at, answered_at, hang_up, ask in rows
    ]


async def check_again(tx: Tx, moments: Sequence[tuple[CallId, datetime | None, datetime | None]]) -> None:
    """Ask again about these calls, and for their end, at (check, hang up); None leaves a moment as it is."""
    rows = [{"id": id, "check_at": check, "hangup_at": hangup} for id, check, hangup in moments]
    await execute(tx, SQL["check_again"], calls=_json(rows))


async def next_check(tx: Tx, dialer: DialerId) -> datetime | None:
    """When the dialer's next question to a carrier is due."""
    row = await fetch_one(tx, SQL["next_check"], dialer=dialer)
    return row[0] if row else None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
