"""PostgreSQL for tests: one server for the run, and for each test a database with the schema and nothing else in it."""

import asyncio
import inspect
import itertools
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from agentalk.store.database import Database
from agentalk.store.migrate import migrate
from tests.journeys.table import summarize
from tests.postgres.scratch import scratch_server

_numbers = itertools.count()
# A Wednesday, 15:00 in London, 10:00 in New York: inside the default window of both.
NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that at the end no process waits for another's; what waits beside what works."""
    items.sort(key=lambda item: ("test_seeds" not in item.path.name, "journeys" not in item.path.parts))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--drills-page", metavar="FILE", help="Put the table of the drills of this run into a page.")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    summarize(terminalreporter, config.getoption("drills_page"))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an `async def` test on a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(_bounded(pyfuncitem.obj, arguments))
    return True


async def _bounded(test: Any, arguments: dict[str, Any]) -> None:
    async with asyncio.timeout(60):
        await test(**arguments)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The DSN of a PostgreSQL server."""
    with scratch_server() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """The name of a database with the schema in it."""
    name = f"template_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    asyncio.run(migrate(psycopg.conninfo.make_conninfo(server, dbname=name)))
    return name


@pytest.fixture(scope="session")
def spares(server: str, template: str) -> Iterator["Spares"]:
    """Databases for tests."""
    with psycopg.connect(server, autocommit=True) as admin:
        spares = Spares(admin, server, template)
        yield spares
        spares.close()


@pytest.fixture
def dsn(spares: "Spares") -> Iterator[str]:
    """A database with the schema and no rows; dropped after the test if the test changed more than rows."""
    spare = spares.take()
    yield spare.dsn
    spares.give_back(spare)


class Spare:
    """A database and the connection by which it is emptied: half of what a test costs would be a new one each time."""

    def __init__(self, server: str, name: str) -> None:
        self.name = name
        self.dsn = psycopg.conninfo.make_conninfo(server, dbname=name)
        self._own = psycopg.connect(self.dsn, autocommit=True)

    @property
    def pid(self) -> int:
        return self._own.info.backend_pid

    def empty(self) -> None:
        """Take all rows out."""
        tables = self._own.execute(
            """SELECT format('%I', relname) FROM pg_class
               WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'migrations'"""
        ).fetchall()
        asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for (name,) in tables)
        filled = [name for (name,) in self._own.execute(asked.encode()).fetchall()]
        if filled:
            self._own.execute(f"TRUNCATE {', '.join(filled)} RESTART IDENTITY CASCADE".encode())

    def shape(self) -> object:
        """Which relations there are, with how many columns, what is set, and which migrations were applied."""
        relations = self._own.execute(
            """SELECT oid, relnatts FROM pg_class WHERE relnamespace = 'public'::regnamespace
               UNION ALL SELECT 0, count(*) FROM pg_constraint
               UNION ALL SELECT 0, count(*) FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
                   WHERE datname = current_database() ORDER BY 1, 2"""
        ).fetchall()
        known = self._own.execute("SELECT to_regclass('migrations') IS NOT NULL").fetchone() == (True,)
        return relations, self._own.execute("SELECT name FROM migrations ORDER BY 1").fetchall() if known else None

    def close(self) -> None:
        self._own.close()


class Spares:
    """Databases of earlier tests, emptied for later ones: that costs a tenth of another clone."""

    def __init__(self, admin: psycopg.Connection, server: str, template: str) -> None:
        self._admin, self._server, self._template = admin, server, template
        self._free: list[Spare] = []
        self._shape: object = None

    def take(self) -> Spare:
        """An empty database with the schema."""
        if self._free:
            return self._free.pop()
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self._admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}"'.encode())
        spare = Spare(self._server, name)
        self._shape = self._shape or spare.shape()
        return spare

    def give_back(self, spare: Spare) -> None:
        """Keep it for another test, if it is as it was but for its rows."""
        # Nobody is left who could write into the next test.
        others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
        self._admin.execute(others, (spare.name, spare.pid))
        try:
            if spare.shape() == self._shape:
                spare.empty()
                self._free.append(spare)
                return
        except psycopg.Error:
            pass  # the test was unkind to our connection, too
        spare.close()
        self._admin.execute(f'DROP DATABASE "{spare.name}" WITH (FORCE)'.encode())

    def close(self) -> None:
        """Let go of all."""
        for spare in self._free:
            spare.close()


@pytest.fixture
def db(dsn: str) -> "LazyDatabase":
    """A `Database` on a fresh database; open it with `async with db() as database`."""
    return LazyDatabase(dsn)


class LazyDatabase:
    """Opens inside the test's own loop."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def __call__(self) -> "LazyDatabase":
        return self

    async def __aenter__(self) -> Database:
        self._database = Database(self.dsn)
        await self._database.open()
        return self._database

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()
