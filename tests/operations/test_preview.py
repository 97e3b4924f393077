"""A preview says what the engine will do, and the engine then does it."""

from datetime import timedelta
from typing import Any

import pytest

from agentalk.domain.call import Outcome
from agentalk.domain.opt_out import OptOutSource
from agentalk.domain.preview import Preview
from agentalk.operations.opt_outs import opt_out
from agentalk.operations.preview import look_ahead
from tests.conftest import NOW
from tests.dialer.scene import LONDON, Scene, only, scene

EVENING = NOW.replace(hour=23)


async def preview(stage: Scene, campaign: Any) -> Preview:
    return await stage.database.run(look_ahead, stage.org, campaign, stage.now)


def skips(told: Preview) -> dict[str, int]:
    return {one.reason: one.contacts for one in told.skipped}


def waits(told: Preview) -> dict[str, int]:
    return {one.reason: one.contacts for one in told.waits}


async def odd_ones(stage: Scene, campaign: Any) -> None:
    """Contacts who are not called, each for another reason; and twins, of whom one is."""
    first = await stage.add(campaign, 3, zones="@ZZ")
    mute, gone, barred, left = await stage.add(
        campaign, ["+12125559991", "+12125559992", "+12125559993", "+12125559994"]
    )
    await stage.sql("UPDATE contacts SET phone = NULL WHERE id = %s", mute)
    await stage.sql("UPDATE contacts SET phone_invalid_at = %s WHERE id = %s", stage.now, gone)
    await stage.sql(
        """INSERT INTO do_not_call_lists (id, organization_id, kind, name, created_at, updated_at)
           VALUES (%s, %s, 'organization', 'own', %s, %s)""",
        stage.org, stage.org, stage.now, stage.now,
    )  # fmt: skip
    await stage.sql(
        "INSERT INTO do_not_call_numbers VALUES (%s, '+12125559993', %s, %s)", stage.org, stage.org, stage.now
    )
    await stage.sql(
        "INSERT INTO opt_outs (organization_id, phone, created_at) VALUES (%s, '+12125559994', %s)",
        stage.org,
        stage.now,
    )
    await stage.add(campaign, ["+12125559995", "+12125559995"])
    assert len({*first, barred, left}) == 5


async def test_every_reason_is_counted_and_the_engine_agrees(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(5)
        await odd_ones(stage, campaign)
        told = await preview(stage, campaign)

        assert skips(told) == {
            "no_timezone": 3,
            "no_phone": 1,
            "invalid_number": 1,
            "do_not_call": 1,
            "opted_out": 1,
            "duplicate_phone": 1,
        }
        assert (told.callable, told.ready, told.calling, told.waits) == (6, 6, 0, ())
        while (await stage.counts(campaign)).keys() & {"pending", "waiting", "calling"}:
            await stage.tick()
            await stage.pass_time(minutes=2)
        reasons = await stage.sql("SELECT skip_reason, count(*)::int FROM campaign_contacts GROUP BY 1")
        assert {reason: n for reason, n in reasons if reason} == skips(told)
        assert await stage.counts(campaign) == {"completed": told.callable, "skipped": 8}
        after = await preview(stage, campaign)
        assert skips(after) == skips(told)
        assert all(one.already == one.contacts for one in after.skipped)
        assert (after.callable, after.ends_at) == (0, stage.now)


async def test_who_waits_is_told_from_who_is_ready(db: Any) -> None:
    async with scene(db, NOW, mix=only(Outcome.BUSY)) as stage:
        campaign = await stage.campaign(2)
        await stage.tick()
        await stage.pass_time(minutes=1)
        await stage.add(campaign, 3)
        await stage.add(campaign, 4, zones="Asia/Kolkata")
        told = await preview(stage, campaign)

        assert (told.callable, told.ready) == (9, 3)
        assert waits(told) == {"outside_window": 4, "retry": 2}
        retry = next(one for one in told.waits if one.reason == "retry")
        assert retry.until is not None
        assert timedelta(minutes=10) < retry.until - stage.now <= timedelta(minutes=20)


async def test_a_cap_makes_contacts_wait_and_the_engine_agrees(db: Any) -> None:
    async with scene(db, NOW, mix=only(Outcome.NO_ANSWER)) as stage:
        for _ in range(3):
            campaign = await stage.campaign(["+12125550100"])
            await stage.tick()
            await stage.pass_time(minutes=1)
        campaign = await stage.campaign(["+12125550100"])
        told = await preview(stage, campaign)
        assert waits(told) == {"frequency_cap": 1}
        assert (told.callable, told.ready) == (1, 0)
        await stage.tick()
        assert await stage.one("SELECT wait_reason FROM campaign_contacts WHERE campaign_id = %s", campaign) in (
            "frequency_cap",
        )
        assert waits(await preview(stage, campaign)) == {"frequency_cap": 1}


async def test_windows_are_told_by_zone(db: Any) -> None:
    async with scene(db, EVENING) as stage:
        campaign = await stage.campaign(3)
        await stage.add(campaign, 2, zones=LONDON)
        told = await preview(stage, campaign)

        york, london = told.windows
        assert (york.time_zones, york.contacts, york.opens_at) == (("America/New_York",), 3, NOW.replace(hour=14))
        assert (london.time_zones, london.contacts) == (("Europe/London",), 2)
        assert london.opens_at == NOW.replace(day=5, hour=9)


@pytest.mark.parametrize("status", ["draft", "paused", "active"])
async def test_it_works_in_any_status_and_changes_nothing(db: Any, status: str) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(4, status=status)
        told = await preview(stage, campaign)
        assert (told.callable, told.ready, told.starts_at) == (4, 4, NOW)
        assert await stage.counts(campaign) == {"pending": 4}


async def test_a_scheduled_campaign_is_looked_at_as_of_its_start(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(4, status="draft")
        night = NOW.replace(hour=8) + timedelta(days=1)
        await stage.sql("UPDATE campaigns SET start_at = %s", night)
        told = await preview(stage, campaign)
        assert (told.starts_at, told.ready, waits(told)) == (night, 0, {"outside_window": 4})


async def test_the_pace_and_the_end(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(90, rate=0.01)
        told = await preview(stage, campaign)
        assert told.pace.bound_by == "campaign.callsPerSecond"
        assert told.pace.per_hour == pytest.approx(36)
        assert [hour.calls for hour in told.hours][:2] == [36, 36]
        assert told.first_calls == 90
        assert told.retries > 20
        assert told.ends_at is not None
        assert any("usually" in said for said in told.assumptions)
        assert "policy.purpose" in told.assumptions[-1]
        await stage.sql("""UPDATE campaigns SET policy = '{"purpose": "survey"}'""")
        assert not any("policy.purpose" in said for said in (await preview(stage, campaign)).assumptions)
        await stage.sql("UPDATE campaigns SET throttled = true")
        assert (await preview(stage, campaign)).pace.per_hour == pytest.approx(18)


async def test_who_left_meanwhile_is_skipped_already(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(["+12125550100", "+12125550101"], status="draft")
        await stage.database.run(opt_out, stage.org, {"+12125550100": None}, OptOutSource.API, NOW)
        (one,) = (await preview(stage, campaign)).skipped
        assert (one.reason, one.contacts, one.already) == ("opted_out", 1, 1)
