"""An explanation names the rule that decides, and the moment at which the engine then calls."""

from datetime import timedelta
from typing import Any

import pytest

from agentalk.domain.call import Outcome
from agentalk.domain.caller_id import CallerIdRule
from agentalk.domain.explanation import RULES, Explanation
from agentalk.domain.ids import ContactId
from agentalk.domain.policy.decision import Rule
from agentalk.operations.explain import explain_contact
from tests.conftest import NOW
from tests.dialer.scene import LONDON, Scene, only, scene

PHONE = "+12125550100"


async def told(stage: Scene, campaign: Any, contact: str | None = None) -> Explanation:
    one = contact or await stage.one("SELECT contact_id FROM campaign_contacts WHERE campaign_id = %s", campaign)
    return await stage.database.run(explain_contact, stage.org, campaign, ContactId(str(one)), stage.now)


def rules(found: Explanation) -> list[str]:
    return [one.rule for one in found.against]


def test_every_rule_has_its_words() -> None:
    assert {rule.value for rule in Rule} <= RULES.keys()


async def test_a_contact_whose_turn_it_is(db: Any) -> None:
    async with scene(db, NOW) as stage:
        found = await told(stage, await stage.campaign(1))
        assert (found.rule, found.against, found.next_at) == ("allowed", (), NOW)
        assert [(one.time_zone, one.at) for one in found.local] == [("America/New_York", "2026-03-04T10:00:00-05:00")]
        assert not found.calls
        assert not found.events


async def test_the_moment_told_is_that_of_the_call(db: Any) -> None:
    """Retry, then the cap over several campaigns, then the window: each wait ends when it is said to."""
    async with scene(db, NOW, mix=only(Outcome.BUSY)) as stage:
        campaign = await stage.campaign([PHONE])
        for _ in range(3):
            await stage.tick()
            await stage.pass_time(minutes=1)
            found = await told(stage, campaign)
            if found.next_at is None:
                break
            assert found.rule == "retry"
            stage.now = found.next_at - timedelta(seconds=1)
            before = len(stage.placements())
            await stage.tick()
            assert len(stage.placements()) == before
            stage.now = found.next_at
            await stage.tick()
            assert len(stage.placements()) == before + 1
            await stage.pass_time(minutes=1)
        assert (await told(stage, campaign)).rule == "exhausted"
        fresh = await stage.campaign([PHONE])
        found = await told(stage, fresh)
        assert found.rule == "frequency_cap"
        assert found.against[0].basis["cap"] == {"scope": "phone", "max": 3, "hours": 24.0, "used": 3}
        assert found.next_at is not None
        stage.now = found.next_at - timedelta(seconds=1)
        await stage.tick()
        assert len(stage.placements()) == 3
        stage.now = found.next_at
        await stage.tick()
        assert len(stage.placements()) == 4


async def test_history_names_what_each_call_was_decided_by(db: Any) -> None:
    async with scene(db, NOW, mix=only(Outcome.BUSY)) as stage:
        campaign = await stage.campaign([PHONE])
        await stage.tick()
        await stage.pass_time(minutes=1)
        found = await told(stage, campaign)
        (call,) = found.calls
        assert (call.attempt, call.outcome, call.policy_version) == (1, "busy", found.policy.version)
        assert call.decision is not None and call.decision["caps"]
        told_of = [event.type for event in found.events]
        assert told_of == ["call.started", "call.ended", "contact.retry_scheduled"]


async def test_all_that_stands_against_a_call_is_told_at_once(db: Any) -> None:
    async with scene(db, NOW.replace(hour=23), max_concurrency=0) as stage:
        campaign = await stage.campaign(1, zones=LONDON, status="paused")
        await stage.sql("UPDATE campaigns SET status_reason = 'circuit_breaker'")
        found = await told(stage, campaign)
        assert rules(found) == ["campaign_paused", "outside_window", "no_capacity"]
        assert found.says == "The campaign is paused. Too many calls failed."
        assert found.next_at == NOW.replace(day=5, hour=9)


async def test_a_scheduled_campaign_calls_from_its_start_on(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(1, status="draft")
        start = NOW + timedelta(hours=1)
        await stage.sql("UPDATE campaigns SET start_at = %s", start)
        found = await told(stage, campaign)
        assert (found.rule, found.against[0].until, found.next_at) == ("campaign_scheduled", start, start)


async def test_numbers_that_made_their_calls_are_named(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(1)
        rule = stage.json(CallerIdRule(daily_cap=5))
        await stage.sql("UPDATE campaigns SET caller_ids = %s, caller_id_rule = %s", ["+13125550100"], rule)
        await stage.sql("INSERT INTO caller_id_days VALUES (%s, %s, '+13125550100', 5)", stage.org, NOW.date())
        assert rules(await told(stage, campaign)) == ["caller_ids_at_cap"]


@pytest.mark.parametrize(("status", "rule"), [("exhausted", "exhausted"), ("canceled", "canceled")])
async def test_a_closed_contact_has_no_next_moment(db: Any, status: str, rule: str) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(1)
        await stage.sql("UPDATE campaign_contacts SET status = %s", status)
        found = await told(stage, campaign)
        assert (found.rule, found.next_at, found.local) == (rule, None, ())


async def test_who_will_be_skipped_is_told_why(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE])
        await stage.sql(
            "INSERT INTO opt_outs (organization_id, phone, created_at) VALUES (%s, %s, %s)", stage.org, PHONE, NOW
        )
        found = await told(stage, campaign)
        assert (found.rule, found.next_at) == ("opted_out", None)
        await stage.tick()
        again = await told(stage, campaign)
        assert (again.rule, again.contact.status) == ("opted_out", "skipped")


async def test_the_policy_says_who_said_what_and_where_it_comes_from(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(1)
        await stage.sql('UPDATE organizations SET policy = \'{"purpose": "survey"}\'')
        await stage.sql("UPDATE campaigns SET policy = '{\"minRingSeconds\": 30}'")
        policy = (await told(stage, campaign)).policy
        assert (policy.in_force.purpose, policy.in_force.min_ring_seconds) == ("survey", 30)
        assert policy.said_by.items() >= {
            "purpose": "organization", "minRingSeconds": "campaign", "retentionDays": "default",
        }.items()  # fmt: skip
        assert all(source.source and source.date for source in policy.sources)
        assert policy.sources
