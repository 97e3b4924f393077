"""What may happen to a campaign: every row of the table, alone and under contention."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentalk.domain.campaign import Campaign, CampaignStatus, Phase, StatusReason
from agentalk.domain.errors import Conflict, Invalid, NotFound
from agentalk.domain.ids import CampaignId, OrgId
from agentalk.operations import campaigns
from agentalk.store.database import Database, Tx
from tests.builders import a_call, a_campaign, a_contact, an_organization
from tests.conftest import NOW, LazyDatabase
from tests.operations.watching import sql

LATER = NOW + timedelta(hours=1)
Ask = Callable[[Tx, OrgId, CampaignId, datetime], Awaitable[Campaign]]


async def start_later(tx: Tx, org: OrgId, id: CampaignId, now: datetime) -> Campaign:
    return await campaigns.start(tx, org, id, now + timedelta(hours=1), now)


async def start_now(tx: Tx, org: OrgId, id: CampaignId, now: datetime) -> Campaign:
    return await campaigns.start(tx, org, id, None, now)


ASKS: dict[str, Ask] = {
    "start": start_now,
    "start at T": start_later,
    "pause": campaigns.pause,
    "stop": campaigns.stop,
}
# The design's table: (from, ask) → the status after it, None where it is refused.
D, A, P, S, C = CampaignStatus
TABLE: dict[tuple[CampaignStatus, str], CampaignStatus | None] = {
    (D, "start"): A, (D, "start at T"): D, (D, "pause"): None, (D, "stop"): S,
    (A, "start"): A, (A, "start at T"): None, (A, "pause"): P, (A, "stop"): S,
    (P, "start"): A, (P, "start at T"): P, (P, "pause"): P, (P, "stop"): S,
    (S, "start"): A, (S, "start at T"): S, (S, "pause"): None, (S, "stop"): S,
    (C, "start"): A, (C, "start at T"): C, (C, "pause"): None, (C, "stop"): None,
}  # fmt: skip


async def events(database: Database, campaign: CampaignId) -> list[str]:
    return [
        row[0] for row in await sql(database, "SELECT type FROM events WHERE campaign_id = %s ORDER BY seq", campaign)
    ]


async def a_scene(database: Database, status: CampaignStatus = D, **columns: Any) -> tuple[OrgId, CampaignId]:
    async with database.transaction() as tx:
        org = await an_organization(tx)
        return org, await a_campaign(tx, org, status=status.value, **columns)


@pytest.mark.parametrize(("status", "ask"), list(TABLE))
async def test_every_row_of_the_table(db: LazyDatabase, status: CampaignStatus, ask: str) -> None:
    target = TABLE[status, ask]
    async with db() as database:
        org, id = await a_scene(database, status)
        before = await database.run(campaigns.get, org, id)
        if target is None:
            with pytest.raises(Conflict) as error:
                await database.run(ASKS[ask], org, id, NOW)
            assert error.value.code == "invalid_state"
            assert await database.run(campaigns.get, org, id) == before
            return
        after = await database.run(ASKS[ask], org, id, NOW)

        assert after.status is target
        assert after.start_at == (LATER if ask == "start at T" else None)
        if status is target and ask != "start at T":
            assert after == before
            assert await events(database, id) == []


class Model:
    """What a campaign must be after any sequence of asks, by the table alone."""

    def __init__(self) -> None:
        self.status = D
        self.start_at: datetime | None = None
        self.started_at: datetime | None = None

    def ask(self, name: str, now: datetime) -> bool:
        """Whether it is allowed; if so, do it."""
        target = TABLE[self.status, name]
        if target is None:
            return False
        if name == "start at T":
            self.start_at = now + timedelta(hours=1)
            return True
        self._become(target, now)
        return True

    def wait(self, now: datetime) -> None:
        if self.start_at is not None and self.start_at <= now:
            self._become(A, now)

    def _become(self, target: CampaignStatus, now: datetime) -> None:
        self.started_at = self.started_at or (now if target is A else None)
        self.status, self.start_at = target, None


@given(steps=st.lists(st.sampled_from([*ASKS, "wait", "finish"]), max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_asks_follows_the_table(db: LazyDatabase, steps: Sequence[str]) -> None:
    asyncio.run(_follow(db, steps))


async def _follow(db: LazyDatabase, steps: Sequence[str]) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        model, now = Model(), NOW
        for step in steps:
            now += timedelta(minutes=25)
            if step == "wait":
                model.wait(now)
                await database.run(campaigns.begin_scheduled, now)
            elif step == "finish":
                if model.status is A:
                    model.status = C
                    await sql(
                        database, "UPDATE campaigns SET status = 'completed', ended_at = %s WHERE id = %s", now, id
                    )
            elif model.ask(step, now):
                await database.run(ASKS[step], org, id, now)
            else:
                with pytest.raises(Conflict):
                    await database.run(ASKS[step], org, id, now)
            found = await database.run(campaigns.get, org, id)
            assert (found.status, found.start_at, found.started_at) == (model.status, model.start_at, model.started_at)
            assert (found.ended_at is None) == (found.status in (D, A, P))
            assert (found.phase is Phase.SCHEDULED) == (model.start_at is not None)


async def test_ten_concurrent_starts_are_one(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        starts = [database.run(campaigns.start, org, id, None, NOW + timedelta(seconds=i)) for i in range(10)]
        found = await asyncio.gather(*starts)

        assert {one.status for one in found} == {A}
        assert len({one.started_at for one in found}) == 1
        assert await events(database, id) == ["campaign.started"]


async def test_a_start_after_a_pause_resumes(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        for step in ("start", "pause", "start", "stop", "start"):
            await database.run(ASKS[step], org, id, NOW)
        found = await database.run(campaigns.get, org, id)

        assert found.started_at == NOW
        assert found.ended_at is None
        assert await events(database, id) == [
            "campaign.started",
            "campaign.paused",
            "campaign.resumed",
            "campaign.stopped",
            "campaign.started",
        ]


@pytest.mark.parametrize("at", [NOW.replace(tzinfo=None), LATER.replace(tzinfo=None)])
async def test_a_time_without_an_offset_is_refused(db: LazyDatabase, at: datetime) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        with pytest.raises(Invalid) as error:
            await database.run(campaigns.start, org, id, at, NOW)
        assert error.value.errors[0].field == "startAt"


async def test_a_scheduled_campaign_begins_once_whoever_begins_it(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database, P)
        await database.run(campaigns.start, org, id, LATER, NOW)
        assert await database.run(campaigns.begin_scheduled, LATER - timedelta(microseconds=1)) == []
        rounds = await asyncio.gather(*(database.run(campaigns.begin_scheduled, LATER) for _ in range(8)))

        assert [begun for begun in rounds if begun] == [[(org, id)]]
        found = await database.run(campaigns.get, org, id)
        assert (found.status, found.status_reason, found.start_at) == (A, StatusReason.SCHEDULE, None)
        assert await events(database, id) == ["campaign.resumed"]
        assert await database.run(campaigns.begin_scheduled, LATER) == []


async def test_a_deleted_campaign_never_begins(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database)
        await database.run(campaigns.start, org, id, LATER, NOW)
        await database.run(campaigns.delete, org, id, NOW)

        assert await database.run(campaigns.begin_scheduled, LATER) == []
        with pytest.raises(NotFound):
            await database.run(campaigns.start, org, id, None, NOW)


async def test_a_campaign_with_a_live_call_is_not_deleted(db: LazyDatabase) -> None:
    async with db() as database:
        org, id = await a_scene(database, S)
        async with database.transaction() as tx:
            call = await a_call(tx, org, id, await a_contact(tx, org), status="ringing", dialed_at=NOW)
        with pytest.raises(Conflict) as error:
            await database.run(campaigns.delete, org, id, NOW)
        assert error.value.code == "live_calls"
        await sql(
            database, "UPDATE calls SET status = 'ended', outcome = 'busy', ended_at = %s WHERE id = %s", NOW, call
        )
        await database.run(campaigns.delete, org, id, NOW)
