"""One round at a time: what is claimed, what is not, and what becomes of it."""

from datetime import timedelta
from typing import Any

from agentalk.domain.call import Outcome
from agentalk.domain.retry import RetryPolicy, RetryRule
from agentalk.domain.window import Window, group_key
from tests.conftest import NOW
from tests.dialer.scene import KOLKATA, NEW_YORK, TWICE, only, scene

AT_ONCE = RetryPolicy(max_attempts=3, rules=(RetryRule(Outcome.NO_ANSWER, (10,)),))


async def test_every_contact_is_called_once_and_the_campaign_completes(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(25)
        await stage.tick()
        assert await stage.counts(campaign) == {"calling": 25}
        await stage.pass_time(minutes=5)
        assert await stage.counts(campaign) == {"completed": 25}
        await stage.tick()
        assert await stage.status(campaign) == ("completed", None)
        assert len(set(stage.placements())) == len(stage.placements()) == 25
        assert await stage.one("SELECT count(*) FROM events WHERE type = 'call.ended'") == 25
        assert await stage.one("SELECT count(*) FROM events WHERE type = 'campaign.completed'") == 1


async def test_a_campaign_without_contacts_waits(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(0)
        await stage.tick()
        assert await stage.status(campaign) == ("active", "idle")
        await stage.add(campaign, 1)
        await stage.tick()
        assert await stage.counts(campaign) == {"calling": 1}


async def test_only_open_zones_are_called_and_the_next_opening_is_known(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(3, zones=NEW_YORK)
        await stage.add(campaign, 2, zones=KOLKATA)
        await stage.add(campaign, 1, zones=group_key(["Europe/London", "Asia/Kolkata"], ["GB", "IN"]))
        moment = await stage.tick()
        assert await stage.counts(campaign) == {"calling": 3, "pending": 3}
        await stage.pass_time(minutes=5)
        moment = await stage.tick()
        assert (await stage.status(campaign)) == ("active", "outside_window")
        # 09:00 in Kolkata on the next day
        assert moment == NOW.replace(day=5, hour=3, minute=30)
        stage.now = NOW.replace(day=5, hour=9)  # 09:00 in London, 14:30 in Kolkata, 04:00 in New York
        await stage.tick()
        assert await stage.counts(campaign) == {"completed": 3, "calling": 3}


async def test_an_unknown_zone_is_skipped(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(2, zones="")
        await stage.add(campaign, 1, zones="@US-FL")
        await stage.tick()
        assert await stage.counts(campaign) == {"skipped": 3}
        assert await stage.one("SELECT DISTINCT skip_reason FROM campaign_contacts") == "no_timezone"
        assert stage.placements() == []


async def test_limits_of_campaign_carrier_organization_and_dialer(db: Any) -> None:
    async with scene(db, NOW, max_concurrency=9, carrier_calls=8) as stage:
        campaign = await stage.campaign(20, max_concurrency=7)
        dialer = stage.new_dialer(slots=6)
        await stage.tick(dialer)
        assert (await stage.counts(campaign))["calling"] == 6
        await stage.tick(dialer)
        assert (await stage.counts(campaign))["calling"] == 6
        await stage.tick()
        assert (await stage.counts(campaign))["calling"] == 7
        second = await stage.campaign(20)
        await stage.tick()
        assert (await stage.counts(second))["calling"] == 1
        await stage.sql("UPDATE carriers SET max_live_calls = 100")
        await stage.tick()
        assert (await stage.counts(second))["calling"] == 2
        await stage.tick()
        assert len(stage.placements()) == 9


async def test_calls_per_second_of_campaign_and_carrier(db: Any) -> None:
    async with scene(db, NOW, carrier_rate=10) as stage:
        campaign = await stage.campaign(30, rate=2)
        other = await stage.campaign(30, rate=1000)
        seen: list[tuple[int, int]] = []
        for _ in range(40):
            await stage.tick()
            stage.now += timedelta(milliseconds=100)
            calling = [(await stage.counts(id)).get("calling", 0) for id in (campaign, other)]
            seen.append((calling[0], calling[1]))
        assert seen[9][0] in (1, 2, 3)
        assert seen[39][0] in (7, 8, 9)
        # the carrier takes ten calls a second, all campaigns together
        assert 38 <= sum(seen[39]) <= 41


async def test_a_rate_tells_when_to_come_again(db: Any) -> None:
    async with scene(db, NOW) as stage:
        await stage.campaign(5, rate=0.5)
        moment = await stage.tick()
        assert moment is not None
        assert timedelta(seconds=2) <= moment - NOW < timedelta(seconds=2.01)
        assert len(stage.placements()) == 1


async def test_priority_first_then_equal_shares(db: Any) -> None:
    async with scene(db, NOW, max_concurrency=10) as stage:
        low = await stage.campaign(50)
        high = await stage.campaign(4, priority=1)
        other = await stage.campaign(50)
        await stage.tick()
        assert [(await stage.counts(id)).get("calling", 0) for id in (high, low, other)] == [4, 3, 3]


async def test_a_small_campaign_beside_a_huge_one_gets_the_next_free_call(db: Any) -> None:
    async with scene(db, NOW, max_concurrency=5) as stage:
        huge = await stage.campaign(500)
        await stage.tick()
        small = await stage.campaign(10)
        await stage.sql("UPDATE organizations SET max_concurrency = 6")
        await stage.tick()
        assert (await stage.counts(small)).get("calling") == 1
        assert (await stage.counts(huge)).get("calling") == 5


async def test_a_phone_on_a_call_is_not_rung_again_and_holds_nobody_up(db: Any) -> None:
    async with scene(db, NOW) as stage:
        phone = "+12125550100"
        first = await stage.campaign([phone, phone, "+12125550101"], policy=TWICE)
        second = await stage.campaign([phone])
        await stage.tick()
        assert (await stage.counts(first)).get("calling") == 2
        assert await stage.counts(second) == {"pending": 1}
        for _ in range(8):
            await stage.pass_time(seconds=30)
            await stage.tick()
        assert await stage.counts(first) == {"completed": 3}
        assert await stage.counts(second) == {"completed": 1}


async def test_no_answer_is_tried_again_inside_the_window_until_exhausted(db: Any) -> None:
    async with scene(db, NOW, mix=only(Outcome.NO_ANSWER)) as stage:
        campaign = await stage.campaign(1, retry=AT_ONCE)
        await stage.tick()
        await stage.pass_time(minutes=1)
        assert await stage.counts(campaign) == {"waiting": 1}
        due = await stage.one("SELECT due_at FROM campaign_contacts")
        assert await stage.tick() == due
        for _ in range(2):
            stage.now = due
            await stage.tick()
            await stage.pass_time(minutes=1)
            due = await stage.one("SELECT due_at FROM campaign_contacts")
        assert await stage.counts(campaign) == {"exhausted": 1}
        assert [attempt for _, _, attempt, _ in await stage.calls(campaign)] == [1, 2, 3]


async def test_a_retry_that_would_fall_outside_the_window_waits_for_it(db: Any) -> None:
    late = NOW.replace(day=5, hour=0, minute=55)  # 19:55 in New York
    async with scene(db, late, mix=only(Outcome.NO_ANSWER)) as stage:
        await stage.campaign(1, retry=AT_ONCE)
        await stage.tick()
        await stage.pass_time(minutes=1)
        assert await stage.one("SELECT due_at FROM campaign_contacts") == NOW.replace(day=5, hour=14)


async def test_an_invalid_number_is_skipped_and_marked(db: Any) -> None:
    async with scene(db, NOW, mix=only(Outcome.INVALID_NUMBER)) as stage:
        campaign = await stage.campaign(1)
        await stage.tick()
        await stage.pass_time(minutes=1)
        assert await stage.counts(campaign) == {"skipped": 1}
        assert await stage.one("SELECT phone_invalid_at IS NOT NULL FROM contacts")


async def test_the_second_check_releases_what_may_no_longer_be_called(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(4)
        dispatch = stage.dialer_dispatch_after(
            "UPDATE campaigns SET status = 'paused'",
        )
        await dispatch()
        assert await stage.counts(campaign) == {"pending": 4}
        assert stage.placements() == []
        assert {status for _, status, _, _ in await stage.calls(campaign)} == {"released"}
        assert await stage.one("SELECT max(attempts) FROM campaign_contacts") == 0


async def test_the_second_check_sees_a_window_that_closed_and_a_phone_that_changed(db: Any) -> None:
    never = Window(slots=())
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(2)
        await stage.dialer_dispatch_after("UPDATE campaigns SET window_hours = %s", stage.json(never))()
        assert await stage.counts(campaign) == {"pending": 2}
        await stage.sql("UPDATE campaigns SET window_hours = %s", stage.json(Window()))
        await stage.dialer_dispatch_after("UPDATE contacts SET phone = '+12125559999' WHERE id LIKE '%%-0'")()
        assert await stage.counts(campaign) == {"pending": 1, "calling": 1}
        assert len(stage.placements()) == 1


async def test_a_reset_during_a_call_takes_effect_at_its_end(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(1)
        await stage.tick()
        await stage.sql("UPDATE campaign_contacts SET reset_pending = true")
        await stage.tick()
        assert len(stage.placements()) == 1
        await stage.pass_time(minutes=1)
        assert await stage.counts(campaign) == {"pending": 1}
        assert await stage.one("SELECT (attempts, generation)::text FROM campaign_contacts") == "(0,1)"
        await stage.tick()
        await stage.pass_time(minutes=1)
        assert await stage.counts(campaign) == {"completed": 1}
        assert len(stage.placements()) == 2


async def test_a_turn_that_took_all_it_may_comes_again_at_once(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(450)
        for expected in (200, 400, 450):
            moment = await stage.tick()
            assert (await stage.counts(campaign))["calling"] == expected
            assert (moment == NOW) == (expected < 450)


async def test_those_behind_a_phone_that_is_on_a_call_are_called_at_once(db: Any) -> None:
    async with scene(db, NOW) as stage:
        phone = "+12125550100"
        campaign = await stage.campaign([phone] * 6 + [f"+1212555020{n}" for n in range(4)], max_concurrency=5)
        await stage.tick()
        assert await stage.counts(campaign) == {"calling": 5, "pending": 5}
        waiting = await stage.sql(
            "SELECT DISTINCT wait_reason, due_at > %s FROM campaign_contacts WHERE status = 'pending'", NOW
        )
        assert waiting == [("phone_busy", True)]


async def test_a_contact_whose_zone_has_changed_is_called_by_its_new_clock(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(1, zones=NEW_YORK)
        await stage.sql("UPDATE contacts SET zones = %s", KOLKATA)  # as if written while the contact was being added
        await stage.tick()
        assert await stage.counts(campaign) == {"pending": 1}
        assert stage.placements() == []
        assert await stage.tick() == NOW.replace(day=5, hour=3, minute=30)
