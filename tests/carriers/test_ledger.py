"""The ledger tells what rang, also after its process was killed in the middle of a word."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agentalk.carriers.carrier import Placement
from agentalk.carriers.simulator import world
from agentalk.carriers.simulator.ledger import DamagedLedger, Ledger, LedgerTaken, Placed, Row
from agentalk.carriers.simulator.world import Mix
from agentalk.domain.call import Outcome
from tests.carriers.contract import a_placement

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
STEADY = Mix(weights={Outcome.ANSWERED: 1}, ring_seconds=(10, 10), talk_seconds=(30, 30))


def a_placed(carrier_call_id: str, placement: Placement | None = None) -> Placed:
    placement = placement or a_placement()
    return Placed(
        call_id=placement.call_id,
        carrier_call_id=carrier_call_id,
        phone=placement.phone,
        caller_id=placement.caller_id,
        at=NOW,
        course=world.course(STEADY, placement, 0, carrier_call_id, NOW),
        report_to="http://receiver",
    )


def test_it_answers_by_either_id_by_phone_and_by_life() -> None:
    ledger = Ledger()
    one, other = a_placed("sim-1"), a_placed("sim-2")
    ledger.place(one)
    ledger.place(other)
    ledger.end(one.course[-1])

    assert (ledger.find("sim-1"), ledger.find("sim-3")) == (one, None)
    assert ledger.of_call(other.call_id) == [other]
    assert (ledger.calls_to(one.phone), ledger.calls_to("+19995550100")) == (1, 0)
    assert ledger.live() == [other]
    assert [(row.outcome, row.ended_at) for row in ledger.rows()] == [
        (Outcome.ANSWERED, NOW + timedelta(seconds=40)),
        (None, None),
    ]
    assert (len(ledger), ledger.duplicates()) == (2, [])


def test_a_call_placed_twice_is_a_duplicate() -> None:
    ledger = Ledger()
    placement = a_placement()
    for carrier_call_id in ("sim-1", "sim-2"):
        ledger.place(a_placed(carrier_call_id, placement))
    ledger.place(a_placed("sim-3"))

    assert ledger.duplicates() == [placement.call_id]
    assert [row.carrier_call_id for row in ledger.rows(placement.call_id)] == ["sim-1", "sim-2"]


def test_the_first_end_of_a_call_stands(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    placed = a_placed("sim-1")
    ledger.place(placed)
    canceled = world.hung_up(placed.course, NOW + timedelta(seconds=5))
    ledger.end(canceled)
    ledger.end(placed.course[-1])

    now = ledger.find("sim-1")
    assert now
    assert now.course == (placed.course[0], canceled)
    ledger.close()
    assert Ledger.read(tmp_path / "ledger").find("sim-1") == now


def test_it_is_the_same_after_a_restart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    placed = [a_placed(f"sim-{number}") for number in range(5)]
    for one in placed:
        ledger.place(one)
    ledger.end(placed[0].course[-1])
    ledger.close()

    again = Ledger(tmp_path / "ledger")
    assert again.live() == placed[1:]
    again.place(a_placed("sim-5"))
    rows = again.rows()
    again.close()
    assert Ledger.read(tmp_path / "ledger").rows() == rows
    assert len(rows) == 6


def test_a_torn_last_line_is_dropped_wherever_it_was_torn(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    ledger.place(a_placed("sim-1"))
    whole = path.stat().st_size
    ledger.place(a_placed("sim-2"))
    ledger.close()
    content = path.read_bytes()

    for length in range(whole, len(content), 7):
        path.write_bytes(content[:length])
        assert [row.carrier_call_id for row in Ledger.read(path).rows()] == ["sim-1"]
        assert path.stat().st_size == length, "only the process that writes may repair"
        torn = Ledger(path)
        torn.place(a_placed("sim-3"))
        torn.close()
        assert [row.carrier_call_id for row in Ledger.read(path).rows()] == ["sim-1", "sim-3"]


def test_a_damaged_line_is_refused_by_number(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    ledger.place(a_placed("sim-1"))
    ledger.close()
    content = path.read_bytes()

    for damage in (b"\n", b"nonsense\n", b'{"line": "ended"}\n', b"\xff\n"):
        path.write_bytes(content + damage + content)
        with pytest.raises(DamagedLedger, match="Line 2"):
            Ledger.read(path)


def test_a_line_that_was_written_in_part_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    ledger.place(a_placed("sim-1"))
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:20]))
    with pytest.raises(OSError, match="full"):
        ledger.place(a_placed("sim-2"))
    monkeypatch.undo()

    assert ledger.find("sim-2") is None
    ledger.place(a_placed("sim-3"))
    ledger.close()
    assert [row.carrier_call_id for row in Ledger.read(path).rows()] == ["sim-1", "sim-3"]


def test_two_processes_cannot_write_one_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    with pytest.raises(LedgerTaken, match="Another process"):
        Ledger(tmp_path / "ledger")
    ledger.close()


def test_a_closed_ledger_records_nothing_that_it_could_not_keep(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.close()
    ledger.close()
    with pytest.raises(OSError, match="descriptor"):
        ledger.place(a_placed("sim-1"))

    assert ledger.rows() == []


def test_its_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger").close()

    assert (tmp_path / "ledger").stat().st_mode & 0o077 == 0


def test_a_row_tells_a_reader_nothing_of_what_was_said() -> None:
    assert set(Row.__struct_fields__) == {
        "call_id",
        "carrier_call_id",
        "phone",
        "caller_id",
        "placed_at",
        "outcome",
        "ended_at",
    }
