"""The carrier's own record of what rang: every placement and its end, appended and never changed.

With a file it outlives a kill of the process: each line is handed to the kernel in one write before anybody is told of
what it says. (It is not synced to the disk: a loss of power may take the last lines.) A ledger without a file is true
for as long as its process lives.
"""

import fcntl
import os
from collections import Counter
from datetime import datetime
from pathlib import Path

import msgspec

from agentalk.carriers.simulator.faults import PROMPTLY, Reporting
from agentalk.domain.call import CallEvent, Outcome
from agentalk.domain.ids import CallId

# No file has this descriptor: writing to it is an OSError.
CLOSED = -1


class Placed(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="line", tag="placed", omit_defaults=True
):
    """A call was placed and will take this course. `report_to` is a URL, or empty within one process."""

    call_id: CallId
    carrier_call_id: str
    phone: str
    caller_id: str | None
    at: datetime
    course: tuple[CallEvent, ...]
    report_to: str = ""
    reporting: Reporting = PROMPTLY


class Ended(msgspec.Struct, frozen=True, rename="camel", tag_field="line", tag="ended"):
    """A call ended: as its course said, or sooner, when it was hung up."""

    end: CallEvent


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the ledger tells a reader about one placement; without outcome and end while the call lives."""

    call_id: CallId
    carrier_call_id: str
    phone: str
    caller_id: str | None
    placed_at: datetime
    outcome: Outcome | None = None
    ended_at: datetime | None = None


class DamagedLedger(Exception):
    """A line of the ledger, not the last, cannot be read."""


class LedgerTaken(Exception):
    """Another process writes this ledger."""


class Ledger:
    """Placements in the order in which they were made. One process writes a file at a time."""

    def __init__(self, path: Path | None = None) -> None:
        """Read `path` if it exists, drop a torn last line, and append from there on.

        Raises `LedgerTaken`, `DamagedLedger`, `OSError`.
        """
        self._placed: dict[str, Placed] = {}
        self._ended: set[str] = set()
        self._by_call: dict[CallId, list[str]] = {}
        self._by_phone: Counter[str] = Counter()
        self._encoder = msgspec.json.Encoder()
        self._file: int | None = None
        if path is not None:
            # It holds telephone numbers: for its owner's eyes.
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                _lock(self._file, path)
                os.ftruncate(self._file, self._load(path))
            except BaseException:
                self.close()
                raise

    @classmethod
    def read(cls, path: Path) -> "Ledger":
        """The ledger as the file has it now, to look at while another process may be writing it."""
        ledger = cls()
        ledger._load(path)
        return ledger

    def place(self, placed: Placed) -> None:
        """Record a placement. Raises `OSError` if it could not be written: then it must not ring."""
        self._write(placed)
        self._keep(placed)

    def end(self, end: CallEvent) -> None:
        """Record a call's end, which cuts its course off if it comes early. The first end of a call stands."""
        if end.carrier_call_id not in self._ended:
            ended = Ended(end)
            self._write(ended)
            self._keep(ended)

    def find(self, carrier_call_id: str) -> Placed | None:
        """The placement with the carrier's id."""
        return self._placed.get(carrier_call_id)

    def of_call(self, call_id: CallId) -> list[Placed]:
        """Every placement of our call: more than one, if somebody dialled it again."""
        return [self._placed[carrier_call_id] for carrier_call_id in self._by_call.get(call_id, ())]

    def calls_to(self, phone: str) -> int:
        """How often this phone was made to ring."""
        return self._by_phone[phone]

    def since(self, moment: datetime) -> list[Placed]:
        """Placements made at `moment` or later, in order."""
        return [placed for placed in self._placed.values() if placed.at >= moment]

    def live(self) -> list[Placed]:
        """Placements without a recorded end."""
        return [placed for placed in self._placed.values() if placed.carrier_call_id not in self._ended]

    def duplicates(self) -> list[CallId]:
        """Our calls that were placed more than once: empty, if the dialer keeps its promise."""
        return [call_id for call_id, placements in self._by_call.items() if len(placements) > 1]

    def rows(self, call_id: CallId | None = None) -> list[Row]:
        """Placements for a reader: all, or those of one call."""
        placements = self._placed.values() if call_id is None else self.of_call(call_id)
        return [self._row(placed) for placed in placements]

    def __len__(self) -> int:
        return len(self._placed)

    def close(self) -> None:
        """Close the file: the ledger remains readable, and refuses to record what it could not keep."""
        if self._file is not None and self._file != CLOSED:
            os.close(self._file)
            self._file = CLOSED

    def _row(self, placed: Placed) -> Row:
        end = placed.course[-1] if placed.carrier_call_id in self._ended else None
        return Row(
            call_id=placed.call_id,
            carrier_call_id=placed.carrier_call_id,
            phone=placed.phone,
            caller_id=placed.caller_id,
            placed_at=placed.at,
            outcome=end.outcome if end else None,
            ended_at=end.at if end else None,
        )

    def _keep(self, line: Placed | Ended) -> None:
        if isinstance(line, Placed):
            self._placed[line.carrier_call_id] = line
            self._by_call.setdefault(line.call_id, []).append(line.carrier_call_id)
            self._by_phone[line.phone] += 1
            return
        end = line.end
        placed = self._placed[end.carrier_call_id]
        if placed.course[-1] != end:
            past = (event for event in placed.course[:-1] if event.at <= end.at)
            self._placed[end.carrier_call_id] = msgspec.structs.replace(placed, course=(*past, end))
        self._ended.add(end.carrier_call_id)

    def _write(self, line: Placed | Ended) -> None:
        if self._file is None:
            return
        data = self._encoder.encode(line) + b"\n"
        written = os.write(self._file, data)
        if written < len(data):
            # A full disk: take the half line back, lest the next one be glued to it.
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise OSError("The ledger's disk is full.")

    def _load(self, path: Path) -> int:
        """Keep every whole line; return where they end, in bytes."""
        decoder = msgspec.json.Decoder(Placed | Ended)
        size = 0
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    self._keep(decoder.decode(line))
                except (msgspec.MsgspecError, KeyError) as error:
                    raise DamagedLedger(f"Line {number} of {path} cannot be read: {error}") from error
                size += len(line)
        return size


def _lock(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LedgerTaken(f"Another process writes {path}: give each simulator a ledger of its own.") from error
