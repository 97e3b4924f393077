"""The environment's settings with a command's options before them."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from agentalk.settings import Settings, read

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="FOLDER", help="Where the embedded PostgreSQL keeps its data."),
]


def settings(data_dir: Path | None = None) -> Settings:
    """What the environment says; a data folder given as an option goes before `DATABASE_URL` too."""
    found = read(os.environ)
    if data_dir is not None:
        return replace(found, data_dir=data_dir.expanduser(), database_url=None)
    return found
