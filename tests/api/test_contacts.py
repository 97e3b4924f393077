"""Contacts over HTTP: made, put under the caller's own id, changed, listed, forgotten."""

import asyncio
from typing import Any

import pytest

from tests.api.serving import fields, problem, serving
from tests.builders import a_contact, unknown_id
from tests.conftest import LazyDatabase

ADA: dict[str, Any] = {
    "phone": "+14155550123",
    "name": "Ada",
    "timeZone": "America/Los_Angeles",
    "address": {"country": "US", "region": "CA", "postalCode": "94105"},
    "language": "en",
    "attributes": {"plan": "pro", "visits": 3, "tags": ["a", {"b": None}]},
    "consent": {"type": "written", "capturedAt": "2026-01-01T00:00:00Z", "evidence": "form 12", "expiresAt": None},
}


async def test_a_put_makes_and_then_replaces(db: LazyDatabase) -> None:
    async with serving(db) as api:
        made = await api.write.put("/api/contacts/crm-4711", json=ADA)
        assert made.status_code == 201
        assert made.json() == {
            "id": "crm-4711",
            **ADA,
            "phoneInvalidAt": None,
            "createdAt": "2026-03-04T15:00:00Z",
            "updatedAt": "2026-03-04T15:00:00Z",
        }
        api.clock.forward(seconds=5)
        replaced = await api.write.put("/api/contacts/crm-4711", json={"phone": "+442071838750"})
        assert replaced.status_code == 200
        assert replaced.json() == {
            **made.json(),
            **dict.fromkeys(ADA),
            "phone": "+442071838750",
            "attributes": {},
            "updatedAt": "2026-03-04T15:00:05Z",
        }
        assert (await api.read.get("/api/contacts/crm-4711")).json() == replaced.json()


async def test_a_post_makes_the_id(db: LazyDatabase) -> None:
    async with serving(db) as api:
        made = (await api.write.post("/api/contacts", json=ADA)).json()
        other = (await api.write.post("/api/contacts", json={})).json()

        assert {**made, **ADA} == made
        assert other["phone"] is None
        assert made["id"] != other["id"]
        assert (await api.read.get(f"/api/contacts/{made['id']}")).json() == made


@pytest.mark.parametrize(
    ("given", "phone"),
    [
        ({"phone": "+1 (415) 555-0123"}, "+14155550123"),
        ({"phone": "0171 2345678", "address": {"country": "DE"}}, "+491712345678"),
        ({"phone": "020 7183 8750", "address": {"country": "gb"}}, "+442071838750"),
    ],
)
async def test_a_phone_is_kept_in_e164(db: LazyDatabase, given: dict[str, Any], phone: str) -> None:
    async with serving(db) as api:
        assert (await api.write.post("/api/contacts", json=given)).json()["phone"] == phone


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": "4155550123"}, "phone"),
        ({"phone": "+1 415 555 0123 ext. 5"}, "phone"),
        ({"phone": "+49" + "1" * 15}, "phone"),
        ({"phone": "+1" * 60}, "phone"),
        ({"phone": 14155550123}, "phone"),
        ({"timeZone": "Pacific"}, "timeZone"),
        ({"timeZone": ""}, "timeZone"),
        ({"address": {"country": "USA"}}, "address.country"),
        ({"address": {"street": "1 Main"}}, "address.street"),
        ({"attributes": ["pro"]}, "attributes"),
        ({"attributes": {"a": {"b": "nul\0"}}}, "attributes.a.b"),
        ({"name": "x" * 201}, "name"),
        ({"consent": {**ADA["consent"], "type": "implied"}}, "consent.type"),
        ({"consent": {**ADA["consent"], "capturedAt": "2026-01-01T00:00:00"}}, "consent.capturedAt"),
        ({"consent": {**ADA["consent"], "capturedAt": "2999-01-01T00:00:00Z"}}, "consent.capturedAt"),
        ({"consent": {**ADA["consent"], "expiresAt": "2025-01-01T00:00:00Z"}}, "consent.expiresAt"),
        ({"consent": {**ADA["consent"], "evidence": " "}}, "consent.evidence"),
        ({"consent": {"type": "written"}}, "consent.capturedAt"),
        ({"id": "mine"}, "id"),
    ],
)
async def test_what_is_wrong_is_named(db: LazyDatabase, body: dict[str, Any], field: str) -> None:
    async with serving(db) as api:
        assert fields(await api.write.post("/api/contacts", json=body)) == [field]
        assert fields(await api.write.put("/api/contacts/x", json=body)) == [field]
        problem(await api.read.get("/api/contacts/x"), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "field"), [("a%0Ab", "id"), ("%C2%80", "id"), ("a%00b", "contact_id"), ("x" * 201, "id")]
)
async def test_an_id_that_cannot_be_is_refused(db: LazyDatabase, path: str, field: str) -> None:
    async with serving(db) as api:
        assert fields(await api.write.put(f"/api/contacts/{path}", json={})) == [field]


