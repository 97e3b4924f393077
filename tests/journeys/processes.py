"""Real `agentalk` processes: started side by side, waited for, asked to stop, killed, frozen and thawed."""

import mmap
import multiprocessing
import os
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import wait
from pathlib import Path
from time import monotonic
from typing import Any

from agentalk.cli.app import run
from agentalk.domain.clock import Clock
from tests.journeys.program import environment

# One interpreter has imported the program, and each process begins as its copy: starting dozens of them takes little of
# the time. (The installed program itself is started in test_serve.py.)
_fresh = multiprocessing.get_context("forkserver")
_fresh.set_forkserver_preload(
    [
        "pytest",
        "holidays.countries",
        *(f"agentalk.cli.{command}" for command in ("app", "api", "db", "dialer", "serve", "simulator")),
    ]
)
# For anything that is waited for: it ends a drill that hangs, and no machine is so slow.
PATIENCE = 300.0
# Names in the environment: a process lives by the clock of a world (a file), or its own is wrong by so many seconds.
WORLD, WRONG_CLOCK = "DRILL_WORLD", "DRILL_CLOCK_WRONG_BY_SECONDS"


class World:
    """A clock that is so many seconds ahead, and may be put forward in all processes that live by it at once."""

    @classmethod
    def begin(cls, file: Path, ahead: float) -> "World":
        """A new one."""
        file.write_bytes(struct.pack("d", ahead))
        return cls(file)

    def __init__(self, file: Path) -> None:
        self.file = file
        with file.open("r+b") as shared:
            self._seconds = memoryview(mmap.mmap(shared.fileno(), 8)).cast("d")

    @property
    def ahead(self) -> timedelta:
        return timedelta(seconds=self._seconds[0])

    @ahead.setter
    def ahead(self, by: timedelta) -> None:
        self._seconds[0] = by.total_seconds()


class Process:
    """A command that stays. What it prints goes to `out`, and its log to `log`."""

    def __init__(self, out: Path, log: Path, *arguments: object, **env: str) -> None:
        self.out, self.log = out, log
        for file in (out, log):
            file.touch()
        words = [str(argument) for argument in arguments]
        self._process = _fresh.Process(target=_become, args=(words, environment(**env), out, log))
        self._process.start()
        self.pid = self._process.pid or 0

    @property
    def said(self) -> str:
        return self.out.read_text()

    def ready(self, word: str) -> "Process":
        """Wait until it has said `word`."""
        return self._has(self.out, word)

    def complains(self, word: str) -> "Process":
        """Wait until its log has `word`."""
        return self._has(self.log, word)

    def _has(self, file: Path, word: str) -> "Process":
        patience_ends = monotonic() + PATIENCE
        while word not in file.read_text():
            # No bell rings for a file that grows, but one does for a process that ends.
            ended = wait([self._process.sentinel], 0.05)
            assert not ended and monotonic() < patience_ends, f"no {word!r} in {self.said}\n{self.log.read_text()}"
        return self

    @property
    def url(self) -> str:
        """The first address that it named."""
        return next(word for word in self.said.split() if word.startswith("http://"))

    @property
    def token(self) -> str:
        """The token that it showed."""
        return next(word for word in self.said.split() if word.startswith("AGENTALK_TOKEN=")).partition("=")[2]

    def kill(self) -> None:
        """SIGKILL: it ends between two instructions, whatever it was doing."""
        self._process.kill()
        assert self.done() == -signal.SIGKILL, f"it had ended before:\n{self.log.read_text()}"

    def terminate(self) -> int:
        """SIGTERM, and its exit code once it has ended."""
        self._process.terminate()
        return self.done()

    def freeze(self) -> None:
        """SIGSTOP: it does nothing from here on, and its connections stay open."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on where it was, and knows nothing of the time between."""
        os.kill(self.pid, signal.SIGCONT)

    def is_up(self) -> bool:
        return self._process.is_alive()

    def done(self) -> int:
        """Its exit code, once it has ended."""
        self._process.join(PATIENCE)
        code = self._process.exitcode
        assert code is not None, f"it does not end:\n{self.log.read_text()}"
        return code


class Processes:
    """Starts processes; those that are left at the end are killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Process] = []

    def start(self, *arguments: object, **env: str) -> Process:
        """Start a command without waiting for it."""
        name = self._folder / f"{len(self._started)}-{arguments[0]}"
        self._started.append(Process(name.with_suffix(".out"), name.with_suffix(".log"), *arguments, **env))
        return self._started[-1]

    def logs(self) -> str:
        """What all of them complained of."""
        return "\n".join(f"--- {one.log.name}\n{one.log.read_text()}" for one in self._started)

    def end(self) -> None:
        """Kill what still runs, all at once."""
        for one in self._started:
            one._process.kill()
        for one in self._started:
            one.done()


@contextmanager
def processes(folder: Path) -> Iterator[Processes]:
    """Processes for one drill."""
    started = Processes(folder)
    try:
        yield started
    finally:
        started.end()


def _become(arguments: list[str], env: dict[str, str], out: Path, log: Path) -> None:
    """In a new process: be the program."""
    os.environ.clear()
    os.environ.update(env)
    for path, descriptor in ((out, 1), (log, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), descriptor)
    _move(env.get(WORLD), timedelta(seconds=float(env.get(WRONG_CLOCK, 0))))
    sys.exit(run(arguments))


def _move(world: str | None, wrong_by: timedelta) -> None:
    """Have clocks show another time: that of a world of their own, which is not the database's, or a wrong one."""
    begin, show = Clock.__init__, Clock.now

    def begin_elsewhere(clock: Clock, *args: Any, **options: Any) -> None:
        begin(clock, *args, **options)
        clock.is_wall = False

    if world:
        there = World(Path(world))
        Clock.__init__ = begin_elsewhere  # type: ignore[method-assign,assignment]
        Clock.now = lambda clock: show(clock) + there.ahead  # type: ignore[method-assign,assignment]
    elif wrong_by:
        Clock.now = lambda clock: show(clock) + wrong_by  # type: ignore[method-assign,assignment]
