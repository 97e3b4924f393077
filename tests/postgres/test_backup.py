"""Backups come back whole, and whatever fails leaves things as they were."""

import asyncio
import stat
import subprocess
from pathlib import Path

import pytest

from agentalk.postgres import PostgresError, backup, dump, restore, use
from agentalk.postgres.backup import _pour
from agentalk.postgres.folder import until
from agentalk.postgres.programs import spawn, without_password
from tests.postgres.psql import empty, session, sql

PEOPLE = "SELECT string_agg(name, ',' ORDER BY id) FROM people"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill(dsn: str) -> None:
    empty(dsn)
    sql(
        dsn,
        "CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL)",
        "CREATE TABLE calls (id int PRIMARY KEY, person int NOT NULL REFERENCES people)",
        "INSERT INTO people VALUES (1, 'Ada'), (2, E'Zoë\\n\\t\\\\.')",
        "INSERT INTO calls SELECT n, 1 + n % 2 FROM generate_series(1, 1000) AS n",
    )


async def test_a_backup_comes_back(data_dir: Path, place: Path) -> None:
    file = place / "a backup"
    async with use(data_dir) as dsn:
        fill(dsn)
        before = sql(dsn, PEOPLE)
        await dump(dsn, file)
        sql(dsn, "DELETE FROM calls", "UPDATE people SET name = 'Eve'")
        await restore(dsn, file)
        assert sql(dsn, PEOPLE) == before
        assert sql(dsn, "SELECT count(*), sum(person) FROM calls") == "1000|1500"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert names(place) == ["a backup"]


async def test_a_backup_comes_back_into_an_empty_database(data_dir: Path, place: Path) -> None:
    async with use(data_dir) as dsn:
        fill(dsn)
        await dump(dsn, place / "backup")
        empty(dsn)
        await restore(dsn, place / "backup")
        assert sql(dsn, "SELECT count(*) FROM calls") == "1000"


async def test_a_file_that_is_there_stays(data_dir: Path, place: Path) -> None:
    (place / "backup").write_text("precious")
    async with use(data_dir) as dsn:
        with pytest.raises(PostgresError, match="exists already"):
            await dump(dsn, place / "backup")
    assert (place / "backup").read_text() == "precious"


async def test_a_failed_backup_leaves_nothing(place: Path) -> None:
    with pytest.raises(PostgresError, match="Connection refused"):
        await dump("postgresql://agentalk:x@127.0.0.1:1/agentalk", place / "backup")
    with pytest.raises(PostgresError, match="There is no folder"):
        await dump("postgresql://agentalk:x@127.0.0.1:1/agentalk", place / "nowhere" / "backup")
    assert names(place) == []


async def test_a_canceled_backup_leaves_nothing(data_dir: Path, place: Path) -> None:
    locked = "SELECT count(*) FROM pg_locks WHERE relation = 'people'::regclass AND mode = 'AccessExclusiveLock'"
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event = 'relation'"
    async with use(data_dir) as dsn:
        fill(dsn)
        with session(dsn, "BEGIN; LOCK TABLE people; SELECT pg_sleep(60)"):
            assert await until(lambda: sql(dsn, locked) == "1", 20)
            dumping = asyncio.create_task(dump(dsn, place / "backup"))
            assert await until(lambda: sql(dsn, waiting) == "1", 20)
            dumping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dumping
    assert names(place) == []


async def test_what_is_no_backup_changes_nothing(data_dir: Path, place: Path) -> None:
    async with use(data_dir) as dsn:
        fill(dsn)
        before = sql(dsn, PEOPLE)
        with pytest.raises(PostgresError, match="There is no backup"):
            await restore(dsn, place / "backup")
        (place / "backup").write_text("a letter")
        with pytest.raises(PostgresError, match="cannot be read as a backup"):
            await restore(dsn, place / "backup")
        assert sql(dsn, PEOPLE) == before


async def test_a_damaged_backup_changes_nothing(data_dir: Path, place: Path) -> None:
    async with use(data_dir) as dsn:
        fill(dsn)
        await dump(dsn, place / "backup")
        whole = (place / "backup").read_bytes()
        (place / "backup").write_bytes(whole[:-600])
        sql(dsn, "UPDATE people SET name = 'Eve'")
        with pytest.raises(PostgresError, match="was not restored; the database is as it was"):
            await restore(dsn, place / "backup")
        assert sql(dsn, PEOPLE) == "Eve,Eve"


async def test_a_refusal_of_the_server_changes_nothing(data_dir: Path, place: Path) -> None:
    """A view that the backup does not know hangs on a table that it would replace."""
    async with use(data_dir) as dsn:
        fill(dsn)
        await dump(dsn, place / "backup")
        sql(dsn, "UPDATE people SET name = 'Eve'", "CREATE VIEW names AS SELECT name FROM people")
        with pytest.raises(PostgresError, match="other objects depend on it"):
            await restore(dsn, place / "backup")
        assert sql(dsn, PEOPLE) == "Eve,Eve"


async def test_a_database_that_has_grown_is_not_mixed(data_dir: Path, place: Path) -> None:
    async with use(data_dir) as dsn:
        fill(dsn)
        await dump(dsn, place / "backup")
        sql(dsn, "CREATE TABLE newer (id int)", "UPDATE people SET name = 'Eve'")
        with pytest.raises(PostgresError, match=r"holds tables that .* does not: public\.newer"):
            await restore(dsn, place / "backup")
        assert sql(dsn, PEOPLE) == "Eve,Eve"


def test_older_servers_are_not_asked_for_what_they_do_not_know() -> None:
    """PostgreSQL 15 and 16 refuse the parameter; data that looks like it is left alone."""
    head = "SET lock_timeout = 0;\nSET transaction_timeout = 0;\n" + "-" * backup._HEAD_BYTES
    script = head + "SET transaction_timeout = 0;\n"
    reader = spawn(["/usr/bin/printf", "%s", script], stderr=subprocess.DEVNULL)
    writer = spawn(["/bin/cat"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert writer.stdout
    assert _pour(reader, writer)
    with writer.stdout as output:
        assert output.read().decode() == script.replace("SET transaction_timeout = 0;\n", "", 1)


@pytest.mark.parametrize(
    ("dsn", "bare", "password"),
    [
        ("postgresql://u:p%40ss@h:1/d", "postgresql://u@h:1/d", "p@ss"),
        ("postgres://u:p@h1:1,h2:2/d?sslmode=require", "postgres://u@h1:1,h2:2/d?sslmode=require", "p"),
        ("postgresql://h/d?user=u&password=p&sslmode=require", "postgresql://h/d?user=u&sslmode=require", "p"),
        ("postgresql://h/d?sslpassword=q&password=p", "postgresql://h/d?sslpassword=q&", "p"),
        ("host=h password=p dbname=d", "host=h  dbname=d", "p"),
        (r"host=h password = 'it\'s \\' dbname=d", "host=h  dbname=d", "it's \\"),
    ],
)
def test_a_password_stays_off_the_command_line(dsn: str, bare: str, password: str) -> None:
    assert without_password(dsn) == (bare, {"PGPASSWORD": password})


@pytest.mark.parametrize(
    "dsn", ["postgresql://u@h/d", "postgresql:///d", "host=h dbname=d", "postgresql://h/d?sslpassword=q"]
)
def test_without_a_password_nothing_is_changed(dsn: str) -> None:
    assert without_password(dsn) == (dsn, {})
