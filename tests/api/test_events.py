"""Events over HTTP."""

from tests.api.serving import problem, serving
from tests.api.test_campaigns import make
from tests.conftest import LazyDatabase


async def test_what_happened_is_listed_newest_first_and_page_by_page(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path = f"/api/campaigns/{(await make(api))['id']}"
        await api.write.put("/api/contacts/crm-1", json={"phone": "+12125550100"})
        await api.write.post(f"{path}/contacts", json={"contactIds": ["crm-1", "nobody"]})
        for step in ("start", "pause", "start"):
            assert (await api.write.post(f"{path}/{step}")).status_code == 200

        whole = (await api.read.get(f"{path}/events")).json()
        assert [event["type"] for event in whole["data"]] == [
            "campaign.resumed", "campaign.paused", "campaign.started", "contact.added",
        ]  # fmt: skip
        assert whole["pagination"]["total"] == 4
        assert whole["data"][-1]["data"] == {"campaignId": path[-36:], "added": 1, "reset": 0, "invalid": 1}
        assert whole["data"][0]["organizationId"] == str(api.org)

        first = (await api.read.get(f"{path}/events", params={"limit": 3})).json()
        rest = await api.read.get(f"{path}/events", params={"limit": 3, "cursor": first["pagination"]["cursor"]})
        assert first["data"] + rest.json()["data"] == whole["data"]


async def test_another_organizations_events_are_not_there(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path = f"/api/campaigns/{(await make(api))['id']}/events"
        problem(await api.stranger.get(path), 404, "not_found")
