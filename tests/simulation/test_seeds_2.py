"""Worlds of many seeds, each lived through to its end: no invariant is broken. Three files, for three processes."""

import pytest

from tests.simulation.seeds import live, of_file


@pytest.mark.parametrize("seed", of_file(2))
def test_a_world_keeps_its_promises(dsn: str, seed: int) -> None:
    live(dsn, seed)
