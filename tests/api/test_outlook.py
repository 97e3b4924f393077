"""Preview and explain over HTTP: for whoever may read, of their own organization."""

from typing import Any

from agentalk.domain.ids import CampaignId
from tests.api.serving import Api, problem, serving
from tests.builders import a_campaign, a_campaign_contact, a_contact, unknown_id
from tests.conftest import LazyDatabase


async def a_scene(api: Api, **columns: Any) -> CampaignId:
    async with api.database.transaction() as tx:
        campaign = await a_campaign(tx, api.org, **columns)
        await a_campaign_contact(tx, api.org, campaign, await a_contact(tx, api.org, "ada"))
    return campaign


async def test_a_preview_has_the_documented_shape_and_changes_nothing(db: LazyDatabase) -> None:
    async with serving(db) as api:
        campaign = await a_scene(api)
        path = f"/api/campaigns/{campaign}"
        told = (await api.read.post(f"{path}/preview")).json()

        assert (
            told.items()
            >= {
                "campaignId": str(campaign),
                "startsAt": "2026-03-04T15:00:00Z",
                "callable": 1,
                "ready": 1,
                "calling": 0,
                "waits": [],
                "skipped": [],
                "firstCalls": 1,
            }.items()
        )
        (window,) = told["windows"]
        assert window.items() >= {"timeZones": ["America/New_York"], "contacts": 1}.items()
        assert told["hours"][0]["calls"] == 1
        assert told["pace"]["boundBy"] == "campaign.maxConcurrency"
        assert (await api.read.get(path)).json()["status"] == "draft"
        problem(await api.stranger.post(f"{path}/preview"), 404, "not_found")
        problem(await api.read.post(f"/api/campaigns/{unknown_id()}/preview"), 404, "not_found")


async def test_an_explanation_has_the_documented_shape(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path = f"/api/campaigns/{await a_scene(api)}/contacts"
        told = (await api.read.get(f"{path}/ada/explain")).json()

        assert (told["rule"], told["nextAt"]) == ("campaign_draft", "2026-03-04T15:00:00Z")
        assert told["local"] == [{"timeZone": "America/New_York", "at": "2026-03-04T10:00:00-05:00"}]
        assert told["contact"] == (await api.read.get(f"{path}/ada")).json()
        assert told["policy"]["saidBy"]["purpose"] == "default"
        problem(await api.stranger.get(f"{path}/ada/explain"), 404, "not_found")
        problem(await api.read.get(f"{path}/nobody/explain"), 404, "not_found")
        problem(await api.read.get(f"{path}/nobody"), 404, "not_found")


async def test_a_superuser_sees_every_organizations(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path = f"/api/campaigns/{await a_scene(api, status='active')}"
        headers = {"X-Organization-ID": str(api.other)}
        assert (await api.root.post(f"{path}/preview")).json()["callable"] == 1
        assert (await api.root.get(f"{path}/contacts/ada/explain")).json()["rule"] == "allowed"
        problem(await api.root.post(f"{path}/preview", headers=headers), 404, "not_found")
