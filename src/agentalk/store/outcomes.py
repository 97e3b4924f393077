"""How calls ended: appended as they end, folded as they age, summed for the breaker and the governor."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from agentalk.domain.call import Outcome
from agentalk.domain.health import ABANDON_SPANS, BREAKER_SPAN, Record
from agentalk.domain.ids import CampaignId
from agentalk.store.database import Tx, execute, fetch
from agentalk.store.queries import load

SQL = load("outcomes")

# Until when the spans of five seconds and of an hour are kept. The first outlast what the breaker looks at, so that no
# hour that began within its span holds anything older.
_FIVE_SECONDS_FOR, _HOURS_FOR = BREAKER_SPAN + timedelta(seconds=30), timedelta(hours=48)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


async def add(tx: Tx, ended: Iterable[tuple[CampaignId, Outcome]], now: datetime) -> None:
    """Calls of these campaigns ended so."""
    rows = [
        {"campaign_id": campaign, "outcome": outcome, "n": n}
        for (campaign, outcome), n in sorted(Counter(ended).items())
    ]
    await execute(tx, SQL["add"], outcomes=_json(rows), now=now)


async def fold(tx: Tx, campaigns: Sequence[CampaignId], now: datetime) -> None:
    """Sum up what these campaigns' calls came to. Needs the organization's lock."""
    await execute(
        tx,
        SQL["fold"],
        campaigns=list(campaigns),
        recent=now - _FIVE_SECONDS_FOR,
        hourly=now - _HOURS_FOR,
        oldest=now - max(ABANDON_SPANS) - 2 * _DAY,
    )


async def records(tx: Tx, campaigns: Sequence[CampaignId], now: datetime) -> dict[CampaignId, Record]:
    """How the folded calls of these campaigns ended. 24 hours are counted to the hour, 30 days to the day, rather too
    long than too short.
    """
    day, month = ABANDON_SPANS
    recent: dict[CampaignId, dict[Outcome, int]] = {}
    spans: dict[CampaignId, tuple[dict[Outcome, int], dict[Outcome, int]]] = {}
    abandoned: dict[CampaignId, int] = {}
    for campaign, text, lately, in_a_day, in_a_month, since_start in await fetch(
        tx,
        SQL["records"],
        campaigns=list(campaigns),
        recent=now - BREAKER_SPAN,
        day=now - day - _HOUR,
        month=now - month - _DAY,
    ):
        outcome = Outcome(text)
        recent.setdefault(campaign, {})[outcome] = lately
        of_a_day, of_a_month = spans.setdefault(campaign, ({}, {}))
        of_a_day[outcome], of_a_month[outcome] = in_a_day, in_a_month
        if outcome is Outcome.ABANDONED:
            abandoned[campaign] = since_start
    return {id: Record(recent=recent[id], spans=spans[id], abandoned_since=abandoned.get(id, 0)) for id in recent}


async def throttle(tx: Tx, campaigns: Mapping[CampaignId, bool]) -> None:
    """Have these campaigns run at half their pace and concurrency, or at the whole again."""
    rows = [{"id": id, "throttled": throttled} for id, throttled in campaigns.items()]
    await execute(tx, SQL["throttle"], campaigns=_json(rows))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
