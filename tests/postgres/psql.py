"""What the tests ask the server, through PostgreSQL's own client."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from agentalk.postgres.programs import find, without_password


def sql(dsn: str, *statements: str) -> str:
    """What the statements print, unaligned."""
    done = _client(dsn, *statements)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def empty(dsn: str) -> None:
    """Remove what other tests made."""
    sql(dsn, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


def refusal(dsn: str, statement: str) -> str:
    """What the server says to a statement that fails."""
    done = _client(dsn, statement)
    assert done.returncode != 0, done.stdout
    return done.stderr


@contextmanager
def session(dsn: str, statement: str) -> Iterator[subprocess.Popen[bytes]]:
    """A client that is busy with a statement."""
    argv, env = _command(dsn, statement)
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        try:
            yield client
        finally:
            client.kill()


def _client(dsn: str, *statements: str) -> subprocess.CompletedProcess[str]:
    argv, env = _command(dsn, *statements)
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30, check=False)


def _command(dsn: str, *statements: str) -> tuple[list[str], dict[str, str]]:
    target, secret = without_password(dsn)
    commands = [word for statement in statements for word in ("-c", statement)]
    return [str(find() / "psql"), "-XAtqw", "-v", "ON_ERROR_STOP=1", "-d", target, *commands], {**os.environ, **secret}
