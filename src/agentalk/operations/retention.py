"""What is forgotten in time: what was said to whom once a policy's retention is over, and what nobody asks for again.

A call stays on record without its person. Nothing younger than the retention in force is touched.
"""

from datetime import datetime, timedelta

import msgspec

from agentalk.domain.ids import CampaignId
from agentalk.store import idempotency, retention
from agentalk.store.database import Tx

# A carrier that repeats a report does so within hours; after this long it would be a new one, of a call that has ended.
_REPORTS = timedelta(days=30)
_ANSWERS = timedelta(hours=24)
_MOST = 10_000


class Expired(msgspec.Struct, frozen=True):
    """Calls that still tell of a person, reports of carriers, and answers to Idempotency-Keys, kept long enough."""

    calls: int
    reports: int
    answers: int


async def expired(tx: Tx, now: datetime) -> Expired:
    """How much there is to be forgotten."""
    calls = [await retention.count_calls(tx, campaign, before) for campaign, before in await terms(tx, now)]
    reports = await retention.count_reports(tx, now - _REPORTS)
    return Expired(sum(calls), reports, await retention.count_answers(tx, now - _ANSWERS))


async def terms(tx: Tx, now: datetime) -> list[tuple[CampaignId, datetime]]:
    """Each campaign, and the moment before which its calls ended that are to be forgotten."""
    return [(id, now - timedelta(days=policy.retention_days)) for id, policy in await retention.policies(tx)]


async def forget_calls(tx: Tx, campaign: CampaignId, before: datetime) -> int:
    """Forget who was called, and what was said, in some of a campaign's calls; how many: none once all are done."""
    return await retention.empty_calls(tx, campaign, before, _MOST)


async def forget_reports(tx: Tx, now: datetime) -> int:
    """Forget carriers' reports that cannot be repeated any more; how many."""
    return await retention.delete_reports(tx, now - _REPORTS)


async def forget_answers(tx: Tx, now: datetime) -> int:
    """Forget some answers to Idempotency-Keys that are not replayed any more; how many: none once all are done."""
    return await idempotency.prune(tx, now - _ANSWERS, _MOST)
