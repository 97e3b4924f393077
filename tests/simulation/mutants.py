"""`python -m tests.simulation.mutants`: each planted bug must be found by some world. Prints a table.

Each bug has a process of its own, so that nothing of it stays in a cache. Fails if one survives.
"""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context

import msgspec

from tests.simulation.bugs import MUTANTS
from tests.simulation.ground import ground
from tests.simulation.planted import planted
from tests.simulation.world import World


class Found(msgspec.Struct, frozen=True):
    """What found a bug: the invariant and the seed, or neither."""

    name: str
    invariant: str = ""
    seed: int = 0


def main() -> int:
    """Run them all, or those named; 1 if one survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="some bugs by name; all if none is given")
    parser.add_argument("--seeds", type=int, default=20, help="how many worlds may look for each")
    asked = parser.parse_args()
    names = asked.names or [mutant.name for mutant in MUTANTS]
    look = partial(hunt, seeds=asked.seeds)
    survived = []
    print("| planted bug | what it breaks | found by | seed |\n| --- | --- | --- | --- |")  # noqa: T201
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), max_tasks_per_child=1) as pool:
        for done in as_completed([pool.submit(look, name) for name in names]):
            found = done.result()
            breaks = next(mutant.breaks for mutant in MUTANTS if mutant.name == found.name)
            row = (found.name, breaks, found.invariant or "NOT FOUND", str(found.seed or "-"))
            print(f"| {' | '.join(row)} |", flush=True)  # noqa: T201
            if not found.seed:
                survived.append(found.name)
    if survived:
        print(f"\nSurvived: {', '.join(survived)}")  # noqa: T201
    return 1 if survived else 0


def hunt(name: str, *, seeds: int) -> Found:
    """Let worlds live with the bug until one breaks an invariant."""
    mutant = next(mutant for mutant in MUTANTS if mutant.name == name)
    with planted(mutant), ground() as server:
        for seed in range(1, seeds + 1):
            with server.database() as dsn:
                world = World(dsn, seed, mutant.days, mutant.contacts)
                if mutant.database:
                    world.server.control.rows(mutant.database)
                report = world.run()
            if report.violation is not None:
                return Found(name, report.violation.invariant, seed)
    return Found(name)


if __name__ == "__main__":
    sys.exit(main())
