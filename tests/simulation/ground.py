"""Databases for worlds: each a clone of one template, on a server that may forget everything at a loss of power."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from agentalk.store.migrate import migrate
from tests.postgres.scratch import scratch_server


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
    """A server for as long as this lasts.

    Without autovacuum it does nothing by itself, and a world's trace is the same each time.
    """
    vacuum = f"autovacuum = {'on' if autovacuum else 'off'}"
    with scratch_server("autovacuum_naptime = 5", vacuum) as dsn:
        own = Ground(dsn)
        try:
            yield own
        finally:
            own.close()
