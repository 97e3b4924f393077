"""`python -m bench [list|add|import|dial|http|orders|takeover|hold|rest …] [--quick]`: our speed, and against what."""

import argparse
import platform
import signal
import sys
from collections.abc import Awaitable, Callable

import uvloop

from bench import adding, dial, holding, importing, listing, orders, over_http, resting, takeover
from bench.report import Figure, table

# Each with `quick`: a tenth of the data, or of the times.
BENCHES: dict[str, Callable[[bool], Awaitable[list[Figure]]]] = {
    "list": lambda quick: listing.run(100_000 if quick else 1_000_000),
    "add": lambda quick: adding.run(10_000 if quick else 100_000),
    "import": lambda quick: importing.run(10_000 if quick else 100_000),
    "dial": lambda quick: dial.run(10_000, 50_000 if quick else 1_000_000),
    "http": lambda quick: over_http.run(10_000 if quick else 40_000),
    "orders": lambda quick: orders.run(10 if quick else 60),
    "takeover": lambda quick: takeover.run(120 if quick else 400),
    "hold": lambda quick: holding.run(500 if quick else 5_000),
    "rest": lambda quick: resting.run(2 if quick else 5),
}


async def _measure(chosen: list[str], *, quick: bool) -> list[Figure]:
    figures: list[Figure] = []
    for name in chosen:
        print(f"{name} …", file=sys.stderr, flush=True)  # noqa: T201 - who waits wants to know for what
        figures += await BENCHES[name](quick)
    return figures


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*BENCHES, []], help="all, if none is named")
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    asked = parser.parse_args()
    # Whoever ends it early ends what it started, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    figures = uvloop.run(_measure(asked.what or list(BENCHES), quick=asked.quick))
    print(f"{platform.machine()}, Python {platform.python_version()}\n\n{table(figures)}")  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
