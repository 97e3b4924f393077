"""Drills that take minutes: `make drills-all`."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from time import monotonic

import pytest

from tests.journeys.acts import Acts
from tests.journeys.crowds import gather
from tests.journeys.drill import AT_ONCE, Drill
from tests.journeys.table import Row, written_down

acts = Acts()


@acts.act("4", "eight dialers on one campaign of 100,000 contacts", mix=AT_ONCE)
def eight_dialers_have_a_hundred_thousand(stage: Drill) -> float | None:
    stage.people(1, rate=10_000, at_once=2000)
    gather(stage, 99_999)
    for dialer in [stage.dialer() for _ in range(8)]:
        dialer.ready("up")
    stage.order("start")
    stage.until_completed(seconds=1500)
    assert len(stage.rang()) == 100_000
    shares = stage.rows("SELECT dialer_id, count(*) FROM calls GROUP BY 1")
    assert len(shares) == 8
    return None


@acts.act(
    "12", "a campaign of 10 contacts started beside one of 1,000,000 that is being called; recovery: its first call"
)
def a_small_campaign_beside_a_million(stage: Drill) -> float | None:
    stage.people(11, rate=10_000, at_once=200, maxConcurrency=200, callsPerSecond=200)
    gather(stage, 1_000_000)
    small = stage.new_campaign([f"c{n}" for n in range(1, 11)], maxConcurrency=10, callsPerSecond=10)
    for dialer in [stage.dialer(), stage.dialer()]:
        dialer.ready("up")
    stage.order("start")
    stage.until_rang(400)
    began = monotonic()
    stage.order("start", campaign=small)
    stage.until("SELECT count(*) > 0 FROM calls WHERE campaign_id = %s AND dialed_at IS NOT NULL", small)
    first = monotonic() - began
    assert first < 1
    stage.until("SELECT status = 'completed' FROM campaigns WHERE id = %s", small)
    asked = monotonic()
    stage.order("stop")
    assert monotonic() - asked < 5, "a stop is a stop at once, however many contacts there are"
    counts = stage.ask("GET", f"/campaigns/{stage.campaign}")["counts"]
    assert (counts["pending"], counts["waiting"]) == (0, 0)
    stage.until("SELECT NOT canceling FROM campaigns WHERE id = %s", stage.campaign, seconds=600)
    stage.until("SELECT count(*) = 0 FROM calls WHERE live")
    stage.hold()
    return first


@acts.act("2", "every reply comes 60 s late, and no callback ever")
def every_reply_is_a_minute_late(stage: Drill) -> float | None:
    stage.people(60, rate=60, at_once=60)
    stage.misbehave(slowReply=1, slowReplySeconds=60, callbackMissing=1)
    stage.dialer().ready("up")
    began = monotonic()
    stage.order("start")
    stage.until_completed(seconds=300)
    return monotonic() - began


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Row]]]:
    """One after another would be fairer to each; together they take less of the day."""
    yield from acts.play(request)


@pytest.mark.drill_long
@pytest.mark.parametrize("name", acts.all)
def test_large_numbers_change_nothing(
    name: str, played: dict[str, Future[Row]], record_property: Callable[[str, object], None]
) -> None:
    assert written_down(played[name], record_property).whole
