"""Which processes are ours: nothing is trusted or signalled before it was seen to be PostgreSQL on our folder."""

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from agentalk.postgres.errors import PostgresError
from agentalk.postgres.folder import until
from agentalk.postgres.programs import CLEAN

_PROC = Path("/proc")
FAST_STOP_SECONDS = 60.0
HARD_STOP_SECONDS = 15.0
START_SECONDS = 300.0
"""Recovery after a crash reads up to a gigabyte of log on a slow disk."""


@dataclass(frozen=True)
class PidFile:
    """What a server wrote into its `postmaster.pid`, true or left over from one that died."""

    pid: int
    port: int
    ready: bool

    @staticmethod
    def read(cluster: Path) -> "PidFile | None":
        """None if there is no file, or not yet all of it."""
        try:
            lines = (cluster / "postmaster.pid").read_text().splitlines()
            return PidFile(int(lines[0]), int(lines[3]), lines[7].strip() == "ready")
        except (FileNotFoundError, NotADirectoryError, IndexError, ValueError):
            return None


@dataclass
class Server:
    """A `postgres` that serves our cluster: our child, or one whose parent died."""

    cluster: Path
    pid: int
    child: subprocess.Popen[bytes] | None = None

    def alive(self) -> bool:
        return self.child.poll() is None if self.child else serves(self.pid, self.cluster)

    def ready(self) -> bool:
        """Whether it takes connections, by its own word."""
        said = PidFile.read(self.cluster)
        return said is not None and said.pid == self.pid and said.ready

    def leave_running(self) -> None:
        """Others use it and will stop it; that it began as our child no longer matters."""
        if self.child:
            self.child.returncode = 0  # or Popen warns that it forgets a living child

    async def stop(self) -> None:
        """A fast shutdown (sessions end, data is flushed); an immediate one, which recovers later, if that hangs."""
        for how, seconds in ((signal.SIGINT, FAST_STOP_SECONDS), (signal.SIGQUIT, HARD_STOP_SECONDS)):
            if self.alive():
                os.kill(self.pid, how)
            if await until(lambda: not self.alive(), seconds):
                return
        raise PostgresError(f"PostgreSQL (process {self.pid}) does not stop. Its log is beside {self.cluster}.")


def running(cluster: Path) -> Server | None:
    """The server that is up, or coming up, on `cluster`."""
    pid = _named_pid(cluster)
    return Server(cluster, pid) if pid and serves(pid, cluster) else None


async def settled(cluster: Path) -> Server | None:
    """The server that is up on `cluster`; one that is coming up is waited for."""
    server = running(cluster)
    if server:
        await until(lambda: server.ready() or not server.alive(), START_SECONDS)
    return server if server and server.alive() else None


def serves(pid: int, cluster: Path) -> bool:
    """Whether process `pid` is a PostgreSQL server whose data is `cluster`."""
    argv = _command(pid)
    if not argv or Path(argv[0]).name != "postgres" or "-D" not in argv[:-1]:
        return False
    works_there = _works_in(pid, cluster)
    return same(Path(argv[argv.index("-D") + 1]), cluster) if works_there is None else works_there


def clear_leftovers(cluster: Path, name: str) -> None:
    """After a crash: end backends that outlived their server, and remove lock files that name a stranger.

    PostgreSQL itself sees through a `postmaster.pid` whose process is gone, but not through one whose number now
    belongs to another process. Its check for shared memory in use does not need that file. `name` is the cluster's.
    """
    for pid in _pids():
        argv = _command(pid)
        if argv and argv[0].startswith(f"postgres: {name}: ") and _works_in(pid, cluster) is not False:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
    for path in cluster.glob(".s.PGSQL.*"):
        path.unlink(missing_ok=True)
    named = _named_pid(cluster)
    if named and not serves(named, cluster):
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def same(one: Path, other: Path) -> bool:
    """Whether both are there and are one folder."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _works_in(pid: int, folder: Path) -> bool | None:
    """Whether it is the process's working folder; None if that cannot be seen (no /proc, root in a container)."""
    try:
        return (_PROC / str(pid) / "cwd").samefile(folder)
    except OSError:
        return None


def _named_pid(cluster: Path) -> int | None:
    """The process that `postmaster.pid` names; that line is there before the others."""
    try:
        return int((cluster / "postmaster.pid").read_text().partition("\n")[0])
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def _command(pid: int) -> list[str] | None:
    """The command line of a process; None if there is none (gone, or dead and not yet collected)."""
    if _PROC.joinpath("self").exists():
        try:
            text = (_PROC / str(pid) / "cmdline").read_text(errors="replace")
        except OSError:
            return None
        return text.rstrip("\0").split("\0") if text else None
    shown = _ps("-ww", "-o", "command=", "-p", str(pid))
    # Ours are started as `postgres -D <folder> -c ...`: cut there, because a folder's name may hold spaces.
    program, flag, rest = shown.strip().partition(" -D ")
    return [program, "-D", rest.partition(" -c ")[0]] if flag else [program] if program else None


def _pids() -> list[int]:
    if _PROC.joinpath("self").exists():
        return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    return [int(word) for word in _ps("-A", "-o", "pid=").split()]


def _ps(*arguments: str) -> str:
    try:
        return subprocess.run(  # noqa: S603 - fixed arguments and numbers
            ["/bin/ps", *arguments], capture_output=True, text=True, errors="replace", check=False, env=CLEAN
        ).stdout
    except FileNotFoundError:
        return ""
