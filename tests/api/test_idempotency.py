"""A POST with an Idempotency-Key happens once, however often it is sent."""

import asyncio
from typing import Any

import httpx
import pytest

from agentalk.domain.errors import Conflict
from agentalk.operations import agents
from agentalk.store import idempotency as stored
from tests.api.serving import Api, fields, problem, serving
from tests.conftest import LazyDatabase


async def create(api: Api, key: str | None, name: str = "a", client: httpx.AsyncClient | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await (client or api.write).post("/api/agents", json={"name": name}, headers=headers)


async def count(api: Api) -> int:
    return int((await api.read.get("/api/agents")).json()["pagination"]["total"])


async def test_the_first_answer_is_replayed(db: LazyDatabase) -> None:
    async with serving(db) as api:
        first, again = await create(api, "k"), await create(api, "k")

        assert first.status_code == again.status_code == 201
        assert first.content == again.content
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert await count(api) == 1


async def test_without_a_key_everything_happens(db: LazyDatabase) -> None:
    async with serving(db) as api:
        await create(api, None)
        await create(api, None)

        assert await count(api) == 2


async def test_another_request_under_the_key_is_409(db: LazyDatabase) -> None:
    async with serving(db) as api:
        await create(api, "k")

        problem(await create(api, "k", "b"), 409, "idempotency_key_reused")
        other_path = await api.admin.post("/api/tokens", json={"name": "a"}, headers={"Idempotency-Key": "k"})
        problem(other_path, 409, "idempotency_key_reused")


async def test_organizations_do_not_share_keys(db: LazyDatabase) -> None:
    async with serving(db) as api:
        ours, theirs = await create(api, "k"), await create(api, "k", client=api.stranger)

        assert theirs.status_code == 201
        assert ours.json()["id"] != theirs.json()["id"]


async def test_a_refusal_is_an_answer_too(db: LazyDatabase) -> None:
    async with serving(db) as api:

        async def superuser_token() -> httpx.Response:
            body = {"name": "a", "superuser": True}
            return await api.admin.post("/api/tokens", json=body, headers={"Idempotency-Key": "k"})

        first, again = await superuser_token(), await superuser_token()

        problem(first, 403, "superuser_required")
        assert again.status_code == 403
        assert again.headers["content-type"] == "application/problem+json"
        assert again.content == first.content


async def test_what_a_refused_request_had_done_is_undone(db: LazyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    make = agents.create

    async def half(*args: Any) -> None:
        await make(*args)
        raise Conflict("Not today.")

    async with serving(db) as api:
        with monkeypatch.context() as patched:
            patched.setattr(agents, "create", half)
            problem(await create(api, "k"), 409, "conflict")

        assert await count(api) == 0
        assert "Not today" in (await create(api, "k")).text


async def test_another_organization_asked_for_is_another_request(db: LazyDatabase) -> None:
    async with serving(db) as api:
        await create(api, "k", client=api.root)
        headers = {"Idempotency-Key": "k", "X-Organization-ID": str(api.org)}

        named = await api.root.post("/api/agents", json={"name": "a"}, headers=headers)

        problem(named, 409, "idempotency_key_reused")


async def test_a_malformed_request_uses_up_no_key(db: LazyDatabase) -> None:
    async with serving(db) as api:
        assert fields(await create(api, "k", name="")) == ["name"]
        assert (await create(api, "k")).status_code == 201


async def test_it_is_forgotten_after_a_day(db: LazyDatabase) -> None:
    async with serving(db) as api:
        await create(api, "k")
        api.clock.forward(hours=23, minutes=59)
        await create(api, "k")
        assert await count(api) == 1

        api.clock.forward(minutes=1)
        await create(api, "k")
        assert await count(api) == 2


async def test_old_answers_are_swept_out(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for i in range(5):
            await create(api, f"old-{i}")
        api.clock.forward(hours=25)
        await create(api, "new")

        async with api.database.reading() as tx:
            cursor = await tx.execute("SELECT key FROM idempotency_keys")
            assert await cursor.fetchall() == [("new",)]


async def test_while_the_first_is_running_the_second_is_told_to_wait(
    db: LazyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()
    make = agents.create

    async def slow(*args: Any) -> Any:
        entered.set()
        await go_on.wait()
        return await make(*args)

    monkeypatch.setattr(agents, "create", slow)
    async with serving(db) as api:
        first = asyncio.create_task(create(api, "k"))
        await entered.wait()

        waiting = await create(api, "k")
        go_on.set()

        problem(waiting, 409, "idempotency_in_flight")
        assert waiting.headers["retry-after"] == "1"
        assert (await first).status_code == 201
        assert (await create(api, "k")).content == (await first).content
        assert await count(api) == 1


async def test_many_at_once_do_the_work_once(db: LazyDatabase) -> None:
    async with serving(db) as api:
        answers = await asyncio.gather(*(create(api, "k") for _ in range(20)))

        done = {answer.content for answer in answers if answer.status_code == 201}
        assert len(done) == 1
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert await count(api) == 1


async def test_the_answer_is_kept_with_the_work_or_neither_is(
    db: LazyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("the disk is full")

    async with serving(db) as api:
        with monkeypatch.context() as patched:
            patched.setattr(stored, "keep", broken)
            problem(await create(api, "k"), 500, "internal")

        assert await count(api) == 0
        assert (await create(api, "k")).status_code == 201


async def test_a_secret_is_not_kept(db: LazyDatabase) -> None:
    async with serving(db) as api:

        async def token() -> Any:
            return (await api.admin.post("/api/tokens", json={"name": "a"}, headers={"Idempotency-Key": "k"})).json()

        first, again = await token(), await token()

        assert first["token"].startswith(f"{api.org}.agt_")
        assert again == {**first, "token": None}
        async with api.database.reading() as tx:
            cursor = await tx.execute("SELECT response FROM idempotency_keys")
            assert b"agt_" not in b"".join(row[0] for row in await cursor.fetchall())


async def test_a_key_is_plain_and_short(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for key in ("a b", "x" * 201, ""):
            assert fields(await create(api, key)) == ["Idempotency-Key"]
