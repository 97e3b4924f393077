"""Folders for the tests, and the processes that live on them."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agentalk.postgres.processes import running

Supervise = Callable[[Path], subprocess.Popen[str]]


@contextmanager
def enterable() -> Iterator[Path]:
    """A folder with a short path that root's server account may walk through, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="agt-") as name:
        folder = Path(name).resolve()
        if os.geteuid() == 0:
            folder.chmod(0o711)
        yield folder
        end_servers(folder)


def end_servers(folder: Path) -> None:
    """What a failed test left behind."""
    for pid_file in folder.rglob("postmaster.pid"):
        server = running(pid_file.parent)
        if server:
            os.kill(server.pid, signal.SIGQUIT)


def copy_folder(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)


def spawn_supervisor(data_dir: Path) -> subprocess.Popen[str]:
    """A process that supervises until its stdin closes; its first line is the DSN."""
    script = Path(__file__).with_name("supervisor.py")
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, script, data_dir], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()
