"""Do-not-call lists over HTTP: made, filled, looked into, and what is taken off them is written down."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.serving import Api, fields, problem, serving
from tests.builders import a_call, a_campaign, a_campaign_contact, a_contact
from tests.conftest import NOW, LazyDatabase

PHONE, OTHER = "+12125550100", "+12125550101"
OWN = {"kind": "organization", "name": "Ours"}
REGISTRY = {"kind": "registry", "name": "FTC", "jurisdiction": "US", "purposes": ["marketing"], "asOf": "2026-03-01"}


async def a_list(api: Api, **said: Any) -> str:
    made = await api.write.post("/api/do-not-call/lists", json=said)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def send(api: Api, list_id: str, content: str, media_type: str = "text/csv", **query: Any) -> httpx.Response:
    path, headers = f"/api/do-not-call/lists/{list_id}/import", {"Content-Type": media_type}
    return await api.write.post(path, content=content.encode(), headers=headers, params=query)


async def numbers(api: Api, list_id: str) -> list[str]:
    page = (await api.read.get(f"/api/do-not-call/lists/{list_id}/numbers")).json()
    assert page["pagination"]["total"] == len(page["data"])
    return [one["phone"] for one in page["data"]]


async def test_a_registry_is_made_shown_and_listed(db: LazyDatabase) -> None:
    async with serving(db) as api:
        id = await a_list(api, **REGISTRY)
        own = await a_list(api, **OWN)
        shown = (await api.read.get(f"/api/do-not-call/lists/{id}")).json()
        assert shown.items() >= {**REGISTRY, "campaignId": None}.items()
        listed = (await api.read.get("/api/do-not-call/lists")).json()["data"]
        assert {one["id"] for one in listed} == {own, id}
        only = (await api.read.get("/api/do-not-call/lists", params={"kind": "registry"})).json()
        assert [one["id"] for one in only["data"]] == [id]
        problem(await api.stranger.get(f"/api/do-not-call/lists/{id}"), 404, "not_found")


async def test_an_organization_has_one_list_of_its_own(db: LazyDatabase) -> None:
    async with serving(db) as api:
        await a_list(api, **OWN)
        problem(await api.write.post("/api/do-not-call/lists", json=OWN), 409, "list_exists")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"kind": "registry", "name": "x", "asOf": "2026-03-01"}, "jurisdiction"),
        ({"kind": "registry", "name": "x", "jurisdiction": "US"}, "asOf"),
        ({**REGISTRY, "jurisdiction": "usa"}, "jurisdiction"),
        ({**REGISTRY, "asOf": "2026-03-09"}, "asOf"),
        ({**REGISTRY, "kind": "organization"}, "jurisdiction"),
        ({**OWN, "purposes": ["debt"]}, "purposes"),
        ({**OWN, "campaignId": str(uuid4())}, "campaignId"),
        ({"kind": "campaign", "name": "x"}, "campaignId"),
        ({"kind": "campaign", "name": "x", "campaignId": str(uuid4())}, "campaignId"),
    ],
)
async def test_what_is_no_list_is_refused(db: LazyDatabase, said: dict[str, Any], field: str) -> None:
    async with serving(db) as api:
        assert fields(await api.write.post("/api/do-not-call/lists", json=said)) == [field]


async def test_added_numbers_take_effect_at_once(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            campaigns = [await a_campaign(tx, api.org, status="active") for _ in range(2)]
            for id, phone in (("ada", PHONE), ("bob", OTHER)):
                contact = await a_contact(tx, api.org, id, phone=phone)
                for campaign in campaigns:
                    calling = id == "ada" and campaign == campaigns[0]
                    status = "calling" if calling else "pending"
                    await a_campaign_contact(tx, api.org, campaign, contact, status=status)
                    if calling:
                        await a_call(tx, api.org, campaign, contact)
        own = await a_list(api, **OWN)
        path = f"/api/do-not-call/lists/{own}/numbers"
        told = (
            await api.write.post(path, json={"phones": [PHONE, "+1 (212) 555-0100", "12", OTHER[:-1] + "9"]})
        ).json()

        assert [error["row"] for error in told.pop("errors")] == [3]
        assert told == {"rows": 4, "added": 2, "known": 1, "refused": 1, "released": 1, "skipped": 2}
        for campaign in campaigns:
            rows = (await api.read.get(f"/api/campaigns/{campaign}/contacts")).json()["data"]
            assert {row["contactId"]: (row["status"], row["skipReason"]) for row in rows} == {
                "ada": ("skipped", "do_not_call"),
                "bob": ("pending", None),
            }
            happened = (await api.read.get(f"/api/campaigns/{campaign}/events")).json()["data"]
            assert [(event["type"], event["data"]["skipReason"]) for event in happened] == [
                ("contact.skipped", "do_not_call")
            ]


async def test_a_campaigns_list_is_for_that_campaign(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            one, two = [await a_campaign(tx, api.org, status="active") for _ in range(2)]
            contact = await a_contact(tx, api.org, "ada", phone=PHONE)
            for campaign in (one, two):
                await a_campaign_contact(tx, api.org, campaign, contact)
        list_id = await a_list(api, kind="campaign", name="Spring", campaignId=str(one))
        told = (await send(api, list_id, PHONE)).json()

        assert (told["added"], told["skipped"]) == (1, 1)
        (row,) = (await api.read.get(f"/api/campaigns/{two}/contacts")).json()["data"]
        assert row["status"] == "pending"


async def test_good_rows_are_taken_and_bad_ones_come_back(db: LazyDatabase) -> None:
    async with serving(db) as api:
        own = await a_list(api, **OWN)
        file = "name;Phone\nAda;212 555 0100\n;\nBob;12\nCy;+442079460000\nDee;+12125550100\n"
        told = (await send(api, own, file, defaultCountry="US")).json()

        assert (told["rows"], told["added"], told["known"], told["refused"]) == (4, 2, 1, 1)
        assert [(error["row"], error["value"]) for error in told["errors"]] == [(4, "12")]
        assert await numbers(api, own) == ["+442079460000", PHONE]
        again = (await send(api, own, file, defaultCountry="US")).json()
        assert (again["added"], again["known"]) == (0, 3)


async def test_a_registrys_date_goes_with_its_data(db: LazyDatabase) -> None:
    async with serving(db) as api:
        id = await a_list(api, **REGISTRY)
        await send(api, id, "212,5550100\n212,5550102\n", "text/plain", asOf="2026-03-02", defaultCountry="US")
        assert (await api.read.get(f"/api/do-not-call/lists/{id}")).json()["asOf"] == "2026-03-02"
        assert await numbers(api, id) == ["+12125550102", PHONE]
        await send(api, id, f"{OTHER}\n", "text/plain", asOf="2026-03-03", replace="true")
        assert await numbers(api, id) == [OTHER]
        assert fields(await send(api, id, OTHER)) == ["asOf"]

        entries = (await api.admin.get("/api/audit-log")).json()["data"]
        assert [(entry["action"], entry["data"]["asOf"]) for entry in entries] == [
            ("do_not_call.numbers_imported", "2026-03-03"),
            ("do_not_call.numbers_imported", "2026-03-02"),
        ]


async def test_a_registry_gives_reservations_back_to_be_judged_anew(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            campaign = await a_campaign(tx, api.org, status="active")
            contact = await a_contact(tx, api.org, "ada", phone=PHONE)
            await a_campaign_contact(tx, api.org, campaign, contact, status="calling")
            await a_call(tx, api.org, campaign, contact)
        told = (await send(api, await a_list(api, **REGISTRY), PHONE, asOf="2026-03-03")).json()

        assert (told["released"], told["skipped"]) == (1, 0)
        (row,) = (await api.read.get(f"/api/campaigns/{campaign}/contacts")).json()["data"]
        assert row["status"] == "pending"


async def test_a_file_that_is_none_is_refused_and_changes_nothing(db: LazyDatabase) -> None:
    async with serving(db) as api:
        id = await a_list(api, **REGISTRY)
        await send(api, id, PHONE, asOf="2026-03-02")
        problem(await send(api, id, "name,age\n", asOf="2026-03-03", replace="true"), 400, "invalid")
        assert await numbers(api, id) == [PHONE]
        assert fields(await send(api, await a_list(api, **OWN), PHONE, replace="true")) == ["replace"]


async def test_a_number_is_checked(db: LazyDatabase) -> None:
    async with serving(db) as api:
        own, registry = await a_list(api, **OWN), await a_list(api, **REGISTRY)
        await send(api, own, PHONE)
        api.clock.forward(days=1)
        await send(api, registry, PHONE, asOf="2026-03-03")
        await api.write.post("/api/opt-outs", json={"phone": PHONE})

        told = (await api.read.get("/api/do-not-call/check", params={"phone": PHONE})).json()
        assert {one["list"]["id"]: one["addedAt"] for one in told["lists"]} == {
            own: NOW.isoformat().replace("+00:00", "Z"),
            registry: api.clock.moment.isoformat().replace("+00:00", "Z"),
        }
        assert (told["phone"], told["optOut"]["source"]) == (PHONE, "api")
        free = (await api.stranger.get("/api/do-not-call/check", params={"phone": PHONE})).json()
        assert free == {"phone": PHONE, "optOut": None, "lists": []}


async def test_what_is_removed_is_written_down(db: LazyDatabase) -> None:
    async with serving(db) as api:
        own = await a_list(api, **OWN)
        await send(api, own, f"{PHONE}\n{OTHER}")
        path = f"/api/do-not-call/lists/{own}"
        problem(await api.write.delete(f"{path}/numbers/{PHONE}"), 403, "role_missing")
        assert (await api.admin.delete(f"{path}/numbers/{PHONE}")).status_code == 204
        problem(await api.admin.delete(f"{path}/numbers/{PHONE}"), 404, "not_found")
        assert (await api.admin.delete(path)).status_code == 204
        problem(await api.read.get(path), 404, "not_found")

        deleted, removed, _ = (await api.admin.get("/api/audit-log")).json()["data"]
        assert (deleted["action"], deleted["data"]["numbers"]) == ("do_not_call.list_deleted", 1)
        assert (removed["action"], removed["data"]["phone"]) == ("do_not_call.number_removed", PHONE)
