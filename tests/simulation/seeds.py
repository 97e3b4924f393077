"""Which worlds the tests live through, and how large they are."""

from tests.simulation.story import story
from tests.simulation.world import Report, World

SEEDS = 4
DAYS, CONTACTS = 2.0, 300


def live(dsn: str, seed: int, days: float = DAYS, contacts: int = CONTACTS) -> Report:
    """A world on a fresh database; fails with its story if an invariant is broken."""
    report = World(dsn, seed, days, contacts).run()
    again = f"make simulate SEED={seed} DAYS={days:g} CONTACTS={contacts}"
    assert report.violation is None, f"\n{story(report)}\n\nAgain: {again}"
    return report
