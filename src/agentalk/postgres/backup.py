"""Backups in PostgreSQL's own custom format, of the embedded server or any other."""

import os
from pathlib import Path

from agentalk.postgres import programs
from agentalk.postgres.errors import PostgresError

_PORTABLE = ["--no-owner", "--no-privileges", "--no-password"]


async def dump(dsn: str, file: Path) -> None:
    """Write a backup of the database to `file`, readable by us only.

    Raises PostgresError if it exists already or the backup failed; a partial file never stays.
    """
    partial = _beside(file)
    target, secret = programs.without_password(dsn)
    try:
        await programs.run(
            [programs.find() / "pg_dump", "--format=custom", *_PORTABLE, f"--file={partial}", "-d", target],
            env=_environment(secret),
        )
        _beside(file)
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)


async def restore(dsn: str, file: Path) -> None:
    """Replace what the backup holds in the database: all of it, or nothing if anything fails.

    Raises PostgresError.
    """
    file = _existing(file)
    target, secret = programs.without_password(dsn)
    try:
        await programs.run(
            [
                programs.find() / "pg_restore",
                "--clean",
                "--if-exists",
                "--single-transaction",
                *_PORTABLE,
                "-d",
                target,
                file,
            ],
            env=_environment(secret),
        )
    except PostgresError as error:
        raise PostgresError(
            f"{file} was not restored; the database is as it was. {error}\n"
            "Where the database holds more than the backup, restore into a new one:"
            " agentalk db restore FILE --data-dir NEW_FOLDER"
        ) from error


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


def _environment(secret: dict[str, str]) -> dict[str, str]:
    """The user's own, because their server may need it (certificates, a password file)."""
    return {**os.environ, "LC_ALL": "C", **secret}
