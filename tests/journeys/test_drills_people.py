"""Whom many dialers, many campaigns, wrong clocks and late orders may make them call."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

import pytest

from tests.journeys.acts import Acts
from tests.journeys.crowds import scatter
from tests.journeys.drill import ALL_DAY, AT_ONCE, Drill
from tests.journeys.processes import WRONG_CLOCK
from tests.journeys.table import Row, written_down

acts = Acts()
MANY = {"frequency": [{"scope": "phone", "max": 1000, "hours": 24}]}


@acts.act("4", "eight dialers on one contact, who is reset and called ten times", mix=AT_ONCE)
def eight_dialers_have_one_contact(stage: Drill) -> float | None:
    stage.people(1, rate=1000, at_once=100, policy=MANY)
    for dialer in [stage.dialer() for _ in range(8)]:
        dialer.ready("up")
    for times in range(1, 11):
        stage.ask("POST", f"/campaigns/{stage.campaign}/contacts", {"contactIds": ["c0"]})
        stage.order("start")
        stage.until_completed()
        assert len(stage.rang()) == times
    return None


@acts.act("4", "an organization with 1,000 campaigns of two contacts each, two dialers", mix=AT_ONCE)
def a_thousand_campaigns_are_active(stage: Drill) -> float | None:
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


@acts.act("5", "one number in three notations, three contacts and six campaigns at once; at most 3 calls in 24 h")
def one_number_is_everywhere(stage: Drill) -> float | None:
    stage.people(1, rate=1000, at_once=100)
    stage.import_people({"a": "+12125550001", "b": "+1 (212) 555-0001", "c": "+1-212-555-0001"})
    campaigns = [stage.new_campaign(["a", "b", "c"], maxConcurrency=50, callsPerSecond=100) for _ in range(6)]
    for dialer in [stage.dialer() for _ in range(4)]:
        dialer.ready("up")
    for campaign in campaigns:
        stage.order("start", campaign=campaign)
    stage.until_rang(3)
    capped = "SELECT count(DISTINCT campaign_id) = 3 FROM campaign_contacts WHERE wait_reason = 'frequency_cap'"
    stage.until(capped)
    stage.until("SELECT count(*) = 0 FROM calls WHERE live")
    stage.hold()
    rang = stage.rang()
    assert [row.phone for row in rang] == ["+12125550001"] * 3
    assert (
        len({campaign for (campaign,) in stage.rows("SELECT campaign_id FROM calls WHERE dialed_at IS NOT NULL")}) == 3
    )
    ends = [row.ended_at for row in rang]
    assert all(end and end <= later.placed_at for end, later in zip(ends, rang[1:], strict=False)), "two calls at once"
    return None


@acts.act("7", "a dialer whose clock is an hour ahead, and one an hour behind, beside one that is right")
def clocks_are_wrong(stage: Drill) -> float | None:
    stage.people(150, rate=15, at_once=60)
    right = stage.dialer().ready("up")
    wrong = [stage.dialer(**{WRONG_CLOCK: seconds}) for seconds in ("3600", "-3600")]
    stage.order("start")
    stage.until_completed()
    assert all("are 3600 s apart" in dialer.log.read_text() for dialer in wrong)
    assert stage.one("SELECT count(*) FROM dialers") == 1
    assert right.is_up()
    assert "taken for dead" not in right.log.read_text()
    return None


@acts.act("7", "the campaign's window closes in the middle of dispatch, at 40 calls a second", mix=AT_ONCE)
def the_window_closes_in_mid_batch(stage: Drill) -> float | None:
    stage.people(4000, rate=40, at_once=100)
    stage.dialer().ready("up")
    closing = (stage.now() + timedelta(seconds=65)).replace(second=0, microsecond=0)
    local = closing.astimezone(ZoneInfo(stage.zone))
    slots = [{**slot, "end": f"{local:%H:%M}"} for slot in ALL_DAY]
    stage.change(window={"slots": slots})
    stage.order("start")
    stage.until_rang(10)
    stage.until("SELECT phase = 'outside_window' FROM campaigns WHERE id = %s", stage.campaign)
    stage.until("SELECT count(*) = 0 FROM calls WHERE live")
    assert stage.one("SELECT max(dialed_at) < %s FROM calls", closing)
    assert stage.one("SELECT max(dialed_at) > %s FROM calls", closing - timedelta(seconds=10))
    stage.hold()
    return None


def in_the_world_of(opens: datetime) -> float:
    """So many seconds ahead is a minute before `opens`."""
    return (opens - timedelta(seconds=60) - datetime.now(UTC)).total_seconds()


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
    ready = stage.now()
    stage.until_rang(20)
    stage.until("SELECT count(*) = 0 FROM calls WHERE live")
    first = min(row.placed_at for row in stage.rang())
    assert first >= opens
    assert {row.phone[:5] for row in stage.rang()} == {"+1212"}
    skipped = stage.rows("SELECT contact_id, skip_reason FROM campaign_contacts WHERE status = 'skipped' ORDER BY 1")
    # It is never day in all the zones of a number that is free of charge.
    assert skipped == [("free", "no_timezone"), ("nowhere", "no_timezone")]
    stage.hold()
    return (first - max(ready, opens)).total_seconds()


SPRING, AUTUMN = datetime(2026, 3, 8, 13, 0, tzinfo=UTC), datetime(2026, 11, 1, 14, 0, tzinfo=UTC)


@acts.act(
    "7",
    "9:00 on the day the clocks go forward: numbers of one zone, two, all and none",
    offset=in_the_world_of(SPRING),
)
def the_clocks_go_forward(stage: Drill) -> float | None:
    return opens_at_nine(stage, SPRING)


@acts.act("7", "9:00 on the day the clocks go back: the same numbers", offset=in_the_world_of(AUTUMN))
def the_clocks_go_back(stage: Drill) -> float | None:
    return opens_at_nine(stage, AUTUMN)


# Who stops or opts out, and who dials, holds the campaign until the commit: the later commit has the higher number.
DIALLED_AFTER = """SELECT count(*) FROM events dialled JOIN events ended ON ended.seq < dialled.seq
    WHERE dialled.type = 'call.started' AND ended.type = %s
        AND (%s::text IS NULL OR dialled.data ->> 'contactId' = ended.data ->> 'contactId')"""


@acts.act("8", "fifty opt-outs and then a stop against two dialers at 12 calls a second")
def opt_outs_and_a_stop_race_the_dialers(stage: Drill) -> float | None:
    stage.people(400, rate=12, at_once=100)
    for dialer in [stage.dialer(), stage.dialer()]:
        dialer.ready("up")
    stage.order("start")
    stage.until_rang(5)
    late = {f"+1212555{n:04d}" for n in range(350, 400)}
    for phone in sorted(late, reverse=True):
        stage.ask("POST", "/opt-outs", {"phone": phone})
    # On a slow machine some of them were called before it was asked.
    late -= {row.phone for row in stage.rang()}
    reached = len(stage.rang())
    for n in range(reached, reached + 50, 5):
        stage.ask("POST", "/opt-outs", {"phone": f"+1212555{n:04d}"})
    stage.until_rang(120)
    stage.order("stop")
    asked = monotonic()
    stage.until("SELECT count(*) = 0 FROM calls WHERE live AND answered_at IS NULL")
    hung_up = monotonic() - asked
    stage.until("SELECT count(*) = 0 FROM calls WHERE live")
    stage.hold()
    assert stage.one(DIALLED_AFTER, "campaign.stopped", None) == 0
    assert stage.one(DIALLED_AFTER, "contact.opted_out", "same") == 0
    assert not late & {row.phone for row in stage.rang()}
    return hung_up


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Row]]]:
    """These acts, all at once."""
    yield from acts.play(request)


@pytest.mark.drill
@pytest.mark.parametrize("name", acts.all)
def test_policy_holds_when(
    name: str, played: dict[str, Future[Row]], record_property: Callable[[str, object], None]
) -> None:
    assert written_down(played[name], record_property).whole
