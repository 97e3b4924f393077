"""The environment's settings with a command's options before them."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from agentalk.cli.exits import Exit, Failure
from agentalk.settings import Settings, read

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="FOLDER", help="Where the data is kept, if not in DATABASE_URL's database."),
]


def settings(data_dir: Path | None = None) -> Settings:
    """What the environment says, with the data folder given as an option before the one it names."""
    found = read(os.environ)
    return found if data_dir is None else replace(found, data_dir=data_dir.expanduser())


def one_database(data_dir: Path | None) -> Settings:
    """The same for commands that change a database: they are told of one, not of two. Raises `Failure`."""
    found = settings(data_dir)
    if data_dir is not None and found.database_url is not None:
        raise Failure(
            "Both DATABASE_URL and --data-dir name a database. Unset DATABASE_URL, or leave --data-dir out.", Exit.USAGE
        )
    return found
