"""Who is called, who waits and who is skipped: policy decides at the claim, says why, and holds nobody else up."""

from datetime import date, timedelta
from typing import Any

from agentalk.carriers.carrier import PlaceAnswer, Placement, Refused
from agentalk.dialer import Dialer
from agentalk.dialer.claim import claim
from agentalk.domain.call import Outcome
from agentalk.domain.ids import CampaignId
from agentalk.domain.policy.model import CallingPolicy, CapScope, FrequencyCap, Purpose
from agentalk.domain.preview import Preview
from agentalk.domain.retry import RetryPolicy, RetryRule
from agentalk.operations import preview
from tests.conftest import NOW
from tests.dialer.scene import Scene, only, scene

PHONE = "+12125550100"
FLORIDA = "America/New_York@US-FL"
PERSISTENT = RetryPolicy(max_attempts=50, rules=(RetryRule(Outcome.NO_ANSWER, (10,)),))
MARKETING = CallingPolicy(purpose=Purpose.MARKETING)


async def look_ahead(stage: Scene, campaign: CampaignId) -> Preview:
    return await stage.database.run(preview.look_ahead, stage.org, campaign, stage.now)


async def standing(stage: Scene, campaign: CampaignId) -> list[tuple[Any, ...]]:
    """(status, wait reason, skip reason) of the campaign's contacts, as they were added."""
    return await stage.sql(
        "SELECT status, wait_reason, skip_reason FROM campaign_contacts WHERE campaign_id = %s ORDER BY seq", campaign
    )


async def test_a_capped_contact_waits_until_the_first_attempt_is_a_day_old(db: Any) -> None:
    async with scene(db, NOW, mix=only(Outcome.NO_ANSWER)) as stage:
        campaign = await stage.campaign([PHONE], retry=PERSISTENT)
        for _ in range(20):
            await stage.tick()
            await stage.pass_time(minutes=20)
        assert len(stage.placements()) == 3
        assert await standing(stage, campaign) == [("waiting", "frequency_cap", None)]
        due = await stage.one("SELECT due_at FROM campaign_contacts")
        assert due == NOW + timedelta(days=1)

        stage.now = due - timedelta(microseconds=1)
        await stage.tick()
        assert len(stage.placements()) == 3
        stage.now = due
        await stage.tick()
        assert len(stage.placements()) == 4
        assert await standing(stage, campaign) == [("calling", None, None)]


async def test_a_cap_on_contacts_follows_a_person_from_phone_to_phone(db: Any) -> None:
    policy = CallingPolicy(frequency=(FrequencyCap(CapScope.CONTACT, 1, 24),))
    async with scene(db, NOW, mix=only(Outcome.NO_ANSWER)) as stage:
        campaign = await stage.campaign([PHONE], retry=PERSISTENT, policy=policy)
        await stage.tick()
        await stage.pass_time(minutes=20)
        await stage.sql("UPDATE contacts SET phone = '+12125550199'")
        await stage.tick()
        assert await standing(stage, campaign) == [("waiting", "frequency_cap", None)]
        assert len(stage.placements()) == 1


async def test_who_answered_and_heard_nothing_is_left_alone_by_every_campaign(db: Any) -> None:
    async with scene(db, NOW, mix=only(Outcome.ABANDONED)) as stage:
        await stage.campaign([PHONE])
        await stage.tick()
        await stage.pass_time(minutes=20)
        ended = await stage.one("SELECT ended_at FROM calls WHERE outcome = 'abandoned'")
        other = await stage.campaign([PHONE])
        await stage.tick()
        assert await standing(stage, other) == [("pending", "abandoned_lockout", None)]
        waits = await stage.one("SELECT due_at FROM campaign_contacts WHERE campaign_id = %s", other)
        assert waits == ended + timedelta(hours=72)
        assert [wait.reason for wait in (await look_ahead(stage, other)).waits] == ["abandoned_lockout"]


async def test_a_cap_of_none_skips_and_says_so(db: Any) -> None:
    policy = CallingPolicy(frequency=(FrequencyCap(CapScope.PHONE, 0, 24),))
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(1, policy=policy)
        await stage.tick()
        assert await standing(stage, campaign) == [("skipped", None, "frequency_cap")]
        told = await stage.sql("SELECT data ->> 'skipReason', (data ->> 'attempts')::int FROM events")
        assert told == [("frequency_cap", 0)]
        await stage.tick()
        assert await stage.status(campaign) == ("completed", None)


