"""The program as a person runs it: what stays in a process of its own, what ends at once in this one, to save time."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from agentalk.cli.app import run

AGENTALK = Path(sys.executable).with_name("agentalk")
# Generous: the machine may be busy with other tests.
SECONDS = 60


@dataclass
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(**given: str) -> dict[str, str]:
    """Ours, without what would lead a command elsewhere."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AGENTALK_")}
    ours.pop("DATABASE_URL", None)
    return {**ours, "NO_COLOR": "1", **given}


def command(*arguments: object, **env: str) -> Done:
    """Run a command to its end, in this process."""
    with (
        patch.dict(os.environ, environment(**env), clear=True),
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        code = run([str(argument) for argument in arguments])
    return Done(code, out.getvalue(), err.getvalue())


def agentalk(*arguments: object, **env: str) -> Done:
    """Run a command to its end, in a process of its own."""
    command = [str(AGENTALK), *map(str, arguments)]
    done = subprocess.run(
        command,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def start(*arguments: object, **env: str) -> subprocess.Popen[str]:
    """Start a command that stays."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [str(AGENTALK), *map(str, arguments)],
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> Done:
    """Stop a command as a supervisor would, and collect what it said since."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    return Done(process.returncode, out, err)


@dataclass
class Serving:
    """A server that is up; `token` is empty if it was not its first start."""

    process: subprocess.Popen[str]
    url: str
    said: str
    token: str

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]

    def command(self, *arguments: object, token: str | None = None) -> Done:
        """Run a command as its client."""
        return command(*arguments, AGENTALK_URL=self.url, AGENTALK_TOKEN=token or self.token)


@contextmanager
def serving(data_dir: Path, *arguments: object, first: bool, **env: str) -> Iterator[Serving]:
    """A server on a folder, stopped at the end. `first`: it is to greet with a token."""
    process = start("serve", "--data-dir", data_dir, *arguments, **env)
    try:
        said = ""
        last = "try it:" if first else "Data:"
        while last not in said:
            assert process.stdout
            line = process.stdout.readline()
            assert line, f"it ended: {said}{process.communicate()[1]}"
            said += line
        words = said.split()
        token = next((word.partition("=")[2] for word in words if word.startswith("AGENTALK_TOKEN=")), "")
        yield Serving(process, next(word for word in words if word.startswith("http://")), said, token)
    finally:
        end(process)
