"""`python -m tests.simulation`: worlds lived through, what came of them, and the story of one that went wrong."""

import argparse
import asyncio
import os
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import Queue
from pathlib import Path

from tests.simulation import panorama
from tests.simulation.ground import ground
from tests.simulation.story import story, summary
from tests.simulation.world import Report, World, line

# How many worlds share the server that a process begins: few, so that the end comes soon after the time asked for.
_BATCH = 2


def main() -> int:
    """Run what the arguments ask for; 1 if an invariant does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, on all cores")
    parser.add_argument("--minutes", type=float, help="as many seeds as can be lived through in so many minutes")
    parser.add_argument("--days", type=float, default=2.0, help="days of each world")
    parser.add_argument("--contacts", type=int, default=300, help="contacts of each world")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the whole trace")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE.svg", help="call so many contacts around the world, and draw their calls"
    )
    asked = parser.parse_args()
    if asked.plot is not None:
        return _around_the_world(asked.contacts, asked.seed, asked.plot)
    live = partial(lived, days=asked.days, contacts=asked.contacts)
    began = time.monotonic()
    if asked.minutes is None:
        reports = _side_by_side(live, range(asked.seed, asked.seed + asked.seeds), tell=asked.verbose)
    else:
        reports = _for_long(live, asked.seed, began + 60 * asked.minutes)
    print(summary(reports, time.monotonic() - began))  # noqa: T201
    return 1 if any(report.violation for report in reports) else 0


def _around_the_world(contacts: int, seed: int, plot: Path) -> int:
    with ground(autovacuum=True) as server, server.database() as dsn:
        seen = asyncio.run(panorama.run(dsn, contacts, seed=seed))
    print(panorama.table(seen))  # noqa: T201
    plot.write_text(seen.svg())
    return 1 if seen.outside else 0


def lived(seeds: range, *, days: float, contacts: int, tell: bool = False) -> list[Report]:
    """The reports of these seeds' worlds, up to the first that goes wrong; told as they come."""
    reports = []
    with ground() as server:
        for seed in seeds:
            with server.database() as dsn:
                report = World(dsn, seed, days, contacts).run()
            reports.append(report)
            if tell:
                print(*map(line, report.trace), sep="\n")  # noqa: T201
            print(_said(report, days, contacts), flush=True)  # noqa: T201
            if report.violation:
                break
            report.trace.clear()
    return reports


def _said(report: Report, days: float, contacts: int) -> str:
    said = (
        f"seed {report.seed}  {report.start:%Y-%m-%d}  {report.figures['placements']} calls  digest {report.digest()}"
    )
    if report.violation is None:
        return f"{said}  all invariants hold"
    again = f"make simulate SEED={report.seed} DAYS={days:g} CONTACTS={contacts}"
    return f"{said}\n\n{story(report)}\n\nAgain: {again}"


def _side_by_side(live: partial[list[Report]], seeds: range, *, tell: bool) -> list[Report]:
    most = min(len(_cores()), len(seeds))
    if most == 1:
        return live(seeds, tell=tell)
    with _pool() as pool:
        shares = [pool.submit(live, seeds[first::most], tell=tell) for first in range(most)]
        return [report for share in shares for report in share.result()]


def _for_long(live: partial[list[Report]], seed: int, until: float) -> list[Report]:
    reports: list[Report] = []
    with _pool() as pool:
        waiting: set[Future[list[Report]]] = set()
        while time.monotonic() < until and not any(report.violation for report in reports):
            while len(waiting) < len(_cores()):
                waiting.add(pool.submit(live, range(seed, seed + _BATCH)))
                seed += _BATCH
            done = next(as_completed(waiting))
            waiting.remove(done)
            reports += done.result()
        for left in waiting:
            reports += left.result()
    return reports


def _pool() -> ProcessPoolExecutor:
    """A process for each core, that stays on it with the server it begins: a world and its server take turns, and
    waking each other on another core would take a fifth of their time.
    """
    cores: Queue[int] = Queue()
    for core in _cores():
        cores.put(core)
    return ProcessPoolExecutor(len(_cores()), initializer=_settle, initargs=(cores,))


def _cores() -> list[int]:
    """The cores that are ours to use."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else list(range(os.cpu_count() or 1))


def _settle(cores: "Queue[int]") -> None:
    core = cores.get()
    if sys.platform == "linux":
        os.sched_setaffinity(0, {core})


if __name__ == "__main__":
    sys.exit(main())