async def test_a_phone_that_the_campaign_has_called_for_another_is_skipped(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign, other = await stage.campaign([PHONE, PHONE]), await stage.campaign([PHONE])
        await stage.tick()
        assert await standing(stage, campaign) == [("calling", None, None), ("pending", "phone_busy", None)]
        await stage.pass_time(minutes=2)
        await stage.tick()
        assert await standing(stage, campaign) == [("completed", None, None), ("skipped", None, "duplicate_phone")]
        assert await standing(stage, other) == [("calling", None, None)]


async def test_a_phone_that_is_about_to_be_called_for_another_has_not_been_called(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign([PHONE])
        dialer = await stage.registered()
        async with stage.database.transaction() as tx:
            await claim(tx, stage.org, dialer=dialer, kinds={"simulator"}, slots=9, now=NOW)
        await stage.add(campaign, [PHONE])
        await stage.tick(stage.new_dialer())
        assert await standing(stage, campaign) == [("calling", None, None), ("pending", "phone_busy", None)]


async def test_without_the_consent_that_a_purpose_needs_nobody_is_called(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(3, policy=MARKETING)
        for type, expires, last in (("written", None, 0), ("express", None, 1), ("written", str(NOW), 2)):
            consent = {"type": type, "capturedAt": "2026-01-01T00:00:00Z", "evidence": "form 7", "expiresAt": expires}
            await stage.sql("UPDATE contacts SET consent = %s WHERE id LIKE %s", stage.json(consent), f"%-{last}")
        await stage.tick()
        assert await standing(stage, campaign) == [
            ("calling", None, None), ("skipped", None, "no_consent"), ("skipped", None, "no_consent"),
        ]  # fmt: skip


async def test_each_list_bars_its_own(db: Any) -> None:
    phones = [f"+1212555010{n}" for n in range(4)]
    async with scene(db, NOW) as stage:
        first, second = await stage.campaign(phones), await stage.campaign([])
        await stage.sql(
            """INSERT INTO campaign_contacts (campaign_id, contact_id, organization_id, zones, due_at, added_at)
               SELECT %s, contact_id, organization_id, zones, due_at, added_at FROM campaign_contacts ORDER BY seq""",
            second,
        )
        await stage.a_list("organization", phones[0])
        await stage.a_list("campaign", phones[1], campaign_id=second)
        await stage.a_list("registry", phones[2], jurisdiction="US", as_of=NOW.date(), purposes=["marketing"])
        await stage.tick()
        await stage.pass_time(minutes=2)
        await stage.tick()
        reasons = [[reason for _, _, reason in await standing(stage, id)] for id in (first, second)]
        assert reasons == [["do_not_call", None, None, None], ["do_not_call", "do_not_call", None, None]]


async def test_a_registry_that_grew_old_holds_its_jurisdiction_up_until_it_is_renewed(db: Any) -> None:
    async with scene(db, NOW) as stage:
        await stage.a_list("registry", jurisdiction="US-FL", as_of=date(2026, 1, 1))
        campaign = await stage.campaign(1, zones=FLORIDA)
        await stage.add(campaign, 1)
        await stage.tick()
        assert await standing(stage, campaign) == [("pending", "registry_stale", None), ("calling", None, None)]
        await stage.sql("UPDATE do_not_call_lists SET as_of = %s", NOW.date())
        stage.now = await stage.one("SELECT due_at FROM campaign_contacts WHERE status = 'pending'")
        await stage.tick()
        assert len(stage.placements()) == 2


async def test_those_who_are_skipped_take_nobodys_turn(db: Any) -> None:
    async with scene(db, NOW) as stage:
        barred = [f"+1212555{n:04d}" for n in range(500)]
        campaign = await stage.campaign([*barred, PHONE.replace("212", "646")], max_concurrency=1)
        await stage.a_list("organization", *barred)
        moment = await stage.tick()
        assert await stage.counts(campaign) == {"calling": 1, "skipped": 500}
        assert moment is not None
        assert moment <= NOW + timedelta(seconds=1)


async def test_a_turn_looks_at_no_more_than_it_can_bear(db: Any) -> None:
    async with scene(db, NOW) as stage:
        policy = CallingPolicy(frequency=(FrequencyCap(CapScope.PHONE, 0, 24),))
        campaign = await stage.campaign(2_000, policy=policy, max_concurrency=5)
        moment = await stage.tick()
        skipped = (await stage.counts(campaign))["skipped"]
        assert 500 < skipped < 1_500
        assert moment is not None
        assert moment - NOW < timedelta(seconds=1)


async def test_a_call_keeps_the_policy_and_the_decision_it_was_made_by(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(2)
        await stage.tick()
        ((version, decision, body),) = await stage.sql(
            """SELECT DISTINCT p.id, d.basis, p.body FROM calls c JOIN decisions d ON d.id = c.decision_id
               JOIN policy_versions p ON p.id = d.policy_version WHERE campaign_id = %s""",
            campaign,
        )
        assert len(version) == 16
        assert decision["jurisdictions"] == ["US-NY"]
        assert decision["opening"] == ["2026-03-04T14:00:00Z", "2026-03-05T01:00:00Z"]
        assert [cap["used"] for cap in decision["caps"]] == [0] * len(decision["caps"]) != []
        assert {"policy", "window", "presets"} == set(body)

        strict = stage.json(CallingPolicy(frequency=(FrequencyCap(CapScope.PHONE, 1, 48),)))
        await stage.sql("UPDATE organizations SET policy = %s", strict)
        await stage.add(campaign, 1)
        await stage.tick()
        assert await stage.one("SELECT count(DISTINCT decision_id) FROM calls") == 2
        assert await stage.one("SELECT count(*) FROM policy_versions") == 2


async def test_a_policy_that_the_database_has_lost_is_stored_again(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(1)
        await stage.tick()
        await stage.sql("UPDATE calls SET decision_id = NULL")
        await stage.sql("DELETE FROM decisions")
        await stage.sql("DELETE FROM policy_versions")
        await stage.add(campaign, 1)
        await stage.tick()
        await stage.tick()
        assert await stage.counts(campaign) == {"calling": 2}


class Listener:
    """A carrier that keeps what it was asked for."""

    kind = "simulator"

    def __init__(self) -> None:
        self.asked: list[Placement] = []

    async def place(self, placement: Placement, now: Any) -> PlaceAnswer:
        self.asked.append(placement)
        return Refused("busy")


async def test_a_call_begins_with_who_calls_and_rings_as_long_as_policy_says(db: Any) -> None:
    policy = CallingPolicy(min_ring_seconds=40, disclosure="An AI of {{organization}}.")
    async with scene(db, NOW) as stage:
        stage.carrier = listener = Listener()  # type: ignore[assignment]
        campaign = await stage.campaign(1, policy=policy)
        await stage.sql('UPDATE contacts SET attributes = \'{"organization": "Bell Labs"}\'')
        await stage.sql(
            "UPDATE agents SET first_message = 'Hello {{name}} of {{organization}}', voicemail_message = 'Call us.'"
        )
        await stage.sql("""UPDATE campaigns SET voicemail = '{"action": "leave_message"}'""")
        await stage.tick(stage.new_dialer())
        assert [asked.first_message for asked in listener.asked] == ["An AI of scene. Hello Ada of Bell Labs"]
        assert [asked.voicemail_message for asked in listener.asked] == ["An AI of scene. Call us."]
        assert [asked.ring_seconds for asked in listener.asked] == [40]
        assert await stage.counts(campaign) == {"waiting": 1}


async def test_without_a_purpose_no_real_phone_rings(db: Any) -> None:
    async with scene(db, NOW) as stage:
        campaign = await stage.campaign(1)
        await stage.sql("UPDATE carriers SET kind = 'sip'")
        dialer = Dialer(stage.database, {"sip": stage.carrier})
        await stage.tick(dialer)
        assert await stage.counts(campaign) == {"pending": 1}
        assert await stage.status(campaign) == ("active", "no_capacity")
        await stage.sql("UPDATE campaigns SET policy = %s", stage.json(CallingPolicy(purpose=Purpose.SURVEY)))
        consent = {"type": "express", "capturedAt": "2026-01-01T00:00:00Z", "evidence": "form 7"}
        await stage.sql("UPDATE contacts SET consent = %s", stage.json(consent))
        await stage.tick(dialer)
        assert await stage.counts(campaign) == {"calling": 1}
