"""Outcomes are folded as they age: nothing is lost before its time, and rows stay few."""

from collections import Counter
from datetime import timedelta

from agentalk.domain.call import Outcome
from agentalk.domain.ids import CampaignId
from agentalk.store import outcomes
from agentalk.store.database import Tx, fetch
from tests.builders import a_campaign, a_contact, an_organization
from tests.conftest import NOW, LazyDatabase
from tests.store.test_plans import SCANS_ALL, explain

ENDS = (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.CARRIER_FAILURE, Outcome.NO_ANSWER)


async def rows(tx: Tx) -> int:
    return int((await fetch(tx, "SELECT count(*) FROM outcome_tallies"))[0][0])


async def test_a_month_of_calls_is_counted_right_in_few_rows(db: LazyDatabase) -> None:
    async with db() as database, database.transaction() as tx:
        campaign = await a_campaign(tx, await an_organization(tx), status="active", now=NOW)
        ended: list[tuple[timedelta, Outcome]] = []
        now, most = NOW, 0
        for n in range(400):
            now += timedelta(minutes=111)
            ended += [(now - NOW, outcome) for outcome in ENDS for _ in range(1 + n % 3)]
            await outcomes.add(tx, [(campaign, outcome) for outcome in ENDS for _ in range(1 + n % 3)], now)
            await outcomes.fold(tx, [campaign], now)
            most = max(most, await rows(tx))
        record = (await outcomes.records(tx, [campaign], now))[campaign]
        day, month = (Counter({o: n for o, n in span.items() if n}) for span in record.spans)
        age = now - NOW

        def within(**span: float) -> Counter[Outcome]:
            return Counter(outcome for at, outcome in ended if age - at < timedelta(**span))

        assert within(hours=24) <= day <= within(hours=25)
        assert within(days=30) <= month <= within(days=31)
        assert record.recent[Outcome.ANSWERED] == within(minutes=2)[Outcome.ANSWERED]
        assert record.abandoned_since >= month[Outcome.ABANDONED]
        assert most <= len(ENDS) * (33 + 49 + 2)


async def test_a_busy_minute_is_few_rows_too(db: LazyDatabase) -> None:
    async with db() as database, database.transaction() as tx:
        campaign = await a_campaign(tx, await an_organization(tx), status="active", now=NOW)
        now = NOW
        for tenth in range(600):
            now = NOW + timedelta(seconds=tenth / 10)
            await outcomes.add(tx, [(campaign, Outcome.ANSWERED)] * 3, now)
            if tenth % 10 == 0:
                await outcomes.fold(tx, [campaign], now)
        await outcomes.fold(tx, [campaign], now)
        assert await rows(tx) == 12
        assert (await outcomes.records(tx, [campaign], now))[campaign].recent == {Outcome.ANSWERED: 1800}


async def test_what_came_before_the_start_is_told_apart_within_one_span(db: LazyDatabase) -> None:
    async with db() as database, database.transaction() as tx:
        campaign = await a_campaign(tx, await an_organization(tx), status="active", now=NOW)
        await outcomes.add(tx, [(campaign, Outcome.ABANDONED)] * 7, NOW)
        await tx.execute("UPDATE campaigns SET active_since = %s", (NOW + timedelta(seconds=1),))
        await outcomes.add(tx, [(campaign, Outcome.ABANDONED)] * 2, NOW + timedelta(seconds=2))
        for later in (timedelta(seconds=3), timedelta(minutes=5), timedelta(hours=50)):
            await outcomes.fold(tx, [campaign], NOW + later)
            assert (await outcomes.records(tx, [campaign], NOW + later))[campaign].abandoned_since == 2


async def test_other_campaigns_cost_nothing(db: LazyDatabase) -> None:
    async with db() as database, database.transaction() as tx:
        org = await an_organization(tx)
        await a_contact(tx, org)
        campaign: CampaignId = await a_campaign(tx, org, status="active")
        await tx.execute(
            """INSERT INTO outcome_tallies SELECT gen_random_uuid(), n %% 4, %s, 'answered', 1
               FROM generate_series(1, 20000) n""",
            (NOW,),
        )
        await outcomes.add(tx, [(campaign, Outcome.ANSWERED)], NOW)
        await tx.execute("ANALYZE")
        moments = {"recent": NOW, "hourly": NOW, "oldest": NOW, "day": NOW, "month": NOW}
        for name in ("fold", "records"):
            plan = await explain(tx, outcomes.SQL[name], campaigns=[campaign], **moments)
            assert not plan.scans.get("outcome_tallies", set()) & SCANS_ALL
            assert plan.pages < 60
