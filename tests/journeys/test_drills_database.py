"""What may happen to the database in the middle of dispatch: killed, crowded, lost and restored."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from time import monotonic

import psycopg
import pytest

from agentalk.postgres.folder import Folder
from agentalk.postgres.processes import running
from tests.journeys.acts import Acts
from tests.journeys.drill import Drill
from tests.journeys.program import agentalk
from tests.journeys.table import Row, written_down
from tests.postgres.test_recovery import family

acts = Acts()


def end_postgres(stage: Drill, number: signal.Signals) -> None:
    assert stage.data
    server = running(Folder(stage.data).cluster)
    assert server
    os.kill(server.pid, number)


@acts.act(
    "6",
    "PostgreSQL killed (SIGKILL), twice, and stopped at once (SIGQUIT), in mid dispatch of two dialers",
    server=True,
)
def postgres_is_killed(stage: Drill) -> float | None:
    stage.people(300, rate=40, at_once=60)
    stage.dialer().ready("up")
    stage.order("start")
    away = []
    for number in (signal.SIGKILL, signal.SIGQUIT, signal.SIGKILL):
        stage.until_rang(len(stage.rang()) + 30)
        end_postgres(stage, number)
        ended, rang = monotonic(), len(stage.rang())
        stage.look_again()
        stage.until_rang(rang + 10)
        away.append(monotonic() - ended)
    stage.until_completed()
    return max(away)


@acts.act(
    "6", "every connection of PostgreSQL taken by others for 4 s, those of two dialers and the API broken", server=True
)
def connections_run_out(stage: Drill) -> float | None:
    stage.people(600, rate=30, at_once=60)
    stage.dialer().ready("up")
    stage.order("start")
    stage.until_rang(30)
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
                    admin.execute(ours)
        assert refused > 1
        rang = len(stage.rang())
        assert rang < 600
        freed = monotonic()
    stage.until_rang(rang + 1)
    recovery = monotonic() - freed
    stage.until_completed()
    return recovery


@acts.act(
    "13",
    "backup, more calls, all killed, the backup restored: the carrier is asked before anybody is called",
    server=True,
)
def an_old_backup_is_restored(stage: Drill) -> float | None:
    stage.people(400, rate=20, at_once=40, retry={"maxAttempts": 2, "rules": []})
    stage.order("start")
    stage.until_rang(40)
    assert stage.data and stage.api
    backup = stage.data.parent / "backup"
    assert agentalk("db", "backup", backup, "--data-dir", stage.data).code == 0
    stage.until_rang(len(stage.rang()) + 50)
    for pid in (stage.api.pid, *family(Folder(stage.data))):
        os.kill(pid, signal.SIGKILL)
    forgotten = len(stage.rang())
    restored = agentalk("db", "restore", backup, "--yes", "--data-dir", stage.data)
    assert restored.code == 0, restored.err
    began = monotonic()
    stage.replace_server()
    stage.until_rang(forgotten + 1)
    recovery = monotonic() - began
    assert "were booked" in stage.api.log.read_text()
    stage.until_completed()
    phones = [row.phone for row in stage.rang()]
    assert len(phones) == len(set(phones)) == 400, "somebody was rung twice"
    return recovery


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Row]]]:
    """These acts, all at once."""
    yield from acts.play(request)


@pytest.mark.drill
@pytest.mark.parametrize("name", acts.all)
def test_nobody_is_lost_when(
    name: str, played: dict[str, Future[Row]], record_property: Callable[[str, object], None]
) -> None:
    assert written_down(played[name], record_property).whole
