"""Organizations, their tokens and their carriers over HTTP."""

from typing import Any

import httpx

from tests.api.serving import Api, fields, problem, serving
from tests.builders import unknown_id
from tests.conftest import LazyDatabase


async def names(client: httpx.AsyncClient, **headers: str) -> list[str]:
    return [row["name"] for row in (await client.get("/api/organizations", headers=headers)).json()["data"]]


async def test_each_sees_its_own_and_a_superuser_all(db: LazyDatabase) -> None:
    async with serving(db) as api:
        assert await names(api.read) == ["Acme"]
        assert await names(api.stranger) == ["Other"]
        assert sorted(await names(api.root)) == ["Acme", "Other"]
        assert await names(api.root, **{"X-Organization-ID": str(api.other)}) == ["Other"]
        assert (await api.read.get(f"/api/organizations/{api.org}")).json()["name"] == "Acme"
        problem(await api.read.get(f"/api/organizations/{api.other}"), 404, "not_found")
        problem(await api.root.get(f"/api/organizations/{unknown_id()}"), 404, "not_found")


async def test_a_superuser_makes_one_with_a_carrier_and_a_token(db: LazyDatabase) -> None:
    async with serving(db) as api:
        problem(await api.admin.post("/api/organizations", json={"name": "New"}), 403, "superuser_required")
        made = await api.root.post("/api/organizations", json={"name": "New", "maxConcurrency": 7})

        assert made.status_code == 201
        assert made.json()["maxConcurrency"] == 7
        into = {"X-Organization-ID": made.json()["id"]}
        (carrier,) = (await api.root.get("/api/carriers", headers=into)).json()["data"]
        assert (carrier["kind"], carrier["isDefault"]) == ("simulator", True)
        assert (carrier["maxLiveCalls"], carrier["callsPerSecond"]) == (100, 10.0)
        token = (await api.root.post("/api/tokens", json={"name": "first", "role": "admin"}, headers=into)).json()
        assert token["organizationId"] == made.json()["id"]
        headers = {"Authorization": f"Bearer {token['token']}"}
        assert (await api.nobody.get("/api/organizations", headers=headers)).json()["data"] == [made.json()]


