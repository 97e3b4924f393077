"""`python -m tests.simulation`: worlds lived through, what came of them, and the story of one that went wrong."""

import argparse
import asyncio
import math
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import Event, Queue
from multiprocessing.synchronize import Event as EventType
from pathlib import Path

from tests.simulation import panorama
from tests.simulation.ground import ground
from tests.simulation.story import story, summary
from tests.simulation.world import Report, World, line

# A world went wrong: no process begins another one.
_wrong = Event()


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
    began = time.monotonic()
    seeds = range(asked.seed, asked.seed + asked.seeds if asked.minutes is None else sys.maxsize)
    until = math.inf if asked.minutes is None else began + 60 * asked.minutes
    reports = _side_by_side(
        seeds, partial(lived, days=asked.days, contacts=asked.contacts, tell=asked.verbose, until=until)
    )
    print(summary(reports, time.monotonic() - began))  # noqa: T201
    return 1 if any(report.violation for report in reports) else 0


def _around_the_world(contacts: int, seed: int, plot: Path) -> int:
    with ground(autovacuum=True) as server, server.database() as dsn:
        seen = asyncio.run(panorama.run(dsn, contacts, seed=seed))
    print(panorama.table(seen))  # noqa: T201
    plot.write_text(seen.svg())
    return 1 if seen.outside else 0


def lived(seeds: range, *, days: float, contacts: int, tell: bool, until: float) -> list[Report]:
    """The reports of these seeds' worlds until then, or until one goes wrong in any process; told as they come."""
    reports: list[Report] = []
    with ground() as server:
        for seed in seeds:
            if time.monotonic() > until or _wrong.is_set():
                break
            with server.database() as dsn:
                report = World(dsn, seed, days, contacts).run()
            reports.append(report)
            if tell:
                print(*map(line, report.trace), sep="\n")  # noqa: T201
            print(_said(report, days, contacts), flush=True)  # noqa: T201
            if report.violation:
                _wrong.set()
            else:
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


def _side_by_side(seeds: range, live: "partial[list[Report]]") -> list[Report]:
    """A process for each core, that stays on it with the server it begins: a world and its server take turns, and
    waking each other on another core would take a fifth of their time.
    """
    cores = _cores()[: len(seeds)]
    free: Queue[int] = Queue()
    for core in cores:
        free.put(core)
    with ProcessPoolExecutor(len(cores), initializer=_settle, initargs=(free, _wrong)) as pool:
        shares = [pool.submit(live, seeds[first :: len(cores)]) for first in range(len(cores))]
        return [report for share in shares for report in share.result()]


def _cores() -> list[int]:
    """The cores that are ours to use."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else list(range(os.cpu_count() or 1))


def _settle(free: "Queue[int]", wrong: "EventType") -> None:
    global _wrong  # noqa: PLW0603 - how a process gets what all share
    _wrong = wrong
    core = free.get()
    if sys.platform == "linux":
        os.sched_setaffinity(0, {core})


if __name__ == "__main__":
    sys.exit(main())
