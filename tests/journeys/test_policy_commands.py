"""Who is not called, and why: by the program's own commands, against a running server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.furnished import PEOPLE, Furnished, furnished
from tests.journeys.program import Done, command


@pytest.fixture
def api(dsn: str) -> Iterator[Furnished]:
    with furnished(dsn) as server:
        yield server


def told(api: Furnished, *arguments: object) -> Done:
    """A command that did what it was asked."""
    done = api.serving.command(*arguments)
    assert done.code == 0, done.err
    return done


def test_numbers_are_kept_from_being_called_and_it_is_said_why(api: Furnished, tmp_path: Path) -> None:
    def run(*arguments: object) -> Any:
        return told(api, "do-not-call", *arguments, "--json").json

    api.client.post(f"/api/campaigns/{api.active}/contacts", json={"contactIds": ["bob", "cy"]})
    assert run("add", PEOPLE["ada"])["skipped"] == 1
    file = tmp_path / "numbers.csv"
    file.write_text("phone\n020 7946 0000\nnone\n")
    assert run("import", file, "--country", "GB")["skipped"] == 1
    registry = run("create-registry", "FTC", "--jurisdiction", "US", "--as-of", "2026-01-01")["id"]
    assert run("import", file, "--list", registry, "--country", "GB", "--as-of", "2026-02-01")["refused"] == 1
    assert {one["list"]["kind"] for one in run("check", PEOPLE["bob"])["lists"]} == {"organization", "registry"}
    assert {one["asOf"] for one in run("lists")["data"]} == {None, "2026-02-01"}
    assert run("opt-out", "--contact", "cy")["phone"] == PEOPLE["cy"]
    assert [one["phone"] for one in run("opt-outs")["data"]] == [PEOPLE["cy"]]

    preview = told(api, "campaigns", "preview", api.active)
    assert "nobody is left to call" in preview.out
    assert "do not call" in preview.out
    assert "opted out" in preview.out
    assert told(api, "campaigns", "preview", api.active, "--json").json["callable"] == 0
    explained = told(api, "explain", api.active, "cy")
    assert "asked not to be called" in explained.out
    assert told(api, "explain", api.active, "cy", "--json").json["rule"] == "opted_out"

    told(api, "do-not-call", "remove", PEOPLE["ada"])
    told(api, "do-not-call", "opt-in", PEOPLE["cy"])
    assert run("check", PEOPLE["cy"])["optOut"] is None
    assert api.client.get("/api/audit-log").json()["pagination"]["total"] == 4


def test_a_start_says_what_is_to_be_expected(api: Furnished) -> None:
    api.client.post(f"/api/campaigns/{api.draft}/contacts", json={"contactIds": ["ada", "bob"]})
    assert "2 to be called" in told(api, "campaigns", "start", api.draft).out
    again = told(api, "campaigns", "start", api.draft, "--json").json
    assert again["status"] == "active"


def test_what_is_kept_long_enough_is_forgotten(api: Furnished) -> None:
    for options in (["--dry-run"], []):
        done = command("db", "purge", *options, "--json", DATABASE_URL=api.database_url)
        assert done.json == {"dryRun": bool(options), "calls": 0, "reports": 0, "answers": 0}, done.err
