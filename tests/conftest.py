"""PostgreSQL for tests: one server for the run, and for each test a fresh database cloned from a template."""

import asyncio
import inspect
import itertools
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agentalk.postgres import EmbeddedPostgres
from agentalk.store.database import Database
from agentalk.store.migrate import migrate
from tests.journeys.table import summarize

_numbers = itertools.count()
# A Wednesday, 15:00 in London, 10:00 in New York: inside the default window of both.
NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that at the end no process waits for another's."""
    items.sort(key=lambda item: "journeys" not in item.path.parts)


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
    """The DSN of a PostgreSQL server: `TEST_DATABASE_URL` if set, else an embedded one of our own."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="agentalk-", ignore_cleanup_errors=True) as folder:
        # As root the server runs as another user, who must be able to enter.
        Path(folder).chmod(0o755)
        postgres = EmbeddedPostgres(Path(folder))
        with asyncio.Runner() as runner:
            dsn = runner.run(postgres.start())
            with psycopg.connect(dsn, autocommit=True) as admin:
                # What a test stores need not survive a loss of power, and a database for each is made in no time.
                admin.execute("ALTER SYSTEM SET fsync = off")
                admin.execute("SELECT pg_reload_conf()")
            yield dsn
            runner.run(postgres.stop())


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """The name of a database with the schema in it."""
    name = f"template_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    asyncio.run(migrate(psycopg.conninfo.make_conninfo(server, dbname=name)))
    return name


@pytest.fixture
def dsn(server: str, template: str) -> Iterator[str]:
    """A fresh database with the schema, dropped after the test."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield psycopg.conninfo.make_conninfo(server, dbname=name)
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


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
