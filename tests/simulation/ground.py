"""Databases for worlds: each a clone of one template, on a server that may forget everything at a loss of power."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from agentalk.postgres import EmbeddedPostgres
from agentalk.store.migrate import migrate


class Ground:
    """A server with a template."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._template = f"simulation_{os.getpid()}"
        self._made = 0
        self._run(f'CREATE DATABASE "{self._template}"')
        asyncio.run(migrate(psycopg.conninfo.make_conninfo(server, dbname=self._template)))

    @contextmanager
    def database(self) -> Iterator[str]:
        """A fresh database while inside: its DSN."""
        self._made += 1
        name = f"{self._template}_{self._made}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}"')
        try:
            yield psycopg.conninfo.make_conninfo(self._server, dbname=name)
        finally:
            self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def close(self) -> None:
        """Leave nothing behind on a server that goes on."""
        self._run(f'DROP DATABASE "{self._template}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as admin:
            admin.execute(statement.encode())


@contextmanager
def ground(*, autovacuum: bool = False) -> Iterator[Ground]:
    """The server of `TEST_DATABASE_URL` if it is set, else an embedded one for as long as this lasts.

    Without autovacuum it does nothing by itself, and a world's trace is the same each time.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        own = Ground(given)
        yield own
        own.close()
        return
    with tempfile.TemporaryDirectory(prefix="agentalk-", ignore_cleanup_errors=True) as folder:
        # As root the server runs as another user, who must be able to enter.
        Path(folder).chmod(0o755)
        postgres = EmbeddedPostgres(Path(folder))
        with asyncio.Runner() as runner:
            dsn = runner.run(postgres.start())
            with psycopg.connect(dsn, autocommit=True) as admin:
                vacuum = f"autovacuum = {'on' if autovacuum else 'off'}"
                for setting in ("fsync = off", "full_page_writes = off", "autovacuum_naptime = 5", vacuum):
                    admin.execute(f"ALTER SYSTEM SET {setting}".encode())
                admin.execute("SELECT pg_reload_conf()")
            yield Ground(dsn)
            runner.run(postgres.stop())
