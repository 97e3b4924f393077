"""`python -m bench [list|add|dial …] [--quick]`: our speed against the bare database's, as ratios in one run."""

import argparse
import platform

import uvloop

from bench import adding, dial, listing
from bench.report import Figure, table


async def _measure(chosen: list[str], *, quick: bool) -> list[Figure]:
    figures: list[Figure] = []
    if "list" in chosen:
        figures += await listing.run(100_000 if quick else 1_000_000)
    if "add" in chosen:
        figures += await adding.run(10_000 if quick else 100_000)
    if "dial" in chosen:
        figures += await dial.run(10_000, 50_000 if quick else 1_000_000)
    return figures


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="*", choices=["list", "add", "dial", []], help="all, if none is named")
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    asked = parser.parse_args()
    figures = uvloop.run(_measure(asked.what or ["list", "add", "dial"], quick=asked.quick))
    print(f"{platform.machine()}, Python {platform.python_version()}\n\n{table(figures)}")  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
