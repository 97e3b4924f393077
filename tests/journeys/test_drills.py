"""Whatever is killed, frozen or failing, nobody is rung twice, and everybody's call comes to an end."""

import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest

from agentalk.postgres.folder import Folder
from tests.journeys.acts import Acts
from tests.journeys.drill import AT_ONCE, Drill, drill
from tests.journeys.table import Row, written_down
from tests.postgres.test_recovery import family

log = logging.getLogger(__name__)
acts = Acts()

# A dialer has written `dialing` and waits to write events before it commits: others who do so read no contacts.
COMMITTING = """SELECT count(*) FROM pg_locks waits JOIN pg_locks holds USING (pid)
    WHERE waits.relation = 'events'::regclass AND NOT waits.granted AND holds.relation = 'contacts'::regclass"""
RECORDING = "SELECT count(*) FROM pg_locks WHERE relation = 'carrier_events'::regclass AND NOT granted"
FENCED = "SELECT fenced_at IS NOT NULL FROM dialers WHERE id = %s"
# Who pauses holds the campaign until the commit, and so does who dials: the higher number of two of their events, given
# as it is written, belongs to the later commit.
DIALLED_LATER = """SELECT count(*) FROM events
    WHERE type = 'call.started' AND seq > (SELECT max(seq) FROM events WHERE type = 'campaign.paused')"""
LEFT_NOTHING = "SELECT count(*) = 0 FROM calls WHERE live AND dialer_id = %s"


def test_two_dialers_share_a_large_campaign(server: str, template: str, tmp_path: Path) -> None:
    with drill(server, template, tmp_path, AT_ONCE) as stage:
        stage.people(5000, rate=5000, at_once=500)
        for dialer in [stage.dialer(), stage.dialer()]:
            dialer.ready("up")
        began = monotonic()
        stage.order("start")
        stage.until_completed()
        seconds = monotonic() - began
        shares = [calls for _, calls in stage.rows("SELECT dialer_id, count(*) FROM calls GROUP BY 1")]
        assert len(shares) == 2
        assert min(shares) >= 500
        assert len(stage.rang()) == 5000
    log.info("5,000 calls in %.1f s by %s", seconds, shares)


def test_a_scheduled_campaign_begins_on_time_and_once(server: str, template: str, tmp_path: Path) -> None:
    with drill(server, template, tmp_path) as stage:
        stage.people(150, rate=1000, at_once=150, maxConcurrency=30)
        for dialer in [stage.dialer(), stage.dialer()]:
            dialer.ready("up")
        lateness = []
        for _ in range(2):
            rang = len(stage.rang())
            start_at = datetime.now(UTC) + timedelta(seconds=1.5)
            assert stage.order("start", {"startAt": start_at.isoformat()})["phase"] == "scheduled"
            stage.until_rang(rang + 1)
            lateness.append((stage.rang()[rang].placed_at - start_at).total_seconds())
            stage.order("pause")
            stage.until("SELECT count(*) = 0 FROM calls WHERE live")
        assert all(0 <= late < 1 for late in lateness)
        begun = "SELECT count(*) FROM events WHERE type IN ('campaign.started', 'campaign.resumed')"
        assert stage.one(begun) == 2
        stage.order("start")
        stage.until_completed()
    log.info("seconds from the time to the first ring: %s", lateness)


@acts.act("1", "SIGKILL of the only dialer, four times in mid dispatch, each time replaced")
def dialers_are_killed(stage: Drill) -> float | None:
    """Again and again in one campaign, each time while calls are being dialled."""
    stage.people(300, rate=40, at_once=40)
    dialer = stage.dialer().ready("up")
    stage.order("start")
    idle: list[float] = []
    for _ in range(4):
        stage.until_called(stage.dialled() + 50)
        dialer.kill()
        killed, dialled = monotonic(), stage.dialled()
        dialer = stage.dialer()
        stage.until_called(dialled + 1)
        idle.append(monotonic() - killed)
    stage.until_completed()
    return max(idle)


@acts.act(
    "1",
    "SIGKILL after the claim, after the dialing commit, after the bytes, before the reply, before an event was stored",
)
def dialers_are_killed_at_each_boundary(stage: Drill) -> float | None:
    stage.people(60, rate=1000, at_once=60, maxConcurrency=12)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as nobody:
        # One that finds nobody alive asks its carrier first, and this one is deaf: somebody is alive.
        alive = stage.dialer().ready("up")
        stage.until("SELECT count(*) = 1 FROM dialers")
        # After the dialing commit, before a byte came to the carrier.
        dialer = stage.dialer(carrier=f"http://127.0.0.1:{nobody.getsockname()[1]}").ready("up")
        stage.until("SELECT count(*) = 2 FROM dialers")
        alive.kill()
        stage.order("start")
        stage.until_called(12)
        dialer.kill()
    stage.misbehave(slowReply=1, slowReplySeconds=60, callbackMissing=1)
    stage.change(maxConcurrency=24)
    dialer = stage.dialer().ready("up")
    # After the call was placed, before the reply; and nothing else is heard of it.
    stage.until_rang(12)
    stage.simulator.freeze()
    stage.change(maxConcurrency=36)
    # After the bytes were sent, before the carrier read them.
    stage.until_called(36)
    with stage.held_up("events"):
        stage.change(maxConcurrency=48)
        # After the claim, before the dialing commit.
        stage.until(COMMITTING)
        dialer.kill()
    killed, dead = datetime.now(UTC), stage.newest_dialer()
    stage.simulator.thaw()
    stage.misbehave()
    with stage.held_up("carrier_events"):
        stage.change(maxConcurrency=60)
        stage.dialer()
        # After an event was sent, before it was stored.
        stage.until(RECORDING)
        assert stage.api
        stage.api.kill()
    stage.replace_api()
    stage.until(LEFT_NOTHING, dead)
    taken_over = stage.one("SELECT fenced_at FROM dialers WHERE id = %s", dead) - killed
    stage.until_completed()
    return float(taken_over.total_seconds())


