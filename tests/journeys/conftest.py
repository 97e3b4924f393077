"""Folders that root's server account can enter, and a cluster that is made once and copied."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentalk.postgres import use
from tests.postgres.folders import copy_folder, enterable


@pytest.fixture(scope="session")
def cluster() -> Iterator[Path]:
    """A data folder with an empty database in it."""

    async def make(data_dir: Path) -> None:
        async with use(data_dir):
            pass

    with enterable() as folder:
        asyncio.run(make(folder / "data"))
        yield folder / "data"


@pytest.fixture
def bare() -> Iterator[Path]:
    """A folder with nothing in it."""
    with enterable() as folder:
        yield folder


@pytest.fixture
def place(bare: Path, cluster: Path) -> Path:
    """A folder with a data folder `data` in it, which spares a test the making of a cluster."""
    copy_folder(cluster, bare / "data")
    return bare
