"""The embedded server's ordinary life: first start, restart, one supervisor, many users."""

import asyncio
import socket
import stat
from pathlib import Path

import pytest
import uvloop

from agentalk.postgres import EmbeddedPostgres, PostgresError, cluster, default_data_dir, running_dsn, use
from agentalk.postgres.folder import LOG_LIMIT_BYTES, Folder, until
from agentalk.postgres.processes import running
from tests.postgres.folders import Supervise, first_line
from tests.postgres.psql import empty, refusal, sql


def port(dsn: str) -> int:
    return int(dsn.rpartition(":")[2].partition("/")[0])


async def test_the_first_start_makes_everything(place: Path) -> None:
    postgres = EmbeddedPostgres(place / "new" / "data")
    dsn = await postgres.start()
    try:
        assert dsn.startswith("postgresql://agentalk:")
        assert dsn.endswith("/agentalk")
        assert sql(dsn, "SHOW listen_addresses", "SHOW server_encoding", "SHOW fsync") == "127.0.0.1\nUTF8\non"
        assert sql(dsn, "SELECT lower('ÄÉΣ')") == "äéσ"
        assert sql(dsn, "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'agentalk'") == "b|C.UTF-8"
        assert int(sql(dsn, "SHOW max_connections")) >= 100
        assert await postgres.start() == dsn
    finally:
        await postgres.stop()
    await postgres.stop()
    assert not running(place / "new/data/postgres/cluster")


async def test_only_the_password_lets_in(data_dir: Path) -> None:
    folder = Folder(data_dir)
    async with use(data_dir) as dsn:
        wrong = dsn.replace(folder.password(), "wrong")
        assert "password authentication failed" in refusal(wrong, "SELECT 1")
        through_the_socket = f"host={folder.cluster} port={port(dsn)} user=agentalk dbname=agentalk"
        assert "no password supplied" in refusal(through_the_socket, "SELECT 1")
        assert sql(f"{through_the_socket} password={folder.password()}", "SELECT 1") == "1"
    assert stat.S_IMODE(folder.password_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.cluster.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.log.stat().st_mode) == 0o600


async def test_data_and_port_outlive_a_restart(data_dir: Path) -> None:
    async with use(data_dir) as first:
        empty(first)
        sql(first, "CREATE TABLE kept AS SELECT 42 AS answer")
    async with use(data_dir) as second:
        assert second == first
        assert sql(second, "SELECT answer FROM kept") == "42"


async def test_a_taken_port_is_left_to_its_owner(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        Folder(data_dir).port_file.write_text(str(taken))
        async with use(data_dir) as dsn:
            assert port(dsn) != taken
            assert Folder(data_dir).last_port() == port(dsn)


async def test_a_port_lost_to_a_faster_program_is_replaced(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        offers = iter([taken, 0])
        free_port = cluster._free_port
        monkeypatch.setattr(cluster, "_free_port", lambda wanted: next(offers) or free_port(0))
        async with use(data_dir) as dsn:
            assert port(dsn) != taken


async def test_a_second_supervisor_is_told_who_is_first(data_dir: Path, supervise: Supervise) -> None:
    first = supervise(data_dir)
    dsn = first_line(first)
    with pytest.raises(PostgresError, match=f"in use by the Agentalk process {first.pid}"):
        await EmbeddedPostgres(data_dir).start()
    assert sql(dsn, "SELECT 1") == "1"
    first.communicate()
    postgres = EmbeddedPostgres(data_dir)
    assert await postgres.start() == dsn
    await postgres.stop()


async def test_commands_use_the_server_that_runs(data_dir: Path) -> None:
    assert await running_dsn(data_dir) is None
    postgres = EmbeddedPostgres(data_dir)
    dsn = await postgres.start()
    async with use(data_dir) as used:
        assert used == dsn
    assert await running_dsn(data_dir) == dsn
    await postgres.stop()
    assert await running_dsn(data_dir) is None


async def test_the_last_user_stops_the_server(data_dir: Path) -> None:
    async with use(data_dir) as dsn:
        postgres = EmbeddedPostgres(data_dir)
        assert await postgres.start() == dsn
        await postgres.stop()
        assert sql(dsn, "SELECT 1") == "1"
    assert await running_dsn(data_dir) is None


async def test_many_commands_at_once_share_one_server(data_dir: Path) -> None:
    async def command(number: int) -> str:
        async with use(data_dir) as dsn:
            return await asyncio.to_thread(sql, dsn, f"SELECT {number}")

    assert await asyncio.gather(*(command(number) for number in range(8))) == [str(number) for number in range(8)]
    assert not running(Folder(data_dir).cluster)


def test_nothing_is_made_by_asking(place: Path) -> None:
    assert asyncio.run(running_dsn(place / "data")) is None
    assert list(place.iterdir()) == []


async def test_a_server_out_of_sight_is_not_doubled(data_dir: Path) -> None:
    """Another container may share our folder but not our process ids."""
    share = Folder(data_dir).users()
    share.try_share()
    with pytest.raises(PostgresError, match="cannot be seen from here"):
        await EmbeddedPostgres(data_dir).start()
    share.release()


async def test_a_canceled_start_leaves_no_server(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir)
    start = asyncio.create_task(postgres.start())
    assert await until(lambda: running(Folder(data_dir).cluster) is not None, 30)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert not running(Folder(data_dir).cluster)
    await postgres.start()
    await postgres.stop()


@pytest.mark.parametrize("name", ["with space, comma and ü", "quo\"te's -D x -c", "deep/" * 20 + "down"])
def test_any_name_of_a_folder_will_do(place: Path, data_dir: Path, name: str) -> None:
    async def ask() -> None:
        async with use(moved) as dsn:
            assert sql(dsn, "SELECT 1") == "1"
            assert await running_dsn(moved) == dsn

    moved = place / name
    moved.parent.mkdir(parents=True, exist_ok=True)
    data_dir.rename(moved)
    try:
        asyncio.run(ask())
    finally:
        moved.rename(data_dir)


async def test_a_failed_start_says_what_the_server_said(own_data_dir: Path) -> None:
    (own_data_dir / "postgres/cluster/postgresql.conf").write_text("shared_buffers = lots\n")
    with pytest.raises(PostgresError, match='invalid value for parameter "shared_buffers": "lots"'):
        await EmbeddedPostgres(own_data_dir).start()


async def test_a_long_log_is_put_aside(data_dir: Path) -> None:
    log = Folder(data_dir).log
    log.write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))
    async with use(data_dir):
        assert log.stat().st_size < 10_000
    assert log.with_suffix(".log.1").stat().st_size > LOG_LIMIT_BYTES


async def test_values_do_not_reach_the_log(data_dir: Path) -> None:
    async with use(data_dir) as dsn:
        empty(dsn)
        sql(dsn, "CREATE TABLE people (phone text PRIMARY KEY)", "INSERT INTO people VALUES ('+15550100')")
        assert "duplicate key" in refusal(dsn, "INSERT INTO people VALUES ('+15550100')")
    text = Folder(data_dir).log.read_text()
    assert "duplicate key" in text
    assert "15550100" not in text


def test_it_runs_under_uvloop(data_dir: Path) -> None:
    async def ask() -> str:
        async with use(data_dir) as dsn:
            return sql(dsn, "SELECT 1")

    assert uvloop.run(ask()) == "1"


def test_data_lives_with_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert default_data_dir().name == "agentalk"
    assert default_data_dir() != Path("/var/lib/agentalk")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/agentalk")
