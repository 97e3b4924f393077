"""The data folder: what lies where, whose it is, and the locks that keep processes from each other's feet.

<data folder>/postgres/     ours alone
    cluster/                PostgreSQL's own files and its unix socket
    password  port          the server's password; the port it had last
    server.log              what the server said; server.log.1 before that
    gate.lock               held while somebody starts or stops the server
    users.lock              held (shared) by everyone who uses the server; the last one out stops it
    supervisor.lock         held by the one `EmbeddedPostgres`; holds its process id
    pgserver-<version>/     a copy of the programs, where root's server account cannot enter the original
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import quote

import platformdirs

from agentalk.postgres.accounts import check_reach, server_account
from agentalk.postgres.errors import PostgresError

LOG_LIMIT_BYTES = 10_000_000
GATE_SECONDS = 330.0
# What a file system or a desktop leaves in a folder that its owner would call empty.
_LITTER = {"lost+found", ".DS_Store"}


def default_data_dir() -> Path:
    """Where data lives if nobody says: the user's data folder; for root one that the server's account can enter."""
    if os.geteuid() == 0:
        return Path("/var/lib/agentalk")
    return Path(platformdirs.user_data_dir("agentalk"))


class Folder:
    """The paths below one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.home = self.data_dir / "postgres"
        self.cluster = self.home / "cluster"
        self.password_file = self.home / "password"
        self.port_file = self.home / "port"
        self.log = self.home / "server.log"
        self.gate_lock = self.home / "gate.lock"

    def claim(self) -> None:
        """Create what is missing; raise PostgresError if the folder holds something that is not ours."""
        if self.data_dir.exists() and not self.data_dir.is_dir():
            raise PostgresError(f"{self.data_dir} is not a folder. Choose another one with --data-dir.")
        there = _names(self.data_dir)
        if there and "postgres" not in there:
            self._refuse(self.data_dir)
        at_home = _names(self.home)
        if at_home and self.gate_lock.name not in at_home:
            self._refuse(self.home)
        check_reach(server_account(self.cluster), self.home)
        for folder in (*reversed(self.home.parents), self.home):
            if not folder.exists():
                folder.mkdir(exist_ok=True)
                # Root's server runs as another user, who has to walk through; the cluster itself is closed.
                folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        # Before anything else: it is by this file that we know the folder again.
        os.close(self.open(self.gate_lock, os.O_RDWR))

    def _refuse(self, folder: Path) -> None:
        raise PostgresError(
            f"{folder} is not empty and was not made by Agentalk. Nothing was changed."
            " Choose an empty or a new folder with --data-dir."
        )

    def open(self, path: Path, flags: int) -> int:
        """Open or create one of our files: 0600, never through a link, owned like the folder even if root makes it."""
        fd = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        if os.geteuid() == 0:
            owner = self.home.stat()
            os.fchown(fd, owner.st_uid, owner.st_gid)
        return fd

    def write(self, path: Path, text: str) -> None:
        """Write one of our files so that it is there whole or not at all."""
        new = path.with_suffix(".new")
        with os.fdopen(self.open(new, os.O_WRONLY | os.O_TRUNC), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)

    def password(self) -> str:
        """The server's password, made at random before there is a cluster."""
        try:
            return self.password_file.read_text().strip()
        except FileNotFoundError:
            if self.cluster.exists():
                raise PostgresError(
                    f"{self.password_file} is gone, and without it nobody can log in. Put it back from a backup."
                ) from None
        password = secrets.token_urlsafe(24)
        self.write(self.password_file, password)
        return password

    def last_port(self) -> int:
        """The port the server had last, or 0."""
        try:
            return int(self.port_file.read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def open_log(self) -> int:
        """A descriptor that appends to the log; one that grew too long is put aside first."""
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_LIMIT_BYTES:
                self.log.replace(self.log.with_suffix(".log.1"))
        return self.open(self.log, os.O_WRONLY | os.O_APPEND)

    def dsn(self, port: int) -> str:
        return f"postgresql://agentalk:{quote(self.password(), safe='')}@127.0.0.1:{port}/agentalk"

    def users(self) -> "Lock":
        return Lock(self, self.home / "users.lock")

    def supervisor(self) -> "Lock":
        return Lock(self, self.home / "supervisor.lock")

    @contextlib.asynccontextmanager
    async def gate(self) -> AsyncIterator[None]:
        """Alone while the server is looked for, started or stopped."""
        lock = Lock(self, self.gate_lock)
        try:
            if not await until(lock.try_alone, GATE_SECONDS):
                raise PostgresError(
                    f"Process {lock.holder()} has been starting or stopping the server of {self.data_dir} for"
                    f" {GATE_SECONDS:.0f} seconds. See {self.log}; end that process if it hangs."
                )
            yield
        finally:
            lock.release()


class Lock:
    """An flock on a file of the folder. The kernel drops it when its holder dies, however that happens."""

    def __init__(self, folder: Folder, path: Path) -> None:
        self._folder = folder
        self._path = path
        self._fd: int | None = None

    def try_alone(self) -> bool:
        """Take it for us alone; the file then says who we are."""
        if not self._try(fcntl.LOCK_EX):
            return False
        assert self._fd is not None  # noqa: S101
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        return True

    def try_share(self) -> bool:
        return self._try(fcntl.LOCK_SH)

    def release(self) -> None:
        if self._fd is not None:
            # Said aloud: a child that another thread is just starting may still hold a copy of the descriptor.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = None

    def holder(self) -> str:
        """The process id that the last lonely holder wrote."""
        return self._path.read_text().strip() or "unknown"

    def _try(self, kind: int) -> bool:
        if self._fd is None:
            self._fd = self._folder.open(self._path, os.O_RDWR)
        try:
            fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


async def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for something that rings no bell (a file, another process); False if it did not come in time."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    except TimeoutError:
        return False
    return True


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - _LITTER if folder.exists() else set()
