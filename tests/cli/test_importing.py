"""A CSV file goes to the server in chunks, and what it says of a row is told by the row's line in the file."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from agentalk.cli import importing
from agentalk.cli.client import Client
from agentalk.cli.exits import Failure
from agentalk.cli.importing import Import, import_file, write_refused
from tests.cli.canned import Answer, Asked, canned


def refuse_bad(asked: Asked) -> Answer:
    """As the server does: row 1 is the header."""
    rows = list(csv.reader(io.StringIO(asked.body.decode())))
    errors = [
        {"row": n, "field": "phone", "message": "is bad", "values": row}
        for n, row in enumerate(rows[1:], start=2)
        if "bad" in row
    ]
    taken = len(rows) - 1 - len(errors)
    counts = {"rows": len(rows) - 1, "created": taken, "updated": 0, "replaced": 0, "refused": len(errors)}
    return Answer(200, {**counts, "errors": errors})


async def imported(file: Path, most: int | None = None) -> tuple[Import, list[Asked], list[int]]:
    progress, positions = Import(size=1), []
    with canned(refuse_bad) as server:
        async with Client(server.url, "t") as client:
            async for latest in import_file(client, file, most, "US"):
                progress = latest
                positions.append(latest.position)
    return progress, server.asked, positions


async def test_chunks_with_the_header_above_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK_ROWS", 2)
    file = tmp_path / "people.csv"
    file.write_text('\ufeffid;phone\n1;good\n"2\nis a long id";bad\n\n3;good\n4;"bad"\n5;good\n', encoding="utf-8")

    progress, asked, positions = await imported(file)

    assert [one.body.decode().split("\r\n")[0] for one in asked] == ["id,phone"] * 3
    assert {one.path for one in asked} == {"/api/contacts/import?defaultCountry=US"}
    assert {one.headers["content-type"] for one in asked} == {"text/csv"}
    assert (progress.rows, progress.created, progress.refused) == (5, 3, 2)
    assert [(one.line, one.cells, one.reason) for one in progress.errors] == [
        (3, ["2\nis a long id", "bad"], "phone is bad"),
        (7, ["4", "bad"], "phone is bad"),
    ]
    assert positions == sorted(positions)
    assert positions[-1] == progress.size

    write_refused(progress, tmp_path / "refused.csv")
    with (tmp_path / "refused.csv").open(newline="") as refused:
        assert list(csv.reader(refused)) == [
            ["line", "reason", "id", "phone"],
            ["3", "phone is bad", "2\nis a long id", "bad"],
            ["7", "phone is bad", "4", "bad"],
        ]


async def test_no_more_than_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id,phone\n1,good\n2,good\n3,good\n")

    assert (await imported(file, most=2))[0].rows == 2


@pytest.mark.parametrize(
    ("content", "said"), [(b"id,phone\n1,\xff\n", "not UTF-8"), (b'id,phone\n1,"' + b"x" * 2_000_000, "not CSV")]
)
async def test_what_is_no_csv_file(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(content)

    with pytest.raises(Failure, match=said):
        await imported(file)


async def test_an_empty_file_is_the_servers_to_refuse(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("")
    detail: Any = {"detail": "The file is empty.", "code": "invalid"}
    with canned(lambda _: Answer(400, json.loads(json.dumps(detail)))) as server:
        async with Client(server.url, "t") as client:
            with pytest.raises(Failure, match="The file is empty"):
                async for _ in import_file(client, file):
                    pass
