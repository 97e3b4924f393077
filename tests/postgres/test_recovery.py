"""After a kill -9 of anything: the next start works, nothing is lost, and no stranger is touched."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from agentalk.postgres import EmbeddedPostgres, PostgresError, embedded, running_dsn, use
from agentalk.postgres.accounts import server_account
from agentalk.postgres.cluster import Cluster
from agentalk.postgres.folder import Folder, until
from agentalk.postgres.processes import _command, _pids, running, serves
from agentalk.postgres.programs import find, spawn
from tests.postgres.folders import Supervise, first_line
from tests.postgres.psql import empty, session, sql


def family(folder: Folder) -> list[int]:
    """The server and everything it started."""
    name = Cluster(folder, find(), None).name
    return [pid for pid in _pids() if name in " ".join(_command(pid) or [])]


def pid_of(folder: Folder) -> int:
    server = running(folder.cluster)
    assert server
    return server.pid


def impostor(title: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([title], executable="/bin/cat", stdin=subprocess.PIPE, cwd="/")


async def test_killed_together_nothing_is_lost(data_dir: Path, supervise: Supervise) -> None:
    folder = Folder(data_dir)
    supervisor = supervise(data_dir)
    dsn = first_line(supervisor)
    empty(dsn)
    sql(dsn, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    victims = family(folder)
    assert len(victims) > 3
    for pid in (supervisor.pid, *victims):
        os.kill(pid, signal.SIGKILL)
    supervisor.wait(20)
    postgres = EmbeddedPostgres(data_dir)
    assert await postgres.start() == dsn
    assert sql(dsn, "SELECT sum(n) FROM kept") == "500500"
    await postgres.stop()
    assert family(folder) == []


async def test_a_server_whose_supervisor_died_is_taken_over(data_dir: Path, supervise: Supervise) -> None:
    folder = Folder(data_dir)
    supervisor = supervise(data_dir)
    dsn = first_line(supervisor)
    supervisor.kill()
    supervisor.wait(20)
    pid = pid_of(folder)
    assert await running_dsn(data_dir) == dsn
    postgres = EmbeddedPostgres(data_dir)
    assert await postgres.start() == dsn
    assert pid_of(folder) == pid
    await postgres.stop()
    assert not running(folder.cluster)
    assert await until(lambda: not serves(pid, folder.cluster), 20)


async def test_a_server_that_is_just_coming_up_is_waited_for(data_dir: Path) -> None:
    """Its supervisor was killed in between."""
    folder = Folder(data_dir)
    cluster = Cluster(folder, find(), server_account(folder.cluster))
    with spawn(cluster._command(0xBEEF), cluster.account, stderr=subprocess.DEVNULL) as orphan:
        async with use(data_dir) as dsn:
            assert pid_of(folder) == orphan.pid
            assert sql(dsn, "SELECT 1") == "1"
        assert orphan.wait(20) == 0


async def test_a_server_that_recovers_by_itself_is_waited_for(data_dir: Path) -> None:
    """When a part of it was killed it starts over, and says so to all who come in between."""
    folder = Folder(data_dir)
    async with use(data_dir):
        server = pid_of(folder)
        part = next(pid for pid in family(folder) if pid != server)
        os.kill(part, signal.SIGKILL)
        assert await until(lambda: part not in _pids(), 20)
        async with use(data_dir) as dsn:
            assert sql(dsn, "SELECT 1") == "1"
        assert pid_of(folder) == server


async def test_sessions_that_outlive_their_server_are_ended(data_dir: Path) -> None:
    folder = Folder(data_dir)
    postgres = EmbeddedPostgres(data_dir)
    dsn = await postgres.start()
    with session(dsn, "SELECT 'busy', count(*) FROM generate_series(1, 10000000000)"):
        busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT ''busy''%'"
        assert await until(lambda: sql(dsn, busy) == "1", 20)
        os.kill(pid_of(folder), signal.SIGKILL)
        await postgres.stop()
        assert family(folder) != []
        async with use(data_dir) as dsn:
            assert sql(dsn, "SELECT 1") == "1"
            assert sql(dsn, busy) == "0"
    assert family(folder) == []


async def test_a_server_that_dies_is_started_again(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "KEEP_SECONDS", 0.01)
    folder = Folder(data_dir)

    def again() -> bool:
        server = running(folder.cluster)
        return server is not None and server.pid != dead and server.ready()

    postgres = EmbeddedPostgres(data_dir)
    dsn = await postgres.start()
    try:
        for _ in range(2):
            dead = pid_of(folder)
            os.kill(dead, signal.SIGKILL)
            assert await until(again, 20)
            assert sql(dsn, "SELECT 1") == "1"
    finally:
        await postgres.stop()
    assert family(folder) == []


async def test_a_stranger_with_the_number_of_our_server_is_let_alone(data_dir: Path) -> None:
    """The same account, so that PostgreSQL itself would take it for its own."""
    folder = Folder(data_dir)
    with spawn(["/bin/cat"], server_account(folder.cluster), stdin=subprocess.PIPE) as stranger:
        (folder.cluster / "postmaster.pid").write_text(
            f"{stranger.pid}\n{folder.cluster}\n1700000000\n5432\n\n127.0.0.1\n  1 1\nready\n"
        )
        assert await running_dsn(data_dir) is None
        async with use(data_dir) as dsn:
            assert sql(dsn, "SELECT 1") == "1"
        assert stranger.poll() is None
        stranger.kill()
        stranger.communicate()


async def test_a_stranger_with_the_name_of_our_sessions_is_let_alone(data_dir: Path) -> None:
    """It works in another folder."""
    name = Cluster(Folder(data_dir), find(), None).name
    title = f"postgres: {name}: agentalk"
    with impostor(title) as stranger:
        assert await until(lambda: _command(stranger.pid) == [title], 20)
        async with use(data_dir):
            pass
        assert stranger.poll() is None


async def test_a_server_of_another_folder_is_let_alone(data_dir: Path, own_data_dir: Path) -> None:
    """As when a data folder was copied while its server ran."""
    folder, copy = Folder(data_dir), Folder(own_data_dir)
    async with use(data_dir) as dsn:
        pid = pid_of(folder)
        shutil.copyfile(folder.cluster / "postmaster.pid", copy.cluster / "postmaster.pid")
        assert await running_dsn(own_data_dir) is None
        async with use(own_data_dir) as other:
            assert other != dsn
        assert pid_of(folder) == pid
        assert sql(dsn, "SELECT 1") == "1"


async def test_a_server_that_knows_another_password_is_not_trusted(data_dir: Path, supervise: Supervise) -> None:
    first_line(supervise(data_dir))
    folder = Folder(data_dir)
    password = folder.password()
    folder.password_file.write_text("another")
    try:
        with pytest.raises(PostgresError, match="password authentication failed"):
            await running_dsn(data_dir)
    finally:
        folder.password_file.write_text(password)


async def test_half_a_cluster_of_a_killed_start_is_swept_away(place: Path) -> None:
    folder = Folder(place / "data")
    folder.claim()
    async with folder.gate():
        pass
    half = folder.home / "new-half" / "cluster"
    half.mkdir(parents=True)
    (half / "PG_VERSION").touch()
    async with use(place / "data") as dsn:
        assert sql(dsn, "SELECT 1") == "1"
    assert not half.parent.exists()
