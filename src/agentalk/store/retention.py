"""What has been kept for as long as it is to be kept."""

from datetime import datetime
from uuid import UUID

from agentalk.domain.ids import CampaignId, uuid7
from agentalk.domain.policy.model import InForce
from agentalk.store.campaigns import read_in_force
from agentalk.store.database import Tx, execute, fetch, fetch_one
from agentalk.store.queries import load

SQL = load("retention")
_FIRST = UUID(int=0)


async def policies(tx: Tx) -> list[tuple[CampaignId, InForce]]:
    """Every campaign that ever was, with the policy in force for it."""
    return [(id, read_in_force(theirs, own)) for id, theirs, own in await fetch(tx, SQL["policies"])]


async def count_calls(tx: Tx, campaign: CampaignId, before: datetime) -> int:
    """How many of a campaign's calls ended before then, and still tell of a person."""
    row = await fetch_one(
        tx, SQL["count_calls"], campaign=campaign, before=before, first=_FIRST, below=_first_id(before)
    )
    return int(row[0]) if row else 0


async def empty_calls(tx: Tx, campaign: CampaignId, before: datetime, most: int) -> int:
    """Take the person out of at most `most` of these calls, the next ones: what was said, and the number; how many."""
    below = _first_id(before)
    return await execute(tx, SQL["empty_calls"], campaign=campaign, before=before, first=_FIRST, below=below, most=most)


async def count_reports(tx: Tx, before: datetime) -> int:
    """How many carriers' reports, of calls that have ended, came before then."""
    row = await fetch_one(tx, SQL["count_reports"], before=before)
    return int(row[0]) if row else 0


async def delete_reports(tx: Tx, before: datetime) -> int:
    """Forget them; how many."""
    return await execute(tx, SQL["delete_reports"], before=before)


async def count_answers(tx: Tx, before: datetime) -> int:
    """How many answers to Idempotency-Keys were kept before then."""
    row = await fetch_one(tx, SQL["count_answers"], before=before)
    return int(row[0]) if row else 0


def _first_id(moment: datetime) -> UUID:
    """An id that is below all that were made from `moment` on."""
    return UUID(int=uuid7(moment).int >> 80 << 80)
