"""Whatever is killed or frozen, nobody is rung twice, and everybody's call comes to an end."""

import socket
from datetime import UTC, datetime, timedelta
from time import monotonic

from tests.journeys.acts import act
from tests.journeys.drill import Drill

# A dialer has written `dialing` and waits to write events before it commits: others who do so read no contacts.
COMMITTING = """SELECT count(*) FROM pg_locks waits JOIN pg_locks holds USING (pid)
    WHERE waits.relation = 'events'::regclass AND NOT waits.granted AND holds.relation = 'contacts'::regclass"""
RECORDING = "SELECT count(*) FROM pg_locks WHERE relation = 'carrier_events'::regclass AND NOT granted"
FENCED = "SELECT fenced_at IS NOT NULL FROM dialers WHERE id = %s"
LEFT_NOTHING = "SELECT count(*) = 0 FROM calls WHERE live AND dialer_id = %s"


@act(
    "-",
    "a start at a time, twice, with a pause between, before two dialers; recovery: from that time to the first ring",
    long=True,
)
def test_a_campaign_is_scheduled(stage: Drill) -> float | None:
    """It begins no sooner, and once."""
    stage.people(60, rate=5, at_once=60)
    for dialer in [stage.dialer(), stage.dialer()]:
        dialer.ready("up")
    late = []
    for _ in range(2):
        rang = len(stage.rang())
        start_at = datetime.now(UTC) + timedelta(seconds=1.5)
        assert stage.order("start", {"startAt": start_at.isoformat()})["phase"] == "scheduled"
        stage.until_rang(rang + 1)
        late.append((stage.rang()[rang].placed_at - start_at).total_seconds())
        stage.order("pause")
        stage.until("SELECT count(*) = 0 FROM calls WHERE live")
    assert min(late) >= 0
    begun = "SELECT count(*) FROM events WHERE type IN ('campaign.started', 'campaign.resumed')"
    assert stage.one(begun) == 2
    stage.order("start")
    stage.hurry()
    stage.until_completed()
    return max(late)


@act("1", "SIGKILL of the only dialer, four times in mid dispatch, each time replaced", long=True)
def test_dialers_are_killed(stage: Drill) -> float | None:
    """Again and again in one campaign, each time while calls are being dialled."""
    stage.people(600, rate=20, at_once=40)
    dialer = stage.dialer().ready("up")
    stage.order("start")
    idle: list[float] = []
    for _ in range(4):
        stage.until_called(stage.dialled() + 30)
        dialer.kill()
        killed, dialled = monotonic(), stage.dialled()
        dialer = stage.dialer()
        stage.until_called(dialled + 1)
        idle.append(monotonic() - killed)
    stage.hurry()
    stage.until_completed()
    return max(idle)


@act(
    "1",
    "SIGKILL after the claim, after the dialing commit, after the bytes, before the reply, before an event was stored",
)
def test_dialers_are_killed_at_each_boundary(stage: Drill) -> float | None:
    stage.people(20, rate=1000, at_once=60, maxConcurrency=4)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as nobody:
        # One that finds nobody alive asks its carrier first, and this one is deaf: somebody is alive.
        alive = stage.dialer().ready("up")
        stage.until("SELECT count(*) = 1 FROM dialers")
        # After the dialing commit, before a byte came to the carrier.
        dialer = stage.dialer(carrier=f"http://127.0.0.1:{nobody.getsockname()[1]}").ready("up")
        stage.until("SELECT count(*) = 2 FROM dialers")
        alive.kill()
        stage.order("start")
        stage.until_called(4)
        dialer.kill()
    assert stage.rang() == []
    stage.misbehave(slowReply=1, slowReplySeconds=60, callbackMissing=1)
    stage.change(maxConcurrency=8)
    dialer = stage.dialer().ready("up")
    # After the call was placed, before the reply; and nothing else is heard of it.
    stage.until_rang(4)
    stage.simulator.freeze()
    frozen = stage.now()
    stage.change(maxConcurrency=12)
    # After the bytes were sent, before the carrier read them.
    stage.until("SELECT count(*) >= 4 FROM calls WHERE dialed_at > %s", frozen)
    with stage.held_up("events"):
        stage.change(maxConcurrency=16)
        # After the claim, before the dialing commit.
        stage.until(COMMITTING)
        dialer.kill()
    killed, dead = datetime.now(UTC), stage.newest_dialer()
    stage.simulator.thaw()
    stage.misbehave()
    with stage.held_up("carrier_events"):
        stage.change(maxConcurrency=20)
        stage.dialer()
        # After an event was sent, before it was stored.
        stage.until(RECORDING)
        stage.until_untaken()
        assert stage.api
        stage.api.kill()
    stage.replace_api()
    stage.until(LEFT_NOTHING, dead)
    taken_over = stage.one("SELECT fenced_at FROM dialers WHERE id = %s", dead) - killed
    stage.until_completed()
    return float(taken_over.total_seconds())


