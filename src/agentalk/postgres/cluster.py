"""A cluster on disk: created at first use, whole or not at all, and started as a foreground child."""

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path

from agentalk.postgres import programs
from agentalk.postgres.accounts import Account, server_account
from agentalk.postgres.errors import PostgresError
from agentalk.postgres.folder import Folder, until
from agentalk.postgres.processes import START_SECONDS, Server, clear_leftovers, settled

RETRY_SECONDS = 15.0
# A socket's whole path has to fit into 107 bytes on Linux, 103 on macOS.
SOCKET_PATH_BYTES = 103
# Below those that systems give to outgoing connections, so that it is still free at the next start.
PORTS = range(20_000, 32_000)
# Written to postgresql.conf once, where its owner may change them.
TUNING = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# The built-in locale is the same on every system; nothing here hangs on the C library's.
INITDB = [
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    *(f"--set={name}={value}" for name, value in TUNING.items()),
]
# Causes that pass: what a killed server left still ends, or somebody took the port a moment before us.
_PASSING = re.compile(r'still in use|Address already in use|lock file ".*" already exists')


@dataclass(frozen=True)
class Cluster:
    """What it takes to start the server of one folder."""

    folder: Folder
    bin_dir: Path
    account: Account | None

    @property
    def name(self) -> str:
        """Shown in the title of each of its processes, and so how we know them again.

        Neither a copy of the folder nor the same path in a container has the same.
        """
        identity = bytes(self.folder.cluster) + self.folder.password().encode()
        return "agentalk-" + hashlib.sha256(identity).hexdigest()[:16]

    async def start(self) -> Server:
        """Start the server and wait until it takes connections; one that a killed supervisor just started will do."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + RETRY_SECONDS
        while True:
            clear_leftovers(self.folder.cluster, self.name)
            server, said = await self._try(_free_port(self.folder.last_port()))
            server = server or await settled(self.folder.cluster)
            if server:
                return server
            if not _PASSING.search(said) or loop.time() > give_up:
                raise PostgresError(
                    f"PostgreSQL did not start on {self.folder.cluster}: {programs.explain(said)}\n"
                    f"The whole log: {self.folder.log}"
                )
            await asyncio.sleep(0.2)

    async def _try(self, port: int) -> tuple[Server | None, str]:
        """One attempt: the server, or else what it said before it gave up."""
        log = self.folder.open_log()
        begin = os.fstat(log).st_size
        try:
            child = programs.spawn(self._command(port), self.account, stdout=log, stderr=log)
        finally:
            os.close(log)
        server = Server(self.folder.cluster, child.pid, child)
        try:
            await until(lambda: server.ready() or not server.alive(), START_SECONDS)
            if server.ready():
                self.folder.write(self.folder.port_file, str(port))
                return server, ""
        except BaseException:
            await server.stop()
            raise
        said = _since(self.folder.log, begin)
        if server.alive():
            await server.stop()
            said += f"\nit was not ready after {START_SECONDS:.0f} seconds."
        return None, said

    def _command(self, port: int) -> list[str | Path]:
        path = self.folder.cluster
        fits = len(bytes(path / f".s.PGSQL.{port}")) <= SOCKET_PATH_BYTES
        quoted = '"' + str(path).replace('"', '""') + '"'
        settings = _options(
            cluster_name=self.name,
            listen_addresses="127.0.0.1",
            port=str(port),
            unix_socket_directories=quoted if fits else "",
            unix_socket_permissions="0700",
            # Our log is its stderr. What callers sent (phone numbers among it) is no business of a log.
            logging_collector="off",
            log_destination="stderr",
            log_error_verbosity="terse",
            log_min_error_statement="panic",
        )
        return [self.bin_dir / "postgres", "-D", path, *settings]


async def prepare(folder: Folder) -> Cluster:
    """The folder's cluster, created if there is none; call it behind the gate.

    Raises PostgresError if the folder cannot be used.
    """
    account = server_account(folder.cluster)
    for leftover in folder.home.glob("new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    bin_dir = await asyncio.to_thread(programs.find_for, account, folder.home)
    folder.password()
    if not folder.cluster.exists():
        await _create(folder, bin_dir, account)
    _check_version(folder.cluster)
    return Cluster(folder, bin_dir, account)


async def _create(folder: Folder, bin_dir: Path, account: Account | None) -> None:
    """Make the cluster with its database beside its place and move it there, so that a crash leaves nothing half."""
    with tempfile.TemporaryDirectory(prefix="new-", dir=folder.home, ignore_cleanup_errors=True) as scratch:
        new = Path(scratch) / "cluster"
        password = Path(scratch) / "password"
        folder.write(password, folder.password())
        if account:
            for path in (password, password.parent):
                os.chown(path, account.uid, account.gid)
        await programs.run(
            [bin_dir / "initdb", "-D", new, "--username=agentalk", f"--pwfile={password}", *INITDB],
            account,
        )
        await programs.run(
            [bin_dir / "postgres", "--single", "-D", new, *_options(exit_on_error="on"), "postgres"],
            account,
            stdin="CREATE DATABASE agentalk\n",
        )
        new.rename(folder.cluster)
    with contextlib.suppress(OSError):
        home = os.open(folder.home, os.O_RDONLY)
        os.fsync(home)
        os.close(home)


def _check_version(cluster: Path) -> None:
    try:
        major = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise PostgresError(
            f"{cluster} holds no PostgreSQL data. Put it back from a backup, or choose another --data-dir."
        ) from None
    if major != programs.MAJOR:
        raise PostgresError(
            f"{cluster} was made by PostgreSQL {major}, and this Agentalk brings {programs.MAJOR}. Write a backup with"
            " the Agentalk that made it (agentalk db backup FILE) and restore it into a new --data-dir."
        )


def _options(**settings: str) -> list[str | Path]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _free_port(wanted: int) -> int:
    """A free port on loopback: the wanted one if nobody has it."""
    for port in (wanted or secrets.choice(PORTS), *(secrets.choice(PORTS) for _ in range(50)), 0):
        with socket.socket() as probe, contextlib.suppress(OSError, OverflowError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise PostgresError("No TCP port is free on 127.0.0.1.")


def _since(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(begin)
        return file.read().decode(errors="replace")
