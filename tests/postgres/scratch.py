"""A PostgreSQL server for as long as it is needed, that may forget everything at a loss of power."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from agentalk.postgres import EmbeddedPostgres

_MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of its own is made in it)
_ROOM = 4 << 30
_FORGETFUL = ("fsync = off", "full_page_writes = off", "max_wal_size = '256MB'")


def memory() -> Path | None:
    """A folder in the machine's memory, if there is one with room: a database is cloned there in a tenth of the time.

    A container may have but a few megabytes of it, and not every system has one.
    """
    if os.access(_MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        return _MEMORY
    return None


@contextmanager
def scratch_server(*settings: str) -> Iterator[str]:
    """The DSN of the server of `TEST_DATABASE_URL` if it is set, else of an embedded one with these settings."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="agentalk-", dir=memory(), ignore_cleanup_errors=True) as folder:
        # As root the server runs as another user, who must be able to enter.
        Path(folder).chmod(0o755)
        postgres = EmbeddedPostgres(Path(folder))
        with asyncio.Runner() as runner:
            dsn = runner.run(postgres.start())
            try:
                yield _set_up(dsn, settings)
            finally:
                runner.run(postgres.stop())


def _set_up(dsn: str, settings: Sequence[str]) -> str:
    with psycopg.connect(dsn, autocommit=True) as admin:
        for setting in (*_FORGETFUL, *settings):
            admin.execute(f"ALTER SYSTEM SET {setting}".encode())
        admin.execute("SELECT pg_reload_conf()")
        sockets = admin.execute("SHOW unix_socket_directories").fetchone()
    # A statement's way there and back is a quarter shorter through a socket.
    local = sockets[0].strip('"') if sockets else ""
    return psycopg.conninfo.make_conninfo(dsn, host=local) if local else dsn
