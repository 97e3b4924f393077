"""A file of numbers that are not to be called, read row by row: each a number, or a reason why not."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import IO

import msgspec

from agentalk.domain.contact import NO_NUMBER, read_phone
from agentalk.domain.contact_file import filled_rows
from agentalk.domain.errors import Invalid

_DELIMITERS = ",;\t|"
_COLUMNS = {"phone", "phonenumber", "number", "telephone"}
_NOT_UTF8 = "\ufffd"


class BadNumber(msgspec.Struct, frozen=True):
    """A row that holds no number. `row` counts from 1, the first row of the file; `value` is what stood there."""

    row: int
    value: str
    message: str


class NumberFile:
    """Reads text in UTF-8: a number a line, or CSV, its cells parted by commas, semicolons, tabs or bars.

    Where the first row names a column `phone` (or `number`), that one counts, else the first; two cells as
    `201,5550123` are an area code and its number, as the registry of the US writes them. `default_country` is where
    numbers without `+` belong. Raises `Invalid` for a file whose first row is neither. `rows` counts those read so far.
    """

    def __init__(self, file: IO[bytes], default_country: str | None) -> None:
        self.rows = 0
        self._country = default_country
        self._column = 0
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        first = next((line for line in self._text if line.strip()), "")
        delimiter = max(_DELIMITERS, key=first.count)
        header = [re.sub(r"[\s_-]", "", cell).lower() for cell in next(csv.reader([first], delimiter=delimiter), [])]
        named = [i for i, cell in enumerate(header) if cell in _COLUMNS]
        if first and not named and not any(map(str.isdecimal, first)):
            self.release()
            raise Invalid("The file's first row is neither a number nor the names of columns, one of them `phone`.")
        self._column = named[0] if named else 0
        self._first = 2 if named else 1
        self._cells = csv.reader(self._text if named else chain([first], self._text), delimiter=delimiter)

    def release(self) -> None:
        """Let go of the file, without closing it."""
        self._text.detach()

    def __iter__(self) -> Iterator[str | BadNumber]:
        """Each row that is not empty: a number in E.164, or why there is none."""
        for at, cells in filled_rows(self._cells, self._first):
            self.rows += 1
            yield BadNumber(at, "", f"is not CSV: {cells}") if isinstance(cells, csv.Error) else self._read(at, cells)

    def _read(self, at: int, cells: Sequence[str]) -> str | BadNumber:
        written = cells[self._column].strip() if self._column < len(cells) else ""
        if len(cells) == 2 and re.fullmatch(r"\d{3} *\d{7}", " ".join(map(str.strip, cells))):
            written = "".join(map(str.strip, cells))
        phone = None if "\0" in written or _NOT_UTF8 in written else read_phone(written[:100], self._country)
        return phone or BadNumber(at, written.replace("\0", "")[:100], NO_NUMBER if written else "is empty")
