"""What fails on our side is told without its details, and every code is documented."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import agentalk
from agentalk.api.codes import CODES
from agentalk.api.errors import STATUS, status_of
from agentalk.domain.errors import Refusal
from agentalk.operations import agents
from tests.api.serving import problem, serving
from tests.builders import a_call, a_campaign, a_contact
from tests.conftest import NOW, LazyDatabase


async def test_a_failure_is_500_without_its_details(db: LazyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(agents, "page", broken)
    async with serving(db) as api:
        response = await api.read.get("/api/agents", headers={"X-Request-ID": "r-1"})

        assert problem(response, 500, "internal")["requestId"] == "r-1"
        assert "secret" not in response.text
        assert "Traceback" not in response.text


async def test_a_failure_is_logged_with_the_request_id(
    db: LazyDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(agents, "page", broken)
    async with serving(db) as api:
        await api.read.get("/api/agents", headers={"X-Request-ID": "r-1"})

    logged = capsys.readouterr().out
    assert "r-1" in logged
    assert "secret detail" in logged


async def test_a_database_that_is_away_is_503(db: LazyDatabase) -> None:
    async with serving(db) as api:
        await api.database.close()

        for response in (await api.read.get("/api/agents"), await api.write.post("/api/agents", json={"name": "a"})):
            problem(response, 503, "unavailable")
            assert response.headers["retry-after"] == "2"
        assert (await api.nobody.get("/healthz")).status_code == 200
        problem(await api.nobody.get("/readyz"), 503, "unavailable")


async def test_ready_is_a_database_that_is_migrated(db: LazyDatabase) -> None:
    async with serving(db) as api:
        assert (await api.nobody.get("/readyz")).json() == {"status": "ready", "stuckCalls": 0}
        for lacking in ("DELETE FROM migrations", "DROP TABLE migrations"):
            async with api.database.transaction() as tx:
                await tx.execute(lacking.encode())
            assert "db migrate" in problem(await api.nobody.get("/readyz"), 503, "unavailable")["detail"]


async def test_calls_that_nobody_learns_about_are_told_with_ready(db: LazyDatabase) -> None:
    a_while_ago, just_now = NOW - timedelta(seconds=61), NOW - timedelta(seconds=59)
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            campaign = await a_campaign(tx, api.org)
            for asked, columns in (
                (NOW, {"status": "uncertain", "dialed_at": a_while_ago, "uncertain_at": a_while_ago}),
                (a_while_ago, {"status": "ringing", "dialed_at": a_while_ago}),
                (NOW, {"status": "uncertain", "dialed_at": a_while_ago, "uncertain_at": just_now}),
                (just_now, {"status": "ringing", "dialed_at": a_while_ago}),
                (None, {"status": "released"}),
            ):
                await a_call(tx, api.org, campaign, await a_contact(tx, api.org), check_at=asked, **columns)
        answer = await api.nobody.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ready", "stuckCalls": 2})


def refusals(base: type[Refusal] = Refusal) -> list[type[Refusal]]:
    return [kind for child in base.__subclasses__() for kind in (child, *refusals(child))]


def test_every_refusal_has_a_status() -> None:
    assert set(STATUS) <= set(refusals())
    for kind in refusals():
        assert any(ancestor in STATUS for ancestor in kind.__mro__), kind


def test_a_refusals_nearest_ancestor_decides() -> None:
    class Odd(Refusal):
        pass

    for kind, status in STATUS.items():
        child = type("Child", (kind,), {"__init__": lambda self: None})
        assert status_of(child()) == status
    with pytest.raises(StopIteration):
        status_of(Odd("nothing"))


def test_every_code_is_documented() -> None:
    source = Path(agentalk.__file__).parent
    text = "\n".join(
        path.read_text() for room in ("api", "operations", "domain") for path in (source / room).glob("*.py")
    )
    used = set(re.findall(r'\bcode ?= ?"(\w+)"', text)) - {"refused"}

    assert used <= set(CODES)
    assert set(CODES) - used <= {"internal"}
