"""The table of the drills: every row is what one run measured, printed at its end."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import pytest

_PROPERTY = "drill"
_HEADS = ("drill", "what was done", "placements", "duplicates", "lost", "recovery")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One drill. `placements` and `duplicates` are the carrier's own; `lost` are contacts that are neither finished nor
    scheduled, and places taken by calls that are over. `recovery` is in seconds; None where nothing had to recover.
    """

    number: str
    name: str
    done: str
    placements: int
    duplicates: int
    lost: int
    recovery: float | None = None

    @property
    def whole(self) -> bool:
        """Nobody was rung twice, and nobody was lost."""
        return self.duplicates == 0 and self.lost == 0

    def cells(self) -> tuple[str, ...]:
        """As text."""
        seconds = "-" if self.recovery is None else f"{self.recovery:.1f} s"
        counts = (f"{n:,}" for n in (self.placements, self.duplicates, self.lost))
        return (f"{self.number} {self.name}", self.done, *counts, seconds)


def written_down(played: Future[Row], record: Callable[[str, object], None]) -> Row:
    """What came of a drill, which the table will show."""
    row = played.result()
    record(_PROPERTY, msgspec.to_builtins(row))
    return row


def rows_of(reports: Sequence[Any]) -> list[Row]:
    """The rows that tests wrote down, in order of the drills' numbers."""
    found = [
        msgspec.convert(value, Row)
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == _PROPERTY
    ]
    return sorted(found, key=lambda row: (int("".join(filter(str.isdigit, row.number)) or 0), row.number, row.name))


def plain(rows: Sequence[Row]) -> list[str]:
    """The table for a terminal."""
    table = [_HEADS, *(row.cells() for row in rows)]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(_HEADS))]
    return [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in table
    ]


def markdown(rows: Sequence[Row]) -> str:
    """The table for a page."""
    lines = [_HEADS, ("---", "---", "---:", "---:", "---:", "---:"), *(row.cells() for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def summarize(terminal: pytest.TerminalReporter, page: str | None) -> None:
    """Print the table of this run, if there were drills; and put it between the marks of a page that is named."""
    rows = rows_of([report for kind in ("passed", "failed") for report in terminal.stats.get(kind, [])])
    if not rows:
        return
    terminal.section("drills")
    for line in plain(rows):
        terminal.write_line(line)
    if page:
        file = Path(page)
        before, _, rest = file.read_text(encoding="utf-8").partition("<!-- drills -->\n")
        _, _, after = rest.partition("<!-- end -->")
        file.write_text(f"{before}<!-- drills -->\n{markdown(rows)}<!-- end -->{after}", encoding="utf-8")