async def test_an_id_may_be_in_any_script(db: LazyDatabase) -> None:
    async with serving(db) as api:
        assert (await api.write.put("/api/contacts/Zoë №7", json={})).json()["id"] == "Zoë №7"
        assert (await api.read.get("/api/contacts/Zoë №7")).status_code == 200


async def test_a_change_touches_only_what_it_names(db: LazyDatabase) -> None:
    async with serving(db) as api:
        made = (await api.write.put("/api/contacts/ada", json=ADA)).json()
        changes: list[dict[str, Any]] = [
            {"name": None},
            {"attributes": {}},
            {"phone": "(212) 555-0199"},
            {"timeZone": None},
            {},
        ]
        for change in changes:
            changed = await api.write.patch("/api/contacts/ada", json=change)
            made = {**made, **change} | ({"phone": "+12125550199"} if "phone" in change else {})
            assert changed.json() == made
        problem(await api.write.patch("/api/contacts/eve", json={}), 404, "not_found")
        assert fields(await api.write.patch("/api/contacts/ada", json={"attributes": None})) == ["attributes"]


async def test_a_change_of_what_has_changed_is_refused(db: LazyDatabase) -> None:
    async with serving(db) as api:
        tag = {"If-Match": (await api.write.put("/api/contacts/ada", json=ADA)).headers["etag"]}
        api.clock.forward(seconds=1)
        assert (await api.write.put("/api/contacts/ada", json={"name": "A"}, headers=tag)).status_code == 200
        for method in ("PUT", "PATCH"):
            problem(await api.write.request(method, "/api/contacts/ada", json={}, headers=tag), 412, "stale")
        problem(await api.write.put("/api/contacts/eve", json={}, headers=tag), 412, "stale")


async def test_a_deleted_contact_is_gone_and_may_be_made_anew(db: LazyDatabase) -> None:
    async with serving(db) as api:
        await api.write.put("/api/contacts/ada", json=ADA)
        assert (await api.write.delete("/api/contacts/ada")).status_code == 204
        for method in ("GET", "PATCH", "DELETE"):
            body: dict[str, Any] | None = {} if method == "PATCH" else None
            problem(await api.write.request(method, "/api/contacts/ada", json=body), 404, "not_found")
        assert (await api.read.get("/api/contacts")).json()["pagination"]["total"] == 0
        async with api.database.reading() as tx:
            row = await (await tx.execute("SELECT phone, name, attributes::text, zones FROM contacts")).fetchone()
        assert row == (None, None, "{}", "")
        api.clock.forward(seconds=1)
        anew = await api.write.put("/api/contacts/ada", json={})
        assert (anew.status_code, anew.json()["createdAt"]) == (201, "2026-03-04T15:00:01Z")


async def test_one_of_many_concurrent_puts_makes_it(db: LazyDatabase) -> None:
    async with serving(db) as api:
        puts = [api.write.put("/api/contacts/ada", json=ADA) for _ in range(8)]
        assert sorted(response.status_code for response in await asyncio.gather(*puts)) == [200] * 7 + [201]


async def test_the_list_is_newest_first_and_filters_by_phone(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for i in range(5):
            await api.write.put(f"/api/contacts/c{i}", json={"phone": f"+141555501{i % 2:02d}"})
        async with api.database.transaction() as tx:
            await a_contact(tx, api.other, "theirs")
        page = (await api.read.get("/api/contacts", params={"limit": 2})).json()
        rest = (await api.read.get("/api/contacts", params={"cursor": page["pagination"]["cursor"]})).json()

        assert [row["id"] for row in page["data"] + rest["data"]] == ["c4", "c3", "c2", "c1", "c0"]
        assert page["pagination"]["total"] == rest["pagination"]["total"] == 5
        for written in ("+14155550101", "%2B14155550101", "14155550101"):
            found = (await api.read.get(f"/api/contacts?phone={written}")).json()
            assert [row["id"] for row in found["data"]] == ["c3", "c1"]
        assert fields(await api.read.get("/api/contacts?phone=ada")) == ["phone"]


async def test_another_organizations_contact_is_not_there(db: LazyDatabase) -> None:
    async with serving(db) as api:
        await api.write.put("/api/contacts/ada", json=ADA)
        for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
            problem(await api.stranger.request(method, "/api/contacts/ada", json=body), 404, "not_found")
        assert (await api.stranger.put("/api/contacts/ada", json={})).status_code == 201
        assert (await api.read.get("/api/contacts/ada")).json()["name"] == "Ada"
        assert (await api.root.get("/api/contacts")).json()["pagination"]["total"] == 2
        problem(await api.read.get(f"/api/contacts/{unknown_id()}"), 404, "not_found")
