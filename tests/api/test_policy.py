"""A campaign's policy over HTTP: checked when it is written, and a purpose is needed before real phones ring."""

from typing import Any

import pytest

from agentalk.domain.ids import CampaignId
from tests.api.serving import Api, fields, problem, serving
from tests.builders import a_campaign, an_agent
from tests.conftest import LazyDatabase


async def on_a_real_carrier(api: Api, **columns: Any) -> CampaignId:
    """A campaign of an organization whose carrier is not the simulator."""
    async with api.database.transaction() as tx:
        await tx.execute("UPDATE carriers SET kind = 'wire' WHERE organization_id = %s", (api.org,))
        return await a_campaign(tx, api.org, **columns)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"policy": {"frequency": [{"scope": "phone", "max": 1, "hours": 0}]}}, "policy.frequency[0].hours"),
        ({"policy": {"abandon": {"maxShare": 0.5}}}, "policy.abandon.maxShare"),
        ({"policy": {"disclosure": " "}}, "policy.disclosure"),
        ({"callerIdRule": {"dailyCap": 0}}, "callerIdRule.dailyCap"),
    ],
)
async def test_what_makes_no_sense_is_refused(db: LazyDatabase, said: dict[str, Any], field: str) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            campaign, agent = await a_campaign(tx, api.org), (await an_agent(tx, api.org)).id
        new = {"name": "Spring", "agentId": str(agent), **said}
        assert fields(await api.write.post("/api/campaigns", json=new)) == [field]
        assert fields(await api.write.patch(f"/api/campaigns/{campaign}", json=said)) == [field]


@pytest.mark.parametrize("body", [None, {"startAt": "2999-01-01T00:00:00Z"}])
async def test_no_real_phone_rings_without_a_purpose(db: LazyDatabase, body: dict[str, str] | None) -> None:
    async with serving(db) as api:
        path = f"/api/campaigns/{await on_a_real_carrier(api)}"
        assert fields(await api.write.post(f"{path}/start", json=body), 409, "purpose_required") == ["policy.purpose"]
        assert (await api.write.patch(path, json={"policy": {"purpose": "survey"}})).status_code == 200
        assert (await api.write.post(f"{path}/start", json=body)).status_code == 200


async def test_the_organizations_purpose_counts(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path = f"/api/campaigns/{await on_a_real_carrier(api)}"
        await api.admin.patch(f"/api/organizations/{api.org}", json={"policy": {"purpose": "debt"}})
        assert (await api.write.post(f"{path}/start")).status_code == 200


async def test_an_active_campaign_keeps_its_purpose(db: LazyDatabase) -> None:
    async with serving(db) as api:
        campaign = await on_a_real_carrier(api, status="active", policy='{"purpose": "survey"}')
        path = f"/api/campaigns/{campaign}"
        problem(await api.write.patch(path, json={"policy": {}}), 409, "purpose_required")
        assert (await api.read.get(path)).json()["policy"]["purpose"] == "survey"
        assert (await api.write.patch(path, json={"priority": 3})).status_code == 200


async def test_the_simulator_needs_none(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            campaign = await a_campaign(tx, api.org)
        assert (await api.write.post(f"/api/campaigns/{campaign}/start")).status_code == 200
