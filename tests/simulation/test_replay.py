"""A seed is a world: the same trace every time, and races and faults that really happen."""

import pickle

from tests.simulation.ground import Ground
from tests.simulation.seeds import live
from tests.simulation.watch import Violation
from tests.simulation.world import World, line


def test_a_violation_comes_back_from_another_process() -> None:
    told = pickle.loads(pickle.dumps(Violation("nothing is lost", "p0001", ["p0001"])))  # noqa: S301
    assert (str(told), told.invariant, told.about) == ("nothing is lost: p0001", "nothing is lost", ["p0001"])


def test_the_same_seed_gives_the_same_trace(server: str) -> None:
    ground = Ground(server)
    traces = []
    for _ in range(2):
        with ground.database() as dsn:
            traces.append(list(map(line, World(dsn, 5, 0.25, 30).run().trace)))
    ground.close()
    assert traces[0] == traces[1]


def test_a_world_has_races_and_faults(dsn: str) -> None:
    report = live(dsn, 5, 0.25, 30)
    assert report.figures["interleavings"] > 100
    assert report.figures["placements"] > 10
    assert len(report.faults) > 5
