"""`agentalk demo`: what it does, what it says, and when it fails."""

import json
import signal
from pathlib import Path

from tests.journeys.program import agentalk, command, end, start


def test_the_demo_and_the_demo_again(place: Path) -> None:
    first = agentalk("demo", "--count", 48, "--speed", 600, "--json", "--data-dir", place / "data")
    assert first.code == 0, first.err
    told = first.json
    counts = told["counts"]
    ended = counts["completed"] + counts["exhausted"] + counts["skipped"]
    assert told["rows"] == 48
    assert told["refusedRows"] == 2
    assert told["contacts"] == counts["total"] == 46
    assert counts["calling"] == counts["canceled"] == 0
    assert ended + told["scheduled"] == 46
    assert told["reached"] > 0
    assert told["skipped"]["no_timezone"] >= 1
    assert told["faults"] == []
    ledger = [json.loads(line) for line in (place / "data" / "ledger.jsonl").read_text().splitlines()]
    assert sum(line["line"] == "placed" for line in ledger) == told["calls"]

    again = agentalk("demo", "--count", 48, "--speed", 600, "--data-dir", place / "data")
    assert again.code == 0, again.err
    for said in ("reached", "voicemail", "skipped", "refused row", "calls a second", "A conversation with", "agrees"):
        assert said in again.out
    assert f"agentalk serve --data-dir {place / 'data'}" in again.out
    organizations = command("organizations", "list", "--json", "--data-dir", place / "data").json
    assert [one["name"] for one in organizations["data"]] == ["Demo", "Demo"]


def test_people_of_your_own(place: Path) -> None:
    (place / "mine.csv").write_text(
        "phone;name;timeZone\n+12125550100;Ada;\n+442079460000;Bob;\n0161 496 0001;Cy;\n+61255500000;Di;\n"
    )

    done = agentalk("demo", "--contacts", place / "mine.csv", "--speed", 600, "--json", "--data-dir", place / "data")

    assert done.code == 0, done.err
    assert (done.json["rows"], done.json["refusedRows"], done.json["contacts"]) == (4, 1, 3)


def test_nobody_to_call(place: Path) -> None:
    (place / "mine.csv").write_text("phone\nnobody\n")

    done = agentalk("demo", "--contacts", place / "mine.csv", "--data-dir", place / "data")

    assert done.code == 1
    assert "None of 1 rows" in done.err


def test_it_keeps_out_of_data_that_is_not_its_own(place: Path) -> None:
    assert command("organizations", "create", "Acme", "--data-dir", place / "data").code == 0

    done = agentalk("demo", "--data-dir", place / "data")

    assert done.code == 1
    assert "not the demo's" in done.err


def test_an_interrupted_demo_leaves_nothing_running(place: Path) -> None:
    demo = start("demo", "--count", 48, "--speed", 1, "--data-dir", place / "data")
    assert demo.stdout
    while "in Los Angeles" not in demo.stdout.readline():
        assert demo.poll() is None
    demo.send_signal(signal.SIGINT)
    done = end(demo)

    assert done.code == 130
    assert "Traceback" not in done.err