@acts.act("6", "SIGSTOP in the middle of a commit, past the lease, then SIGCONT")
def a_dialer_is_frozen_past_its_lease(stage: Drill) -> float | None:
    """In the middle of its commit, which must hold nobody up, and with calls of its own live."""
    stage.people(400, rate=25, at_once=60)
    sleeper = stage.dialer().ready("up")
    stage.order("start")
    stage.until_called(20)
    asleep = stage.newest_dialer()
    with stage.held_up("events"):
        stage.until(COMMITTING)
        sleeper.freeze()
    frozen = monotonic()
    stage.dialer()
    stage.until(FENCED, asleep)
    stage.until(LEFT_NOTHING, asleep)
    taken_over = monotonic() - frozen
    # Whoever changes a campaign waits for those who are about to dial for it.
    stage.order("pause")
    stage.order("start")
    sleeper.thaw()
    stage.until("SELECT count(*) >= 3 FROM dialers")
    assert "taken for dead" in sleeper.log.read_text()
    stage.until("SELECT count(*) > 0 FROM calls WHERE dialer_id = %s", stage.newest_dialer())
    stage.until_completed()
    late = "SELECT count(*) FROM calls JOIN dialers d ON d.id = dialer_id WHERE dialed_at > fenced_at"
    assert stage.one(late) == 0
    return taken_over


@acts.act("-", "SIGTERM beside another dialer: what is under way is recorded, the calls are handed over")
def a_dialer_is_asked_to_stop(stage: Drill) -> float | None:
    """Its calls are another's at once."""
    stage.people(250, rate=50, at_once=60)
    leaving = stage.dialer().ready("up")
    stage.order("start")
    stage.until_called(10)
    left = stage.newest_dialer()
    stage.dialer().ready("up")
    stage.until("SELECT count(DISTINCT dialer_id) = 2 FROM calls WHERE live")
    asked = monotonic()
    assert leaving.terminate() == 0
    gone = monotonic()
    stage.until(LEFT_NOTHING, left)
    passed = monotonic()
    assert stage.one(FENCED, left)
    assert gone - asked < 10
    assert passed - gone < 5
    stage.until_completed()
    return passed - asked


@acts.act("2", "400, 500, resets and silence, placed or not; replies after 12 s; callbacks lost, repeated, late")
def the_carrier_fails(stage: Drill) -> float | None:
    """In every way there is, in one campaign."""
    stage.people(100, rate=200, at_once=100)
    in_answer = ("badRequest", "serverError", "serverErrorPlaced", "reset", "resetPlaced")
    answers = dict.fromkeys((*in_answer, "acceptThenTimeout", "slowReply"), 0.1)
    callbacks = dict.fromkeys(("callbackMissing", "callbackRepeated", "callbackReordered", "callbackLate"), 0.24)
    stage.misbehave(**answers, **callbacks, slowReplySeconds=12, callbackLateSeconds=15)
    dialer = stage.dialer().ready("up")
    stage.order("start")
    stage.until("SELECT count(DISTINCT contact_id) = 100 FROM calls WHERE dialed_at IS NOT NULL")
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


@acts.act("8", "six pauses against two dialers at 150 calls a second")
def the_campaign_is_paused(stage: Drill) -> float | None:
    """Nothing is dialled after the pause's commit."""
    stage.people(600, rate=150, at_once=100)
    for dialer in [stage.dialer(), stage.dialer()]:
        dialer.ready("up")
    for _ in range(6):
        stage.order("start")
        stage.until_called(stage.dialled() + 25)
        stage.order("pause")
        dialled = {id for (id,) in stage.rows("SELECT id FROM calls WHERE dialed_at IS NOT NULL")}
        stage.until("SELECT count(*) = 0 FROM calls WHERE live")
        assert stage.one(DIALLED_LATER) == 0
        assert {row.call_id for row in stage.rang()} <= dialled
    stage.order("start")
    stage.until_completed()
    return None


@acts.act("6", "SIGKILL of the server and its PostgreSQL in one moment; the carrier lives on", server=True)
def everything_is_killed(stage: Drill) -> float | None:
    """The server with its PostgreSQL, in one moment; all of it comes back from its folder. The carrier lives on."""
    stage.people(150, rate=30, at_once=40)
    stage.order("start")
    stage.until_called(60)
    assert stage.data and stage.api
    victims = (stage.api.pid, *family(Folder(stage.data)))
    assert len(victims) > 4
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    killed = monotonic()
    stage.replace_server()
    back = monotonic() - killed
    stage.until_completed()
    return back


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Row]]]:
    """Acts that mostly wait for a lease to run out."""
    yield from acts.play(request)


@pytest.mark.drill
@pytest.mark.parametrize("name", acts.all)
def test_nobody_is_rung_twice_when(
    name: str, played: dict[str, Future[Row]], record_property: Callable[[str, object], None]
) -> None:
    assert written_down(played[name], record_property).whole
