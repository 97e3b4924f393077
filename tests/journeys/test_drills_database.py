"""What may happen to the database in the middle of dispatch: killed, crowded, lost and restored."""

import os
import signal
from contextlib import ExitStack
from time import monotonic

import psycopg

from agentalk.postgres.folder import Folder
from agentalk.postgres.processes import running
from tests.journeys.acts import act
from tests.journeys.drill import Drill


@act("6", "PostgreSQL killed (SIGKILL), then stopped at once (SIGQUIT), in mid dispatch of two dialers", on="server")
def test_postgres_is_killed(stage: Drill) -> float | None:
    stage.people(200, rate=6, at_once=60)
    stage.dialer().ready("up")
    stage.order("start")
    away = []
    assert stage.data
    cluster = Folder(stage.data).cluster
    for number in (signal.SIGKILL, signal.SIGQUIT):
        stage.until_rang(len(stage.rang()) + 10)
        server = running(cluster)
        assert server
        os.kill(server.pid, number)
        ended, rang = monotonic(), len(stage.rang())
        stage.look_again()
        stage.until_rang(rang + 10)
        away.append(monotonic() - ended)
        another = running(cluster)
        assert another and another.pid != server.pid
    stage.hurry()
    stage.until_completed()
    return max(away)


@act(
    "6", "PostgreSQL killed in mid dispatch of two dialers, and its synchronous standby promoted", on="pair", long=True
)
def test_postgres_fails_over(stage: Drill) -> float | None:
    """To the standby, which has every commit that anybody has heard of."""
    stage.people(200, rate=6, at_once=60)
    for dialer in [stage.dialer(), stage.dialer()]:
        dialer.ready("up")
    stage.order("start")
    stage.until_rang(10)
    assert stage.pair
    began, rang = monotonic(), len(stage.rang())
    stage.pair.fail_over()
    stage.look_again()
    stage.until_rang(rang + 10)
    back = monotonic() - began
    stage.hurry()
    stage.until_completed()
    assert len(stage.rang()) == 200
    return back


@act(
    "6",
    "every connection of PostgreSQL taken by others for 4 s, those of two dialers and the API broken",
    on="server",
    long=True,
)
def test_connections_run_out(stage: Drill) -> float | None:
    stage.people(800, rate=10, at_once=60)
    stage.dialer().ready("up")
    stage.order("start")
    stage.until_rang(10)
    with ExitStack() as crowd:
        admin = crowd.enter_context(psycopg.connect(stage.dsn, autocommit=True))
        ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'agentalk'"
        refused, full = 0, 0.0
        while not full or monotonic() - full < 4:
            try:
                crowd.enter_context(psycopg.connect(stage.dsn))
            except psycopg.OperationalError:
                # The first time there is no more room the others lose theirs, and find it taken.
                refused, full = refused + 1, full or monotonic()
                if refused == 1:
                    assert admin.execute(ours).rowcount > 3
                admin.execute("SELECT pg_sleep(0.1)")
        assert refused > 1
        rang = len(stage.rang())
        freed = monotonic()
    stage.until_rang(rang + 1)
    recovery = monotonic() - freed
    stage.hurry()
    stage.until_completed()
    return recovery


@act(
    "13",
    "backup, more calls, all killed, the backup restored: the carrier is asked before anybody is called",
    on="server",
)
def test_an_old_backup_is_restored(stage: Drill) -> float | None:
    stage.people(300, rate=5, at_once=40, retry={"maxAttempts": 2, "rules": []})
    stage.order("start")
    stage.until_rang(10)
    assert stage.data and stage.api
    backup, data = stage.data.parent / "backup", ("--data-dir", stage.data)
    assert stage.processes.start("db", "backup", backup, *data).done() == 0
    stage.until_rang(len(stage.rang()) + 10)
    stage.kill_everything()
    forgotten = len(stage.rang())
    assert stage.processes.start("db", "restore", backup, "--yes", *data).done() == 0
    began = monotonic()
    stage.replace_server()
    stage.until_rang(forgotten + 1)
    recovery = monotonic() - began
    assert "were booked" in stage.api.log.read_text()
    stage.hurry()
    stage.until_completed()
    phones = [row.phone for row in stage.rang()]
    assert len(phones) == len(set(phones)) == 300, "somebody was rung twice"
    return recovery
