"""What a carrier may do to a campaign: report in any order or not at all, storm, be away, fail with its agents."""

import json
from collections import Counter
from datetime import datetime, timedelta
from time import monotonic

import msgspec

from agentalk.carriers.simulator.ledger import Ledger
from agentalk.carriers.simulator.wire import sign
from tests.journeys.acts import act
from tests.journeys.drill import Drill
from tests.journeys.roles import SECRET

KEY = SECRET["AGENTALK_SIMULATOR_SECRET"]
ENDS = "SELECT id, status, outcome, ended_at, answered_by FROM calls ORDER BY id"
AGENTS = {
    "weights": {"answered": 6, "abandoned": 1, "agent_error": 1},
    "ringSeconds": [0.1, 0.3],
    "talkSeconds": [0.1, 0.5],
}


@act("2", "400, 500, resets and silence, placed or not; replies after 12 s; callbacks lost, repeated, late")
def test_the_carrier_fails(stage: Drill) -> float | None:
    """In every way there is, in one campaign."""
    stage.people(60, rate=200, at_once=100)
    in_answer = ("badRequest", "serverError", "serverErrorPlaced", "reset", "resetPlaced")
    answers = dict.fromkeys((*in_answer, "acceptThenTimeout", "slowReply"), 0.08)
    callbacks = dict.fromkeys(("callbackMissing", "callbackRepeated", "callbackReordered", "callbackLate"), 0.24)
    stage.misbehave(**answers, **callbacks, slowReplySeconds=12, callbackLateSeconds=15)
    dialer = stage.dialer().ready("up")
    stage.order("start")
    stage.until("SELECT count(DISTINCT contact_id) = 60 FROM calls WHERE dialed_at IS NOT NULL")
    assert len(stage.simulator_stats()["faults"]) == len(answers)
    stage.misbehave()
    healthy = monotonic()
    stage.until("SELECT count(*) = 0 FROM calls WHERE live AND carrier_call_id IS NULL")
    # Calls without a callback are asked about after some time; a dialer that takes over asks about all at once.
    assert dialer.terminate() == 0
    stage.dialer()
    stage.until_completed()
    assert stage.one("SELECT count(*) FROM calls WHERE outcome = 'not_placed'") > 0
    assert stage.one("SELECT count(*) FROM calls WHERE outcome = 'unknown'") == 0
    return monotonic() - healthy


@act("3", "callbacks before the reply, ten times, in reverse, 8 s late, never, forged, unsigned; all of them once more")
def test_callbacks_come_as_they_like(stage: Drill) -> float | None:
    stage.people(40, rate=40, at_once=80)
    ways = dict.fromkeys(("callbackMissing", "callbackRepeated", "callbackReordered", "callbackLate"), 0.2)
    stage.misbehave(**ways, callbackLateSeconds=8, slowReply=0.5, slowReplySeconds=4)
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
    placed = Ledger.read(stage.ledger)._placed.values()
    assert len({(how.copies, how.backwards, how.delay_seconds) for how in (one.reporting for one in placed)}) == 5
    assert stage.simulator_stats()["faults"]["slow_reply"] > 0
    told = [event for one in placed for event in one.course]
    for events in (told * 10, told[::-1]):
        for i in range(0, len(events), 200):
            body = msgspec.json.encode(events[i : i + 200])
            assert stage.call_back(body, sign(KEY, body)) == 204
    assert stage.rows(ENDS) == before
    return None


@act("9", "the carrier frozen with requests in its hands, then killed; 80 s are skipped; back after an alert", world=0)
def test_stuck_calls_raise_an_alert(stage: Drill) -> float | None:
    stage.people(20, rate=100, at_once=20)
    dialer = stage.dialer().ready("up")
    stage.order("start")
    stage.until_called(1)
    stage.simulator.freeze()
    stage.until("SELECT count(*) > 0 FROM calls WHERE status = 'uncertain'")
    stage.simulator.kill()
    # An alert is raised after a minute in which the carrier was asked again and again.
    for _ in range(4):
        moment = stage.now() + timedelta(seconds=20)
        stage.put_forward(moment)
        stage.until("SELECT min(check_at) > %s FROM calls WHERE status = 'uncertain'", moment)
    alerts = "SELECT count(*) FROM events WHERE type = 'engine.calls_stuck'"
    stage.until(alerts)
    dialer.complains("calls are stuck")
    stage.replace_simulator()
    back = monotonic()
    stage.until_completed()
    assert stage.one(alerts) == 1
    return monotonic() - back


@act(
    "10",
    "the simulated carrier reports agents that failed or said nothing (there is no voice runtime yet)",
    mix=AGENTS,
    long=True,
)
def test_agents_fail(stage: Drill) -> float | None:
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
    """The most moments in any `seconds`."""
    span = timedelta(seconds=seconds)
    return max(sum(first <= moment < first + span for moment in moments) for first in moments)


@act("11", "nothing but 429, twice; then 5 calls a second instead of 10,000; then the carrier killed for 3 s")
def test_the_carrier_storms_slows_and_goes_away(stage: Drill) -> float | None:
    stage.people(40, rate=100, at_once=100)
    stage.misbehave(tooManyRequests=1)
    stage.dialer().ready("up")
    stage.order("start")
    # Each time it asks for a pause while it recovers, the pause is longer.
    stage.until("SELECT max(slow_times) >= 1 FROM carriers")
    requests = sum(stage.simulator_stats()["faults"].values())
    assert 2 <= requests <= 20, "a carrier that asks for a pause gets it"
    carrier = stage.ask("GET", "/carriers")["data"][0]["id"]
    stage.ask("PATCH", f"/carriers/{carrier}", {"callsPerSecond": 5})
    cut = stage.now()
    stage.misbehave()
    stage.until_rang(10)
    stage.simulator.kill()
    away, rang = monotonic(), len(stage.rang())
    stage.until("SELECT max(heartbeat_at) > %s FROM dialers", stage.now() + timedelta(seconds=3))
    assert len(stage.rang()) == rang
    stage.replace_simulator()
    stage.until_rang(rang + 1)
    recovery = monotonic() - away
    stage.until_completed()
    dialed = [moment for (moment,) in stage.rows("SELECT dialed_at FROM calls WHERE dialed_at > %s", cut)]
    assert fastest(dialed, 2) <= 15, "a herd"
    attempts = Counter(attempt for (attempt,) in stage.rows("SELECT attempt FROM calls WHERE outcome <> 'not_placed'"))
    assert attempts == {1: 40}, "an attempt was burned"
    return recovery
