"""What an explanation of one contact of a campaign is made of."""

from datetime import datetime

from agentalk.domain.call import AnsweredBy, CallStatus, Outcome
from agentalk.domain.caller_id import Numbers, Usage, day_of
from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.event import EventName
from agentalk.domain.explanation import PastCall, PastEvent, Standing
from agentalk.domain.ids import CampaignId, ContactId
from agentalk.domain.policy.model import CallingPolicy
from agentalk.store.campaigns import read_caller_id_rule, read_policy
from agentalk.store.database import Tx, fetch, fetch_one
from agentalk.store.queries import load

SQL = load("explain")

# How far back events are looked through: a campaign of a million contacts has many millions.
_NEWEST_EVENTS = 20_000
_MOST_CALLS = 100


async def standing(tx: Tx, campaign: CampaignId, now: datetime) -> tuple[Standing, CallingPolicy, CallingPolicy]:
    """A campaign and what it calls through, with its organization's policy and its own, as they are written."""
    row = await fetch_one(tx, SQL["standing"], campaign=campaign, day=day_of(now))
    if row is None:
        raise RuntimeError("the caller found the campaign")
    (
        status, reason, start_at, live, most, org_live, org_most, carrier, carrier_live, carrier_most, slow_until,
        caller_ids, rule, used, resting, theirs, own,
    ) = row  # fmt: skip
    found = Standing(
        status=CampaignStatus(status),
        status_reason=reason,
        start_at=start_at,
        live=live,
        most=most,
        org_live=org_live,
        org_most=org_most,
        carrier=carrier,
        carrier_live=carrier_live,
        carrier_most=carrier_most or 0,
        slow_until=slow_until,
        numbers=Numbers(tuple(caller_ids), read_caller_id_rule(rule)),
        usage=Usage(used or {}, frozenset(resting or ())),
    )
    return found, read_policy(theirs), read_policy(own)


async def due_at(tx: Tx, campaign: CampaignId, contact: ContactId) -> datetime | None:
    """When a contact of a campaign is, or was, due."""
    row = await fetch_one(tx, SQL["due_at"], campaign=campaign, contact=contact)
    return row[0] if row else None


async def calls(tx: Tx, campaign: CampaignId, contact: ContactId) -> tuple[PastCall, ...]:
    """The newest calls of a contact in a campaign, the oldest of them first."""
    rows = await fetch(tx, SQL["calls"], campaign=campaign, contact=contact, most=_MOST_CALLS)
    return tuple(
        PastCall(
            id=id,
            attempt=attempt,
            status=CallStatus(status),
            outcome=outcome and Outcome(outcome),
            answered_by=answered_by and AnsweredBy(answered_by),
            caller_id=caller_id,
            at=at,
            ended_at=ended_at,
            policy_version=version,
            decision=decision,
        )
        for id, attempt, status, outcome, answered_by, caller_id, at, ended_at, version, decision in rows
    )


async def events(tx: Tx, campaign: CampaignId, contact: ContactId) -> tuple[PastEvent, ...]:
    """What happened to a contact, of the newest events of its campaign, the oldest first."""
    rows = await fetch(tx, SQL["events"], campaign=campaign, contact=contact, most=_NEWEST_EVENTS)
    return tuple(PastEvent(at=at, type=EventName(type), data=data) for at, type, data in rows)
