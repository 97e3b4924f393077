"""A CSV file on its way to the API: in chunks, so that a file of any size shows its progress."""

import csv
import io
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TextIO

from agentalk.cli.client import Client
from agentalk.cli.exits import Failure

CHUNK_ROWS = 2_000
# A cell longer than this is no cell: a quote was never closed.
csv.field_size_limit(1_000_000)


@dataclass(frozen=True)
class RowError:
    """A row that was not taken, or was replaced by a later one: its line in the file, its cells, and why."""

    line: int
    cells: list[str]
    reason: str


@dataclass
class Import:
    """How far an import has come. `position` and `size` are in bytes of the file.

    `country` is whose numbers are those without `+`. The four counts below `rows` add up to it.
    """

    size: int
    country: str | None = None
    position: int = 0
    rows: int = 0
    created: int = 0
    updated: int = 0
    replaced: int = 0
    refused: int = 0
    columns: list[str] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Contacts that were made or completed."""
        return self.created + self.updated


async def import_file(
    client: Client, file: Path, most: int | None = None, country: str | None = None
) -> AsyncIterator[Import]:
    """Import contacts, `most` rows at most; the same `Import` is given after each chunk, grown. Raises `Failure`."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            size = max(1, os.fstat(text.fileno()).st_size)
            async for progress in _import(client, text, Import(size=size, country=country), most):
                yield progress
    except UnicodeDecodeError:
        raise Failure(f"{file} is not UTF-8. Save it as CSV in UTF-8.") from None
    except csv.Error as error:
        raise Failure(f"{file} is not CSV: {error}.") from None


def write_refused(progress: Import, file: Path) -> None:
    """The refused rows as CSV: the line and the reason before what the row held, ready to be mended and imported."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["line", "reason", *progress.columns])
        writer.writerows([one.line, one.reason, *one.cells] for one in progress.errors)


async def _import(client: Client, text: TextIO, progress: Import, most: int | None) -> AsyncIterator[Import]:
    rows = _rows(text)
    progress.columns = next(rows, (0, []))[1]
    yield progress
    chunk: list[tuple[int, list[str]]] = []
    for row in islice(rows, most):
        chunk.append(row)
        if len(chunk) == CHUNK_ROWS:
            await _send(client, chunk, progress)
            progress.position = text.buffer.tell()
            yield progress
            chunk = []
    await _send(client, chunk, progress)
    progress.position = progress.size
    yield progress


def _rows(text: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Rows with the lines they begin on; empty ones are passed over. The first one tells what divides cells."""
    first = text.readline()
    divider = max(",;\t|", key=first.count)
    text.seek(0)
    reader = csv.reader(text, delimiter=divider)
    line = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


async def _send(client: Client, chunk: list[tuple[int, list[str]]], progress: Import) -> None:
    """Send rows below the columns' names, and take up what the server says of them."""
    if not chunk and progress.rows:
        return
    out = io.StringIO()
    csv.writer(out).writerows([progress.columns, *(cells for _, cells in chunk)])
    content = out.getvalue().encode()
    answer = await client.post_bytes("/api/contacts/import", content, "text/csv", defaultCountry=progress.country)
    progress.rows += answer["rows"]
    progress.created += answer["created"]
    progress.updated += answer["updated"]
    progress.replaced += answer["replaced"]
    progress.refused += answer["refused"]
    for error in answer["errors"]:
        # It counts the header as row 1.
        line, cells = chunk[error["row"] - 2]
        field = f"{error['field']} " if error["field"] else ""
        progress.errors.append(RowError(line, cells, f"{field}{error['message']}"))
