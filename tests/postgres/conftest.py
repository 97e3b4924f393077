"""Folders that the server's account can enter, and one cluster for all tests that leave it whole."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agentalk.postgres import use
from tests.postgres.folders import Supervise, copy_folder, end_servers, enterable, spawn_supervisor


@pytest.fixture
def place() -> Iterator[Path]:
    with enterable() as folder:
        yield folder


@pytest.fixture(scope="session")
def made() -> Iterator[Path]:
    """A data folder with a cluster in it."""

    async def make(data_dir: Path) -> None:
        async with use(data_dir):
            pass

    with enterable() as folder:
        asyncio.run(make(folder / "data"))
        yield folder / "data"


@pytest.fixture
def data_dir(made: Path) -> Iterator[Path]:
    """A data folder with a cluster and no server, shared with other tests."""
    yield made
    end_servers(made)


@pytest.fixture
def own_data_dir(place: Path, data_dir: Path) -> Path:
    """One to damage."""
    copy_folder(data_dir, place / "data")
    return place / "data"


@pytest.fixture
def supervise() -> Iterator[Supervise]:
    with ExitStack() as stack:

        def start(data_dir: Path) -> subprocess.Popen[str]:
            return stack.enter_context(spawn_supervisor(data_dir))

        yield start
