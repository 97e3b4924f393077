"""Worlds of some seeds, each lived through to its end: no invariant is broken. `make simulate SEEDS=60` lives more."""

import pytest

from tests.simulation.seeds import SEEDS, live


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_a_world_keeps_its_promises(dsn: str, seed: int) -> None:
    live(dsn, seed)
