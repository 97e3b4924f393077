"""Opt-outs over HTTP: given by number or contact, listed, checked, and removed by an admin alone, in writing."""

import pytest

from tests.api.serving import fields, problem, serving
from tests.builders import a_campaign, a_campaign_contact, a_contact
from tests.conftest import LazyDatabase

PHONE = "+12125550100"


async def test_an_opt_out_by_number_and_by_contact(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            contact = await a_contact(tx, api.org, "ada", phone=PHONE)
            campaign = await a_campaign(tx, api.org, status="active")
            await a_campaign_contact(tx, api.org, campaign, contact)

        made = await api.write.post("/api/opt-outs", json={"contactId": "ada", "source": "console"})
        again = await api.write.post("/api/opt-outs", json={"phone": "+1 212-555-0100"})

        assert (made.status_code, again.status_code) == (201, 200)
        assert made.json() == again.json()
        assert made.json() == {
            "phone": PHONE,
            "source": "console",
            "callId": None,
            "createdAt": api.clock.moment.isoformat().replace("+00:00", "Z"),
        }
        (row,) = (await api.read.get(f"/api/campaigns/{campaign}/contacts")).json()["data"]
        assert (row["status"], row["skipReason"]) == ("skipped", "opted_out")
        assert (await api.read.get(f"/api/opt-outs/{PHONE}")).json() == made.json()
        problem(await api.stranger.get(f"/api/opt-outs/{PHONE}"), 404, "not_found")


async def test_they_are_listed_newest_first_page_by_page(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for n in range(3):
            await api.write.post("/api/opt-outs", json={"phone": f"+1212555010{n}"})
            api.clock.forward(seconds=1)
        first = (await api.read.get("/api/opt-outs", params={"limit": 2})).json()
        cursor = first["pagination"]["cursor"]
        rest = (await api.read.get("/api/opt-outs", params={"limit": 2, "cursor": cursor})).json()

        assert [one["phone"][-1] for one in (*first["data"], *rest["data"])] == ["2", "1", "0"]
        assert first["pagination"]["total"] == rest["pagination"]["total"] == 3
        assert (await api.stranger.get("/api/opt-outs")).json()["data"] == []


async def test_only_an_admin_removes_one_and_it_is_written_down(db: LazyDatabase) -> None:
    async with serving(db) as api:
        await api.write.post("/api/opt-outs", json={"phone": PHONE})
        problem(await api.write.delete(f"/api/opt-outs/{PHONE}"), 403, "role_missing")
        problem(await api.stranger.delete(f"/api/opt-outs/{PHONE}"), 404, "not_found")
        assert (await api.admin.delete(f"/api/opt-outs/{PHONE}")).status_code == 204
        problem(await api.admin.delete(f"/api/opt-outs/{PHONE}"), 404, "not_found")

        problem(await api.write.get("/api/audit-log"), 403, "role_missing")
        (entry,) = (await api.admin.get("/api/audit-log", params={"action": "opt_out.removed"})).json()["data"]
        assert entry["data"]["phone"] == PHONE
        assert entry["actor"].startswith("test (")
        assert (await api.stranger.get("/api/audit-log")).json()["data"] == []


async def test_no_change_of_a_contact_clears_one(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            campaign = await a_campaign(tx, api.org)
        await api.write.put("/api/contacts/ada", json={"phone": PHONE})
        await api.write.post("/api/opt-outs", json={"phone": PHONE})
        await api.write.put("/api/contacts/ada", json={"phone": PHONE, "name": "Ada"})
        await api.write.delete("/api/contacts/ada")
        file = f"id,phone\nada,{PHONE}\n"
        await api.write.post("/api/contacts/import", content=file, headers={"Content-Type": "text/csv"})

        assert (await api.read.get(f"/api/opt-outs/{PHONE}")).status_code == 200
        added = await api.write.post(f"/api/campaigns/{campaign}/contacts", json={"contactIds": ["ada"]})
        assert added.json()["invalidContacts"] == [{"contactId": "ada", "reason": "opted_out"}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "phone"),
        ({"phone": PHONE, "contactId": "ada"}, "phone"),
        ({"phone": "12"}, "phone"),
        ({"phone": PHONE, "source": "call"}, "source"),
        ({"contactId": "mute"}, "contactId"),
    ],
)
async def test_what_is_no_opt_out_is_refused(db: LazyDatabase, body: dict[str, str], field: str) -> None:
    async with serving(db) as api:
        await api.write.put("/api/contacts/mute", json={})
        assert fields(await api.write.post("/api/opt-outs", json=body)) == [field]
