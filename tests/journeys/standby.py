"""Two PostgreSQLs: one that is written to, and a standby that has every commit before anybody hears of it."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from agentalk.postgres import programs
from agentalk.postgres.cluster import Cluster, prepare
from agentalk.postgres.folder import Folder
from tests.postgres.folders import copy_folder, enterable
from tests.postgres.test_recovery import family

# A standby is behind until it has caught up, and a commit does not wait for one that has not.
_IN_STEP = "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'"


@dataclass
class Pair:
    """A primary and its standby, both up; `dsn` leads to the one of them that may be written to."""

    first: Folder
    standby: str
    dsn: str

    def fail_over(self) -> None:
        """SIGKILL of all that belongs to the primary; then the standby takes its place."""
        with psycopg.connect(self.standby, autocommit=True) as second:
            assert second.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
            victims = family(self.first)
            assert len(victims) > 3, "no primary was running"
            for pid in victims:
                with suppress(ProcessLookupError):  # a session that has just ended by itself
                    os.kill(pid, signal.SIGKILL)
            # One statement that waits would be in the way of what is still to be replayed, and be canceled.
            second.execute("SELECT pg_promote(wait => false)")
            while second.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
                pass


@contextmanager
def pair(cluster: Path) -> Iterator[Pair]:
    """The primary is a copy of `cluster`, and the standby one of the primary."""
    with enterable() as place:
        copy_folder(cluster, place / "first")
        first = asyncio.run(prepare(Folder(place / "first")))
        second = replace(first, folder=Folder(place / "second"))
        servers = [asyncio.run(first.start())]
        try:
            primary = _dsn(first)
            asyncio.run(_copy(primary, second, first.folder.password_file))
            servers.append(asyncio.run(second.start()))
            with psycopg.connect(primary, autocommit=True) as admin:
                admin.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
                admin.execute("SELECT pg_reload_conf()")
                while admin.execute(_IN_STEP).fetchone() != (True,):
                    admin.execute("SELECT pg_sleep(0.05)")
            ports = f"{first.folder.last_port()},{second.folder.last_port()}"
            dsn = make_conninfo(primary, host="127.0.0.1,127.0.0.1", port=ports, target_session_attrs="read-write")
            yield Pair(first.folder, _dsn(second), dsn)
        finally:
            for server in servers:
                asyncio.run(server.stop())


async def _copy(primary: str, standby: Cluster, password: Path) -> None:
    folder, account = standby.folder, standby.account
    folder.claim()
    shutil.copy2(password, folder.password_file)
    folder.cluster.mkdir(mode=0o700)
    if account:
        os.chown(folder.cluster, account.uid, account.gid)
    bare, secret = programs.without_password(primary)
    options = ("-D", folder.cluster, "--write-recovery-conf", "--checkpoint=fast", "--no-sync")
    await programs.run([standby.bin_dir / "pg_basebackup", "-d", bare, *options], account, env=programs.CLEAN | secret)


def _dsn(cluster: Cluster) -> str:
    return cluster.folder.dsn(cluster.folder.last_port())
