"""Who is let in, as whom, and in which words the others are turned away."""

import itertools
from datetime import timedelta
from typing import Any

import httpx
import pytest

from agentalk.domain.organization import Role
from agentalk.operations import tokens
from agentalk.store import tokens as stored
from tests.api.serving import Api, fields, problem, serving
from tests.builders import a_token, an_agent, unknown_id
from tests.conftest import NOW, LazyDatabase


async def ask(api: Api, token: str | None, scheme: str = "Bearer", **headers: str) -> httpx.Response:
    if token is not None:
        headers["Authorization"] = f"{scheme} {token}"
    return await api.nobody.get("/api/agents", headers=headers)


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


@pytest.mark.parametrize(
    ("token", "scheme", "code"),
    [
        (None, "Bearer", "unauthenticated"),
        ("Bearer", "", "unauthenticated"),
        ("garbage", "Bearer", "unauthenticated"),
        ("a.b", "Bearer", "unauthenticated"),
        (f"{unknown_id()}.", "Bearer", "unauthenticated"),
        (f"{unknown_id()}", "Bearer", "unauthenticated"),
        (f"{unknown_id()}.agt_{'x' * 43}", "Bearer", "unauthenticated"),
        (f"{unknown_id()}.{'x' * 20_000}", "Bearer", "unauthenticated"),
        ("dXNlcjpwYXNz", "Basic", "unauthenticated"),
        ("\xff\xfe.\xe9", "Bearer", "unauthenticated"),
        (JWT, "Bearer", "jwt_not_accepted"),
    ],
    ids=itertools.count(),
)
async def test_no_valid_token_is_401(db: LazyDatabase, token: str | None, scheme: str, code: str) -> None:
    async with serving(db) as api:
        headers: Any = [] if token is None else [("Authorization", f"{scheme} {token}".strip().encode("latin-1"))]
        response = await api.nobody.get("/api/agents", headers=headers)

        assert problem(response, 401, code)
        assert response.headers["www-authenticate"] == "Bearer"
        assert "JWTs are not accepted" in response.text or code != "jwt_not_accepted"


async def test_an_unknown_organization_reads_like_a_wrong_secret(db: LazyDatabase) -> None:
    async with serving(db) as api:
        good = api.read.headers["Authorization"].removeprefix("Bearer ")
        secret = good.partition(".")[2]
        wrong = [
            f"{api.org}.agt_wrong",
            f"{unknown_id()}.{secret}",
            f"{unknown_id()}.agt_wrong",
            f"{api.other}.{secret}",
        ]

        told = [problem(await ask(api, token), 401, "unauthenticated")["detail"] for token in wrong]

        assert (await ask(api, good)).status_code == 200
        assert len(set(told)) == 1


async def test_the_work_does_not_tell_an_unknown_organization_either(
    db: LazyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    find = stored.find

    async def counted(*args: Any) -> Any:
        asked.append(args[1])
        return await find(*args)

    monkeypatch.setattr(stored, "find", counted)
    async with serving(db) as api:
        await ask(api, f"{unknown_id()}.agt_wrong")
        await ask(api, f"{api.org}.agt_wrong")

    assert len(asked) == 2
    assert asked[0] == asked[1]


async def test_a_revoked_token_is_out_at_once(db: LazyDatabase) -> None:
    async with serving(db) as api:
        made = (await api.admin.post("/api/tokens", json={"name": "short"})).json()
        assert (await ask(api, made["token"])).status_code == 200

        revoked = await api.admin.delete(f"/api/tokens/{made['id']}")

        assert revoked.json()["revokedAt"] is not None
        problem(await ask(api, made["token"]), 401, "token_revoked")


async def test_an_expired_token_is_out_at_its_time(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            token = (await a_token(tx, api.org, expires_at=NOW + timedelta(minutes=5))).token

        api.clock.forward(minutes=4, seconds=59)
        assert (await ask(api, token)).status_code == 200
        api.clock.forward(seconds=1)
        problem(await ask(api, token), 401, "token_expired")


async def test_two_authorization_fields_are_refused(db: LazyDatabase) -> None:
    async with serving(db) as api:
        good = api.read.headers["Authorization"]

        response = await api.nobody.get("/api/agents", headers=[("Authorization", good), ("Authorization", good)])

        assert fields(response) == ["authorization"]


async def test_the_organization_header(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            ours, theirs = await an_agent(tx, api.org), await an_agent(tx, api.other)

        async def seen(client: httpx.AsyncClient, org: object = None) -> set[str]:
            headers = {} if org is None else {"X-Organization-ID": str(org)}
            response = await client.get("/api/agents", headers=headers)
            return {agent["id"] for agent in response.json()["data"]}

        assert await seen(api.read) == {str(ours.id)}
        assert await seen(api.read, api.org) == {str(ours.id)}
        assert await seen(api.root) == {str(ours.id), str(theirs.id)}
        assert await seen(api.root, api.other) == {str(theirs.id)}
        for org in (api.other, unknown_id()):
            problem(await api.read.get("/api/agents", headers={"X-Organization-ID": str(org)}), 403, "forbidden")
        missing = await api.root.get("/api/agents", headers={"X-Organization-ID": str(unknown_id())})
        problem(missing, 404, "not_found")
        for malformed in ("", "acme", "{" + str(api.org)[1:], str(api.org) + "0", str(api.org).replace("-", "")):
            response = await api.read.get("/api/agents", headers={"X-Organization-ID": malformed})
            assert fields(response) == ["X-Organization-ID"]


async def test_a_superuser_creates_where_the_header_says(db: LazyDatabase) -> None:
    async with serving(db) as api:
        at_home = (await api.root.post("/api/agents", json={"name": "a"})).json()["id"]
        away = await api.root.post("/api/agents", json={"name": "b"}, headers={"X-Organization-ID": str(api.other)})

        assert (await api.read.get(f"/api/agents/{at_home}")).status_code == 200
        assert (await api.stranger.get(f"/api/agents/{away.json()['id']}")).status_code == 200


async def test_roles_include_those_before(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for client, write, administer in ((api.read, 403, 403), (api.write, 201, 403), (api.admin, 201, 201)):
            assert (await client.get("/api/agents")).status_code == 200
            assert (await client.post("/api/agents", json={"name": "a"})).status_code == write
            assert (await client.post("/api/tokens", json={"name": "a"})).status_code == administer
        problem(await api.read.post("/api/agents", json={"name": "a"}), 403, "role_missing")


async def test_a_role_is_checked_before_the_body_is_read(db: LazyDatabase) -> None:
    async with serving(db) as api:
        problem(await api.read.post("/api/agents", content=b"x" * 100_000), 403, "role_missing")


async def test_last_use_is_noted_once_a_minute(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            token = await a_token(tx, api.org, Role.READ)

        async def used() -> object:
            await ask(api, token.token)
            await api.app.state.door.usage.settle()
            async with api.database.reading() as tx:
                return (await tokens.get(tx, api.org, token.id)).last_used_at

        first = api.clock.forward(seconds=1)
        assert await used() == first
        api.clock.forward(seconds=59)
        assert await used() == first
        later = api.clock.forward(seconds=1)
        assert await used() == later
