"""A CSV file of contacts over HTTP: good rows are taken, bad ones come back with their reasons."""

from typing import Any

import httpx
import pytest

from tests.api.serving import Api, fields, problem, serving
from tests.builders import a_campaign, a_campaign_contact, a_contact
from tests.conftest import LazyDatabase


async def send(api: Api, content: str | bytes, media_type: str = "text/csv", **query: str) -> httpx.Response:
    data = content.encode() if isinstance(content, str) else content
    headers = {"Content-Type": media_type}
    return await api.write.post("/api/contacts/import", content=data, headers=headers, params=query, timeout=60)


async def test_good_rows_are_taken_and_bad_ones_come_back(db: LazyDatabase) -> None:
    file = "id,phone,name,plan\na,+14155550123,Ada,pro\nb,12,Bob,\nc,+442071838750,,\n,,,\nd,,Dee,basic\n"
    async with serving(db) as api:
        response = await send(api, file)

        assert response.status_code == 200, response.text
        told = response.json()
        errors = told.pop("errors")
        assert told == {"rows": 4, "created": 2, "updated": 0, "replaced": 0, "refused": 2, "notes": []}
        assert [(error["row"], error["field"], error["values"]) for error in errors] == [
            (3, "phone", ["b", "12", "Bob", ""]),
            (6, "phone", ["d", "", "Dee", "basic"]),
        ]
        ada = (await api.read.get("/api/contacts/a")).json()
        assert (ada["phone"], ada["name"], ada["attributes"]) == ("+14155550123", "Ada", {"plan": "pro"})
        assert (await api.read.get("/api/contacts")).json()["pagination"]["total"] == 2


async def test_sent_again_it_changes_nothing_and_completes_what_is_there(db: LazyDatabase) -> None:
    file = "id,phone,name,country,plan\na,(415) 555-0123,,US,\nb,+442071838750,Bob,,x\n"
    async with serving(db) as api:
        given = {"phone": "+12125550199", "name": "Ada", "timeZone": "Europe/Paris", "attributes": {"plan": "pro"}}
        await api.write.put("/api/contacts/a", json=given | {"address": {"region": "CA"}})
        first, second = [(await send(api, file)).json() for _ in range(2)]

        assert (first["created"], first["updated"]) == (1, 1)
        assert (second["created"], second["updated"]) == (0, 2)
        ada = (await api.read.get("/api/contacts/a")).json()
        assert {**ada, **given, "phone": "+14155550123"} == ada
        assert ada["address"] == {"country": "US", "region": "CA", "postalCode": None}
        assert ada["updatedAt"] == ada["createdAt"]


async def test_without_an_id_the_phone_is_it_and_the_default_country_reads_it(db: LazyDatabase) -> None:
    async with serving(db) as api:
        told = (await send(api, "phone\n020 7183 8750\n", defaultCountry="GB")).json()

        assert told["created"] == 1
        assert (await api.read.get("/api/contacts/+442071838750")).json()["phone"] == "+442071838750"
        assert fields(await send(api, "phone\n1\n", defaultCountry="Britain")) == ["defaultCountry"]


async def test_of_rows_with_one_id_the_last_wins_with_a_note(db: LazyDatabase) -> None:
    rows = [f"c{i},+1415555{i:04d},First\n" for i in range(5_003)]
    file = "id,phone,name\n" + "".join(rows) + "c1,+14155559999,Last\nc5002,+14155559998,\n"
    async with serving(db) as api:
        told = (await send(api, file)).json()

        assert (told["rows"], told["created"], told["updated"], told["replaced"]) == (5_005, 5_003, 0, 2)
        assert told["notes"] == [
            {"row": 5005, "message": "has the same id as row 3, and was laid over it"},
            {"row": 5006, "message": "has the same id as row 5004, and was laid over it"},
        ]
        one, other = [(await api.read.get(f"/api/contacts/{id}")).json() for id in ("c1", "c5002")]
        assert (one["phone"], one["name"]) == ("+14155559999", "Last")
        assert (other["phone"], other["name"]) == ("+14155559998", "First")


async def test_a_campaign_that_is_still_to_call_follows_the_new_zone(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            campaign = await a_campaign(tx, api.org)
            for id, status in (("a", "pending"), ("b", "completed")):
                await a_campaign_contact(tx, api.org, campaign, await a_contact(tx, api.org, id), status=status)
        await send(api, "id,phone\na,+33612345678\nb,+33612345679\n")
        async with api.database.reading() as tx:
            rows = await (await tx.execute("SELECT zones FROM campaign_contacts ORDER BY contact_id")).fetchall()
            tallies = await (
                await tx.execute("SELECT zones, sum(n)::int FROM campaign_tallies GROUP BY 1 HAVING sum(n) <> 0")
            ).fetchall()

        assert rows == [("Europe/Paris@FR",), ("America/New_York",)]
        assert sorted(tallies) == [("America/New_York", 1), ("Europe/Paris@FR", 1)]


async def test_the_zones_are_those_of_the_whole_contact_and_not_of_the_row_alone(db: LazyDatabase) -> None:
    async with serving(db) as api:
        first = (
            "id,phone,country,region,timeZone\na,+33612345678,US,FL,\nb,+33612345678,,,Asia/Tokyo\nc,+33612345678,,,\n"
        )
        await send(api, first)
        await send(api, "id,phone\na,+12125550100\nb,+12125550100\nc,+12125550100\n")
        async with api.database.reading() as tx:
            rows = await (await tx.execute("SELECT zones FROM contacts ORDER BY id")).fetchall()

        florida = "America/Chicago,America/New_York@US-FL,US-NY"
        assert rows == [(florida,), ("Asia/Tokyo@US-NY",), ("America/New_York@US-NY",)]


async def test_a_consent_comes_as_a_whole_and_stays_where_a_row_says_nothing(db: LazyDatabase) -> None:
    header = "id,phone,consentType,consentCapturedAt,consentEvidence,consent_expires_at\n"
    async with serving(db) as api:
        told = (await send(api, header + "a,+12125550100,written,2026-01-31T10:00:00Z,form 12,\n")).json()
        await send(api, "id,phone\na,+12125550101\n")
        contact = (await api.read.get("/api/contacts/a")).json()

        assert told["created"] == 1
        assert contact["phone"] == "+12125550101"
        assert contact["consent"] == {
            "type": "written",
            "capturedAt": "2026-01-31T10:00:00Z",
            "evidence": "form 12",
            "expiresAt": None,
        }


@pytest.mark.parametrize("content", ["", "name\nAda\n", b"\x00\x01", "phone,name\n".encode("utf-16")])
async def test_a_file_that_is_none_is_refused(db: LazyDatabase, content: Any) -> None:
    async with serving(db) as api:
        problem(await send(api, content), 400, "invalid")


async def test_size_and_media_type_are_bounded(db: LazyDatabase) -> None:
    async with serving(db) as api:
        problem(await send(api, "phone\n", "application/json"), 415, "unsupported_media_type")
        problem(await send(api, b"x" * (16 * 1024 * 1024 + 1)), 413, "too_large")
        problem(await api.read.post("/api/contacts/import", content=b"phone\n"), 403, "role_missing")
