"""Whom many dialers, many campaigns, wrong clocks and late orders may make them call."""

from datetime import UTC, datetime, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

from tests.journeys.acts import act
from tests.journeys.crowds import beside, scatter
from tests.journeys.drill import ALL_DAY, AT_ONCE, Drill
from tests.journeys.processes import WRONG_CLOCK

# All who have the number wait for its cap, or for nothing: another contact with it was called for the campaign.
CAPPED = """SELECT bool_and(wait_reason IS NOT DISTINCT FROM 'frequency_cap' OR skip_reason = 'duplicate_phone')
    FROM campaign_contacts WHERE contact_id <> 'c0'"""
MANY = {"frequency": [{"scope": "phone", "max": 1000, "hours": 24}]}


def have_one_contact(stage: Drill, dialers: int, times: int) -> float | None:
    """So many dialers, and one contact who is reset and called so many times."""
    stage.people(1, rate=1000, at_once=100, policy=MANY)
    for dialer in [stage.dialer() for _ in range(dialers)]:
        dialer.ready("up")
    stage.until("SELECT count(*) >= %s FROM dialers", dialers)
    for nth in range(1, times + 1):
        stage.ask("POST", f"/campaigns/{stage.campaign}/contacts", {"contactIds": ["c0"]})
        stage.order("start")
        stage.until_completed()
        assert len(stage.rang()) == nth
    return None


@act("4", "three dialers on one contact, who is reset and called five times", mix=AT_ONCE)
def test_three_dialers_have_one_contact(stage: Drill) -> float | None:
    return have_one_contact(stage, 3, 5)


@act("4", "eight dialers on one contact, who is reset and called ten times", mix=AT_ONCE, long=True)
def test_eight_dialers_have_one_contact(stage: Drill) -> float | None:
    return have_one_contact(stage, 8, 10)


@act("4", "an organization with 1,000 campaigns of two contacts each, two dialers", mix=AT_ONCE, long=True)
def test_a_thousand_campaigns_are_active(stage: Drill) -> float | None:
    stage.people(1, rate=10_000, at_once=500)
    scatter(stage, 1000, 2000)
    for dialer in [stage.dialer(), stage.dialer()]:
        dialer.ready("up")
    stage.run("UPDATE campaigns SET status = 'active', started_at = created_at WHERE name = 'many'")
    stage.order("start")
    stage.until("SELECT count(*) = 1001 FROM campaigns WHERE status = 'completed'")
    stage.hold()
    assert len(stage.rang()) == 2001
    return None


@act("12", "a campaign of 10 contacts started beside one of 5,000 that is being called; recovery: its first call")
def test_a_small_campaign_beside_a_large_one(stage: Drill) -> float | None:
    return beside(stage, 5000)


@act("5", "one number in three notations, three contacts and six campaigns at once; at most 3 calls in 24 h")
def test_one_number_is_everywhere(stage: Drill) -> float | None:
    stage.people(1, rate=1000, at_once=100)
    people = ("a", "b", "c")
    stage.import_people(dict(zip(people, ("+12125550001", "+1 (212) 555-0001", "+1-212-555-0001"), strict=True)))
    campaigns = [stage.new_campaign(people, maxConcurrency=50, callsPerSecond=100) for _ in range(6)]
    for dialer in [stage.dialer(), stage.dialer()]:
        dialer.ready("up")
    for campaign in campaigns:
        stage.order("start", campaign=campaign)
    for calls in (1, 2, 3):
        stage.until_rang(calls)
        stage.until("SELECT count(*) = 0 FROM calls WHERE live")
        # Those who found the number engaged would wait for a minute: all of them are to be called anew, and at once.
        for campaign in campaigns:
            stage.ask("POST", f"/campaigns/{campaign}/contacts", {"contactIds": people})
    stage.until(CAPPED)
    stage.until("SELECT count(*) = 0 FROM calls WHERE live")
    stage.hold()
    rang = stage.rang()
    assert [row.phone for row in rang] == ["+12125550001"] * 3
    ends = [row.ended_at for row in rang]
    assert all(end and end <= later.placed_at for end, later in zip(ends, rang[1:], strict=False)), "two calls at once"
    return None


@act("7", "a dialer whose clock is an hour ahead, and one an hour behind, beside one that is right", long=True)
def test_clocks_are_wrong(stage: Drill) -> float | None:
    stage.people(80, rate=2, at_once=60)
    right = stage.dialer().ready("up")
    wrong = [stage.dialer(**{WRONG_CLOCK: seconds}) for seconds in ("3600", "-3600")]
    stage.order("start")
    stage.until_rang(1)
    for dialer in wrong:
        dialer.complains("are 3600 s apart")
    assert stage.one("SELECT count(*) > 0 FROM campaign_contacts WHERE status = 'pending'")
    stage.hurry()
    stage.until_completed()
    assert stage.one("SELECT count(*) FROM dialers") == 1
    assert right.is_up()
    assert "taken for dead" not in right.log.read_text()
    return None


@act("7", "the campaign's window closes in the middle of dispatch, at 20 calls a second", mix=AT_ONCE, world=0)
def test_the_window_closes_in_mid_batch(stage: Drill) -> float | None:
    stage.people(1000, rate=20, at_once=100)
    stage.dialer().ready("up")
    closing = (stage.now() + timedelta(seconds=125)).replace(second=0, microsecond=0)
    local = closing.astimezone(ZoneInfo(stage.zone))
    slots = [{**slot, "end": f"{local:%H:%M}"} for slot in ALL_DAY]
    stage.change(window={"slots": slots})
    stage.order("start")
    stage.until_rang(10)
    stage.put_forward(closing - timedelta(seconds=3))
    stage.until("SELECT phase = 'outside_window' FROM campaigns WHERE id = %s", stage.campaign)
    assert stage.now() >= closing
    stage.until("SELECT count(*) = 0 FROM calls WHERE live")
    assert stage.one("SELECT max(dialed_at) < %s FROM calls", closing)
    assert stage.one("SELECT count(*) > 0 FROM campaign_contacts WHERE status = 'pending'")
    stage.hold()
    return None