async def test_an_admin_changes_its_own(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path = f"/api/organizations/{api.org}"
        problem(await api.write.patch(path, json={"name": "x"}), 403, "role_missing")
        problem(await api.stranger.patch(path, json={"name": "x"}), 404, "not_found")

        changed = (await api.admin.patch(path, json={"maxConcurrency": 0})).json()
        assert (changed["name"], changed["maxConcurrency"]) == ("Acme", 0)
        for wrong in ({"maxConcurrency": -1}, {"maxConcurrency": 100_001}, {"name": ""}, {"name": None}, {"id": "x"}):
            assert fields(await api.admin.patch(path, json=wrong)) == [*wrong]
        stale = await api.admin.patch(path, json={"name": "x"}, headers={"If-Match": '"2020-01-01T00:00:00Z"'})
        problem(stale, 412, "stale")


async def test_a_carriers_limits(db: LazyDatabase) -> None:
    async with serving(db) as api:
        (carrier,) = (await api.read.get("/api/carriers")).json()["data"]
        path = f"/api/carriers/{carrier['id']}"
        assert (await api.read.get(path)).json() == carrier

        api.clock.forward(seconds=1)
        changed = (await api.admin.patch(path, json={"maxLiveCalls": 5, "callsPerSecond": 0.5})).json()
        assert changed == {**carrier, "maxLiveCalls": 5, "callsPerSecond": 0.5, "updatedAt": "2026-03-04T15:00:01Z"}
        problem(await api.write.patch(path, json={"maxLiveCalls": 5}), 403, "role_missing")
        problem(await api.stranger.patch(path, json={"maxLiveCalls": 5}), 404, "not_found")
        problem(await api.stranger.get(path), 404, "not_found")
        stale = await api.admin.patch(path, json={}, headers={"If-Match": f'"{carrier["updatedAt"]}"'})
        problem(stale, 412, "stale")
        for wrong in ({"maxLiveCalls": 1.5}, {"callsPerSecond": -0.1}, {"callsPerSecond": 1e300}, {"kind": "twilio"}):
            assert fields(await api.admin.patch(path, json=wrong)) == [*wrong]


async def make_token(api: Api, client: httpx.AsyncClient | None = None, **body: Any) -> httpx.Response:
    return await (client or api.admin).post("/api/tokens", json={"name": "t", **body})


async def test_a_tokens_secret_is_shown_once(db: LazyDatabase) -> None:
    async with serving(db) as api:
        response = await make_token(api, role="read", expiresAt="2026-03-05T00:00:00+01:00")
        assert response.headers["cache-control"] == "no-store"
        made = response.json()
        secret = made.pop("token")

        assert secret.startswith(f"{api.org}.agt_")
        assert (made["role"], made["superuser"], made["expiresAt"]) == ("read", False, "2026-03-04T23:00:00Z")
        assert (await api.admin.get(f"/api/tokens/{made['id']}")).json() == made
        listed = (await api.admin.get("/api/tokens")).json()
        assert made in listed["data"]
        assert listed["pagination"]["total"] == 5
        async with api.database.reading() as tx:
            cursor = await tx.execute("SELECT tokens::text FROM tokens")
            assert not any(secret.partition(".")[2] in row[0] for row in await cursor.fetchall())


async def test_no_token_gives_more_than_its_maker_has(db: LazyDatabase) -> None:
    async with serving(db) as api:
        problem(await make_token(api, superuser=True), 403, "superuser_required")
        problem(await make_token(api, api.write), 403, "role_missing")
        assert (await make_token(api, api.root, superuser=True, role="admin")).json()["superuser"] is True
        assert (await make_token(api, role="admin")).status_code == 201


async def test_wrong_tokens_are_refused_by_field(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for wrong in (
            {"role": "owner"},
            {"role": None},
            {"superuser": "yes"},
            {"superuser": 1},
            {"expiresAt": "tomorrow"},
            {"expiresAt": "2026-03-05T00:00:00"},
            {"expiresAt": "2026-03-04T14:59:59Z"},
            {"expiresAt": "0001-01-01T00:00:00+14:00"},
            {"expiresAt": "9999-12-31T23:59:59-14:00"},
            {"expiresAt": 1_800_000_000},
        ):
            assert fields(await make_token(api, **wrong)) == [*wrong], wrong


async def test_tokens_of_others_are_not_there(db: LazyDatabase) -> None:
    async with serving(db) as api:
        id = (await make_token(api)).json()["id"]

        problem(await api.stranger.get(f"/api/tokens/{id}"), 404, "not_found")
        problem(await api.stranger.delete(f"/api/tokens/{id}"), 404, "not_found")
        problem(await api.write.delete(f"/api/tokens/{id}"), 403, "role_missing")
        first = (await api.admin.delete(f"/api/tokens/{id}")).json()["revokedAt"]
        api.clock.forward(seconds=5)
        assert (await api.admin.delete(f"/api/tokens/{id}")).json()["revokedAt"] == first


async def test_a_policy_is_checked_kept_and_written_down(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path = f"/api/organizations/{api.org}"
        policy = {"purpose": "survey", "frequency": [{"scope": "phone", "max": 1, "hours": 24.0}]}
        changed = (await api.admin.patch(path, json={"policy": policy})).json()

        assert changed["policy"].items() >= policy.items()
        assert changed["policy"]["retentionDays"] is None
        assert (await api.read.get(path)).json() == changed
        renamed = (await api.admin.patch(path, json={"name": "Ours"})).json()
        assert renamed["policy"] == changed["policy"]
        for wrong, field in (
            ({"purpose": "fun"}, "policy.purpose"),
            ({"minRingSeconds": 5}, "policy.minRingSeconds"),
            ({"jurisdictions": ["US", "mars"]}, "policy.jurisdictions[1]"),
            ({"retentionDays": 30}, "policy.retentionDays"),
        ):
            assert fields(await api.admin.patch(path, json={"policy": wrong})) == [field]
        (entry,) = (await api.admin.get("/api/audit-log")).json()["data"]
        assert (entry["action"], entry["data"]["policy"]) == ("organization.policy_changed", changed["policy"])
