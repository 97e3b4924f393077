"""Folders that root's server account can enter, a cluster that is made once and copied, and drills being played."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentalk.postgres import use
from tests.journeys.acts import Played, acts_of
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


# A module may say otherwise. More would only wait for the processor.
_AT_A_TIME = 5


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The module's acts, some at a time, each on a database of its own."""
    acts = acts_of(request)
    # Made before there are threads, and only what is needed.
    places = {act: [request.getfixturevalue(name) for name in act.place] for act in acts}
    with ThreadPoolExecutor(getattr(request.module, "AT_A_TIME", _AT_A_TIME)) as pool:
        yield {act: pool.submit(act.perform, tmp_path_factory.mktemp("drill"), *places[act]) for act in acts}
        pool.shutdown(cancel_futures=True)