def an_hour_before(moment: datetime) -> float:
    """So many seconds ahead."""
    return (moment - timedelta(hours=1) - datetime.now(UTC)).total_seconds()


def opens_at_nine(stage: Drill, opens: datetime) -> float | None:
    """Calls begin at nine by the clock of every zone that a number may be in; in New York that is `opens`."""
    stage.people(1, rate=1000, at_once=100)
    stage.import_people({f"n{n}": f"+1212555{n:04d}" for n in range(1, 21)}, zone="")
    # Of two zones, of all of them, and of none.
    stage.import_people({"border": "+18505550100", "free": "+18005550100", "nowhere": "+88212345678"}, zone="")
    slots = [{**slot, "start": "09:00", "end": "20:00"} for slot in ALL_DAY]
    people = [f"n{n}" for n in range(1, 21)]
    limits = {"maxConcurrency": 100, "callsPerSecond": 100}
    stage.campaign = stage.new_campaign([*people, "border", "free", "nowhere"], window={"slots": slots}, **limits)
    stage.dialer().ready("up")
    stage.order("start")
    stage.until("SELECT phase = 'outside_window' FROM campaigns WHERE id = %s", stage.campaign)
    stage.put_forward(opens - timedelta(seconds=2))
    stage.until_rang(20)
    stage.until("SELECT count(*) = 0 FROM calls WHERE live")
    first = min(row.placed_at for row in stage.rang())
    assert first >= opens
    assert {row.phone[:5] for row in stage.rang()} == {"+1212"}
    skipped = stage.rows("SELECT contact_id, skip_reason FROM campaign_contacts WHERE status = 'skipped' ORDER BY 1")
    # It is never day in all the zones of a number that is free of charge.
    assert skipped == [("free", "no_timezone"), ("nowhere", "no_timezone")]
    stage.hold()
    return (first - opens).total_seconds()


SPRING, AUTUMN = datetime(2026, 3, 8, 13, 0, tzinfo=UTC), datetime(2026, 11, 1, 14, 0, tzinfo=UTC)


@act("7", "9:00 on the day the clocks go forward: numbers of one zone, two, all and none", world=an_hour_before(SPRING))
def test_the_clocks_go_forward(stage: Drill) -> float | None:
    return opens_at_nine(stage, SPRING)


@act("7", "9:00 on the day the clocks go back: the same numbers", world=an_hour_before(AUTUMN), long=True)
def test_the_clocks_go_back(stage: Drill) -> float | None:
    return opens_at_nine(stage, AUTUMN)


# Whoever pauses, stops or opts out, and who dials, holds the campaign until the commit: of two such events the one with
# the higher number was committed later.
DIALLED_AFTER = """SELECT count(*) FROM events dialled JOIN events ended ON ended.seq < dialled.seq
    WHERE dialled.type = 'call.started' AND ended.type = %s AND ended.seq > %s
        AND (%s::text IS NULL OR dialled.data ->> 'contactId' = ended.data ->> 'contactId')"""


@act("8", "three pauses, thirty opt-outs and a stop against two dialers at 20 calls a second")
def test_orders_race_the_dialers(stage: Drill) -> float | None:
    stage.people(1000, rate=20, at_once=100)
    for dialer in [stage.dialer(), stage.dialer()]:
        dialer.ready("up")
    late = {f"+1212555{n:04d}" for n in range(980, 1000)}
    for phone in sorted(late):
        stage.ask("POST", "/opt-outs", {"phone": phone})
    for _ in range(3):
        before = stage.one("SELECT max(seq) FROM events")
        stage.order("start")
        stage.until_called(stage.dialled() + 10)
        stage.order("pause")
        dialled = {id for (id,) in stage.rows("SELECT id FROM calls WHERE dialed_at IS NOT NULL")}
        stage.until("SELECT count(*) = 0 FROM calls WHERE live")
        assert stage.one(DIALLED_AFTER, "campaign.paused", before, None) == 0
        assert {row.call_id for row in stage.rang()} <= dialled
    stage.order("start")
    reached = len(stage.rang())
    for n in range(reached, reached + 30, 3):
        stage.ask("POST", "/opt-outs", {"phone": f"+1212555{n:04d}"})
    stage.until_rang(reached + 40)
    stage.order("stop")
    asked = monotonic()
    stage.until("SELECT count(*) = 0 FROM calls WHERE live AND answered_at IS NULL")
    hung_up = monotonic() - asked
    stage.until("SELECT count(*) = 0 FROM calls WHERE live")
    stage.hold()
    assert stage.one("SELECT count(*) FROM events WHERE type = 'contact.opted_out'") == 30
    assert stage.one("SELECT count(*) > 0 FROM campaign_contacts WHERE status = 'canceled'")
    assert stage.one(DIALLED_AFTER, "campaign.stopped", 0, None) == 0
    assert stage.one(DIALLED_AFTER, "contact.opted_out", 0, "same") == 0
    assert not late & {row.phone for row in stage.rang()}
    return hung_up
