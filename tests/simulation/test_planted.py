"""The planted bugs have a place in the engine, and leave it as it was. `make mutants` has worlds look for each."""

import pytest

from agentalk.domain.retry import wait_after
from agentalk.store import dialing
from tests.simulation.bugs import MUTANTS
from tests.simulation.ground import Ground
from tests.simulation.planted import Change, Mutant, Stale, planted
from tests.simulation.world import World


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_can_be_planted_and_leaves_no_trace(mutant: Mutant) -> None:
    before = dict(dialing.SQL), wait_after.__code__
    with planted(mutant):
        pass
    assert (dict(dialing.SQL), wait_after.__code__) == before


def test_a_bug_whose_place_is_gone_is_told() -> None:
    gone = Mutant("gone", "nothing", (Change("dialing.lock_organization", "no such text", ""),))
    with pytest.raises(Stale), planted(gone):
        pass


def test_worlds_find_one(server: str) -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.name == "organization not locked")
    ground = Ground(server)
    found = None
    with planted(mutant):
        for seed in range(1, 9):
            with ground.database() as dsn:
                found = World(dsn, seed, 0.5, 100).run().violation
            if found:
                break
    ground.close()
    assert found is not None
