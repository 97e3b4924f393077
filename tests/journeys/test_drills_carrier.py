"""What a carrier may do to a campaign: report in any order or not at all, storm, be away, fail with its agents."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import datetime, timedelta
from time import monotonic

import msgspec
import pytest

from agentalk.carriers.simulator.ledger import Ledger
from agentalk.carriers.simulator.wire import sign
from tests.journeys.acts import Acts
from tests.journeys.drill import SECRET, Drill
from tests.journeys.table import Row, written_down

acts = Acts()
KEY = SECRET["AGENTALK_SIMULATOR_SECRET"]
ENDS = "SELECT id, status, outcome, ended_at, answered_by FROM calls ORDER BY id"
AGENTS = {
    "weights": {"answered": 6, "abandoned": 1, "agent_error": 1},
    "ringSeconds": [0.1, 0.3],
    "talkSeconds": [0.1, 0.5],
}


@acts.act(
    "3", "callbacks before the reply, ten times, in reverse, 8 s late, never, forged, unsigned; all of them once more"
)
def callbacks_come_as_they_like(stage: Drill) -> float | None:
    stage.people(80, rate=40, at_once=80)
    ways = dict.fromkeys(("callbackMissing", "callbackRepeated", "callbackReordered", "callbackLate"), 0.2)
    stage.misbehave(**ways, callbackLateSeconds=8, slowReply=0.5, slowReplySeconds=2)
    stage.dialer().ready("up")
    stage.order("start")
    stage.until_at("in_progress", 1)
    live = {row.call_id: row for row in stage.rang()}
    for id, status in stage.rows("SELECT id, status FROM calls WHERE live AND id = ANY(%s)", list(live)):
        end = {"callId": str(id), "carrierCallId": live[id].carrier_call_id, "type": "ended", "sequence": 9}
        body = json.dumps({**end, "at": live[id].placed_at.isoformat(), "outcome": "opted_out"}).encode()
        assert [stage.call_back(body, sign("guessed", body)), stage.call_back(body, None)] == [401, 401], status
    stage.until_completed()
    assert stage.one("SELECT count(*) FROM calls WHERE outcome = 'opted_out'") == 0
    before = stage.rows(ENDS)
    told = [event for placed in Ledger.read(stage.ledger)._placed.values() for event in placed.course]
    for events in (told * 10, told[::-1]):
        for i in range(0, len(events), 200):
            body = msgspec.json.encode(events[i : i + 200])
            assert stage.call_back(body, sign(KEY, body)) == 204
    assert stage.rows(ENDS) == before
    return None


@acts.act("9", "the carrier frozen with requests in its hands, then killed; back after an alert")
def stuck_calls_raise_an_alert(stage: Drill) -> float | None:
    stage.people(20, rate=100, at_once=20)
    dialer = stage.dialer().ready("up")
    stage.order("start")
    stage.until_called(1)
    stage.simulator.freeze()
    stage.until("SELECT count(*) > 0 FROM calls WHERE status = 'uncertain'")
    stage.simulator.kill()
    alerts = "SELECT count(*) FROM events WHERE type = 'engine.calls_stuck'"
    stage.until(alerts)
    assert "calls are stuck" in dialer.log.read_text()
    stage.replace_simulator()
    back = monotonic()
    stage.until_completed()
    assert stage.one(alerts) == 1
    return monotonic() - back


@acts.act(
    "10", "the simulated carrier reports agents that failed or said nothing (there is no voice runtime yet)", mix=AGENTS
)
def agents_fail(stage: Drill) -> float | None:
    stage.people(60, rate=60, at_once=60, retry={})
    stage.dialer().ready("up")
    stage.order("start")
    stage.until("SELECT count(*) = 60 FROM calls WHERE status = 'ended'")
    stage.hold()
    waits = stage.rows(
        """SELECT last_outcome, cc.due_at - c.ended_at FROM campaign_contacts cc
        JOIN calls c USING (campaign_id, contact_id) WHERE cc.status = 'waiting'"""
    )
    assert {outcome for outcome, _ in waits} == {"abandoned", "agent_error"}
    assert all(
        wait >= (timedelta(hours=72) if outcome == "abandoned" else timedelta(minutes=5)) for outcome, wait in waits
    )
    return None


def fastest(moments: list[datetime], seconds: float) -> int:
    """The most placements in any `seconds`."""
    span = timedelta(seconds=seconds)
    return max(sum(first <= moment < first + span for moment in moments) for first in moments)


@acts.act("11", "nothing but 429, twice; then 5 calls a second instead of 100; then the carrier killed for 3 s")
def the_carrier_storms_slows_and_goes_away(stage: Drill) -> float | None:
    stage.people(50, rate=100, at_once=100)
    stage.misbehave(tooManyRequests=1)
    stage.dialer().ready("up")
    stage.order("start")
    # Each time it asks for a pause while it recovers, the pause is longer.
    stage.until("SELECT max(slow_times) >= 1 FROM carriers")
    requests = sum(stage.simulator_stats()["faults"].values())
    assert requests <= 20, "a carrier that asks for a pause gets it"
    carrier = stage.ask("GET", "/carriers")["data"][0]["id"]
    stage.ask("PATCH", f"/carriers/{carrier}", {"callsPerSecond": 5})
    cut = stage.now()
    stage.misbehave()
    stage.until_rang(10)
    stage.simulator.kill()
    away, rang = monotonic(), len(stage.rang())
    stage.until("SELECT max(heartbeat_at) > %s FROM dialers", stage.now() + timedelta(seconds=3))
    stage.replace_simulator()
    stage.until_rang(rang + 1)
    recovery = monotonic() - away
    stage.until_completed()
    assert fastest([row.placed_at for row in stage.rang() if row.placed_at > cut + timedelta(seconds=1)], 1) <= 7
    attempts = Counter(attempt for (attempt,) in stage.rows("SELECT attempt FROM calls WHERE outcome <> 'not_placed'"))
    assert attempts == {1: 50}, "an attempt was burned"
    return recovery


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Row]]]:
    """These acts, all at once."""
    yield from acts.play(request)


@pytest.mark.drill
@pytest.mark.parametrize("name", acts.all)
def test_a_carrier_does_no_harm_when(
    name: str, played: dict[str, Future[Row]], record_property: Callable[[str, object], None]
) -> None:
    assert written_down(played[name], record_property).whole