@act("6", "SIGSTOP in the middle of a commit, past the lease, then SIGCONT")
def test_a_dialer_is_frozen_past_its_lease(stage: Drill) -> float | None:
    """In the middle of its commit, which must hold nobody up, and with calls of its own live."""
    stage.people(120, rate=4, at_once=60)
    sleeper = stage.dialer().ready("up")
    stage.order("start")
    stage.until_called(5)
    asleep = stage.newest_dialer()
    with stage.held_up("events"):
        stage.until(COMMITTING)
        sleeper.freeze()
    frozen = monotonic()
    stage.dialer()
    stage.until("SELECT count(*) > 1 FROM dialers")
    successor = stage.newest_dialer()
    stage.until(FENCED, asleep)
    stage.until(LEFT_NOTHING, asleep)
    taken_over = monotonic() - frozen
    # Whoever changes a campaign waits for those who are about to dial for it.
    stage.order("pause")
    stage.order("start")
    sleeper.thaw()
    sleeper.complains("taken for dead")
    # Under another id it calls again.
    stage.until("SELECT count(*) > 0 FROM calls WHERE dialer_id NOT IN (%s, %s)", asleep, successor)
    stage.hurry()
    stage.until_completed()
    late = "SELECT count(*) FROM calls JOIN dialers d ON d.id = dialer_id WHERE dialed_at > fenced_at"
    assert stage.one(late) == 0
    return taken_over


@act("-", "SIGTERM beside another dialer: what is under way is recorded, the calls are handed over", long=True)
def test_a_dialer_is_asked_to_stop(stage: Drill) -> float | None:
    """Its calls are another's at once, and not when its lease has run out."""
    stage.people(120, rate=5, at_once=60)
    leaving = stage.dialer().ready("up")
    stage.order("start")
    stage.until_called(10)
    left = stage.newest_dialer()
    stage.dialer().ready("up")
    stage.until("SELECT count(DISTINCT dialer_id) = 2 FROM calls WHERE live")
    asked = monotonic()
    assert leaving.terminate() == 0
    stage.until(LEFT_NOTHING, left)
    passed = monotonic()
    assert stage.one("SELECT fenced_at - heartbeat_at < '10 s' FROM dialers WHERE id = %s", left)
    assert "taken for dead" not in leaving.log.read_text()
    stage.hurry()
    stage.until_completed()
    return passed - asked


@act("6", "SIGKILL of the server and its PostgreSQL in one moment; the carrier lives on", on="server", long=True)
def test_everything_is_killed(stage: Drill) -> float | None:
    """The server with its PostgreSQL, in one moment; all of it comes back from its folder. The carrier lives on."""
    stage.people(400, rate=20, at_once=40)
    stage.order("start")
    stage.until_called(30)
    stage.kill_everything()
    killed = monotonic()
    stage.replace_server()
    back = monotonic() - killed
    stage.hurry()
    stage.until_completed()
    return back
