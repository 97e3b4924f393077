"""Backups in PostgreSQL's own custom format, of the embedded server or any other."""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from agentalk.postgres import programs
from agentalk.postgres.errors import PostgresError

_PORTABLE = ["--no-owner", "--no-privileges"]
_WHOLE = ["--clean", "--if-exists", "--single-transaction"]
# pg_restore 18 writes it into the head of every script, and PostgreSQL 15 and 16 do not know it.
_TOO_NEW = b"SET transaction_timeout = 0;\n"
_HEAD_BYTES = 1024
_LISTED_TABLE = re.compile(r"^\d+; \d+ \d+ TABLE (?!DATA |ATTACH )(\S+) (\S+) ", re.MULTILINE)
_TABLES = Path(__file__).with_name("tables.sql")


async def dump(dsn: str, file: Path) -> None:
    """Write a backup of the database to `file`, readable by us only.

    Raises PostgresError if it exists already or the backup failed; a partial file never stays.
    """
    partial = _beside(file)
    target, env = _connection(dsn)
    try:
        await programs.run(
            [programs.find() / "pg_dump", "--format=custom", *_PORTABLE, "-w", f"--file={partial}", "-d", target],
            env=env,
        )
        _beside(file)
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)


async def restore(dsn: str, file: Path) -> None:
    """Make the database what the backup holds: all of it, or nothing is changed.

    Raises PostgresError, also if the database has tables that the backup does not know: the two would mix.
    """
    file = _existing(file)
    target, env = _connection(dsn)
    psql = [str(programs.find() / "psql"), "-XAtqw", "-v", "ON_ERROR_STOP=1", "-d", target]
    extra = await _unknown_to(file, psql, env)
    if extra:
        raise PostgresError(
            f"The database holds tables that {file} does not: {', '.join(extra)}. Nothing was changed."
            " Restore into an empty database: agentalk db restore FILE --data-dir NEW_FOLDER"
        )
    script = [str(programs.find() / "pg_restore"), *_WHOLE, *_PORTABLE, "--file=-", str(file)]
    with tempfile.TemporaryFile() as said:
        reader = programs.spawn(script, stderr=said.fileno())
        writer = programs.spawn(psql, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said.fileno())
        try:
            restored = await asyncio.to_thread(_pour, reader, writer)
        except asyncio.CancelledError:
            reader.kill()
            writer.kill()
            raise
        said.seek(0)
        if not restored:
            reason = programs.explain(said.read().decode(errors="replace"))
            raise PostgresError(f"{file} was not restored; the database is as it was. {reason}")


async def _unknown_to(file: Path, psql: list[str], env: dict[str, str]) -> list[str]:
    """The tables of the database that are not in the backup, in the schemas that are."""
    try:
        listed = await programs.run([programs.find() / "pg_restore", "--list", file])
    except PostgresError as error:
        raise PostgresError(f"{file} cannot be read as a backup. {error}") from error
    known = {f"{schema}.{table}" for schema, table in _LISTED_TABLE.findall(listed)}
    schemas = {name.partition(".")[0] for name in known}
    there = (await programs.run([*psql, "-f", _TABLES], env=env)).split()
    return sorted(name for name in there if name not in known and name.partition(".")[0] in schemas)


def _pour(reader: subprocess.Popen[bytes], writer: subprocess.Popen[bytes]) -> bool:
    """Send the script of `reader` to `writer` and see both to their end; False if either failed.

    The script brings its own BEGIN and COMMIT: if its end never comes, for whatever reason, nothing has happened.
    """
    assert reader.stdout and writer.stdin  # noqa: S101
    try:
        with reader.stdout as source, writer.stdin as sink:
            sink.write(source.read(_HEAD_BYTES).replace(_TOO_NEW, b""))
            shutil.copyfileobj(source, sink)
    except BrokenPipeError:
        reader.kill()
    return (reader.wait(), writer.wait()) == (0, 0)


def _beside(file: Path) -> Path:
    """Where the backup grows until it is whole; a `file` that is there already is refused."""
    if file.exists():
        raise PostgresError(f"{file} exists already. Choose another name, or move it away.")
    if not file.absolute().parent.is_dir():
        raise PostgresError(f"There is no folder {file.parent}. Create it first.")
    return file.absolute().with_name(f".{file.name}.{os.getpid()}.partial")


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise PostgresError(f"There is no backup {file}.")
    return file.absolute()


def _connection(dsn: str) -> tuple[str, dict[str, str]]:
    """The DSN for a command line, and the user's own environment: their server may need it (certificates, …)."""
    target, secret = programs.without_password(dsn)
    return target, {**os.environ, "LC_ALL": "C", **secret}
