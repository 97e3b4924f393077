"""Campaigns over HTTP: the list, the making and changing, the start, pause and stop."""

from typing import Any

import pytest

from agentalk.domain.ids import CampaignId, OrgId
from agentalk.store.database import Database
from tests.api.serving import Api, fields, problem, serving
from tests.builders import a_campaign, a_campaign_contact, a_contact, an_agent, unknown_id
from tests.conftest import LazyDatabase


async def make(api: Api, **fields: Any) -> dict[str, Any]:
    """A campaign, made over HTTP."""
    async with api.database.transaction() as tx:
        agent = await an_agent(tx, api.org)
    response = await api.write.post("/api/campaigns", json={"name": "Spring", "agentId": str(agent.id), **fields})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def seeded(database: Database, org: OrgId, status: str = "draft", contacts: int = 0) -> CampaignId:
    async with database.transaction() as tx:
        campaign = await a_campaign(tx, org, status=status)
        for _ in range(contacts):
            await a_campaign_contact(tx, org, campaign, await a_contact(tx, org))
    return campaign


async def test_a_campaign_needs_a_name_and_an_agent_and_has_the_documented_shape(db: LazyDatabase) -> None:
    async with serving(db) as api:
        made = await make(api)

        assert made == {
            **made,
            "organizationId": str(api.org),
            "name": "Spring",
            "status": "draft",
            "phase": None,
            "statusReason": None,
            "carrierId": None,
            "callerIds": [],
            "startAt": None,
            "startedAt": None,
            "endedAt": None,
            "maxConcurrency": 10,
            "callsPerSecond": 1.0,
            "priority": 0,
            "voicemail": {"action": "hangup"},
            "createdAt": "2026-03-04T15:00:00Z",
            "updatedAt": "2026-03-04T15:00:00Z",
        }
        assert made["counts"] == dict.fromkeys(
            ("total", "pending", "calling", "waiting", "completed", "exhausted", "skipped", "canceled"), 0
        )
        assert made["window"]["timeZoneMode"] == "contact"
        assert made["window"]["slots"][0] == {"day": "monday", "start": "09:00", "end": "20:00"}
        assert made["retry"]["maxAttempts"] == 3
        assert (await api.read.get(f"/api/campaigns/{made['id']}")).json() == made


async def test_everything_may_be_given(db: LazyDatabase) -> None:
    given = {
        "callerIds": ["+14155550123", "+442071838750"],
        "maxConcurrency": 25,
        "callsPerSecond": 2.5,
        "priority": -3,
        "window": {
            "timeZoneMode": "campaign",
            "timeZone": "Europe/Paris",
            "slots": [{"day": "saturday", "start": "10:00", "end": "24:00"}],
            "unknownTimeZone": "campaign",
        },
        "retry": {
            "maxAttempts": 2,
            "rules": [{"outcome": "busy", "delayMinutes": [5.0], "maxRetries": 1, "anotherPartOfDay": True}],
        },
        "voicemail": {"action": "leave_message"},
    }
    async with serving(db) as api:
        carrier = (await api.write.get("/api/carriers")).json()["data"][0]["id"]
        made = await make(api, carrierId=carrier, **given)

        assert {name: made[name] for name in given} == given
        assert made["carrierId"] == carrier
        assert (await api.read.get(f"/api/campaigns/{made['id']}")).json() == made


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": 5}, "name"),
        ({"name": "nul\0"}, "name"),
        ({"agentId": str(unknown_id())}, "agentId"),
        ({"agentId": "agent"}, "agentId"),
        ({"carrierId": str(unknown_id())}, "carrierId"),
        ({"callerIds": ["+14155550123", "4155550123"]}, "callerIds[1]"),
        ({"callerIds": ["+14155550123\n"]}, "callerIds[0]"),
        ({"maxConcurrency": -1}, "maxConcurrency"),
        ({"maxConcurrency": 10**30}, "maxConcurrency"),
        ({"callsPerSecond": -0.5}, "callsPerSecond"),
        ({"priority": 10**10}, "priority"),
        ({"window": {"slots": [{"day": "monday", "start": "25:00", "end": "26:00"}]}}, "window.slots[0].start"),
        ({"window": {"timeZoneMode": "campaign"}}, "window.timeZone"),
        ({"window": {"timeZone": "Mars/Olympus"}}, "window.timeZone"),
        ({"window": {"slots": [{"day": "monday", "start": "09:00", "end": "20:00", "x": 1}]}}, "window.slots[0].x"),
        ({"retry": {"maxAttempts": 0}}, "retry.maxAttempts"),
        ({"retry": {"maxAttempts": 10**40}}, "retry.maxAttempts"),
        ({"retry": {"rules": [{"outcome": "answered", "delayMinutes": [1]}]}}, "retry.rules[0].outcome"),
        ({"voicemail": {"action": "sing"}}, "voicemail.action"),
        ({"startAt": None}, "startAt"),
        ({"status": "active"}, "status"),
    ],
)
async def test_what_is_wrong_is_named(db: LazyDatabase, change: dict[str, Any], field: str) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            agent = await an_agent(tx, api.org)
        body = {"name": "Spring", "agentId": str(agent.id), **change}

        assert fields(await api.write.post("/api/campaigns", json=body)) == [field]
        assert (await api.read.get("/api/campaigns")).json()["pagination"]["total"] == 0


async def test_another_organizations_agent_and_a_deleted_one_are_unknown(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            theirs, gone = await an_agent(tx, api.other), await an_agent(tx, api.org)
        assert (await api.write.delete(f"/api/agents/{gone.id}")).status_code == 204

        for agent in (theirs, gone):
            response = await api.write.post("/api/campaigns", json={"name": "Spring", "agentId": str(agent.id)})
            assert fields(response) == ["agentId"]


async def test_the_list_is_newest_first_with_counts_and_a_total(db: LazyDatabase) -> None:
    async with serving(db) as api:
        old, middle = [await seeded(api.database, api.org, contacts=n) for n in (2, 0)]
        api.clock.forward(seconds=1)
        new = (await make(api))["id"]
        await seeded(api.database, api.other)
        page = (await api.read.get("/api/campaigns")).json()
        first, second = [
            (await api.read.get("/api/campaigns", params={"limit": 2, "offset": offset})).json() for offset in (0, 2)
        ]
        beyond = (await api.read.get("/api/campaigns?offset=9")).json()

        assert page["pagination"] == {"total": 3, "limit": 50, "offset": 0}
        assert page["data"][0]["id"] == new
        assert {row["id"] for row in page["data"][1:]} == {str(old), str(middle)}
        assert next(row for row in page["data"] if row["id"] == str(old))["counts"]["pending"] == 2
        assert [*first["data"], *second["data"]] == page["data"]
        assert beyond == {"data": [], "pagination": {"total": 3, "limit": 50, "offset": 9}}


async def test_the_list_filters_by_status(db: LazyDatabase) -> None:
    async with serving(db) as api:
        by_status = {status: await seeded(api.database, api.org, status) for status in ("draft", "active", "stopped")}
        for status, id in by_status.items():
            page = (await api.read.get("/api/campaigns", params={"status": status})).json()
            assert ([row["id"] for row in page["data"]], page["pagination"]["total"]) == ([str(id)], 1)
        assert (await api.read.get("/api/campaigns?status=paused")).json()["data"] == []
        for wrong in ("running", "", "Active", "draft,active"):
            assert fields(await api.read.get("/api/campaigns", params={"status": wrong})) == ["status"]


async def test_a_superuser_sees_all_organizations_or_the_one_named(db: LazyDatabase) -> None:
    async with serving(db) as api:
        mine, theirs = await seeded(api.database, api.org), await seeded(api.database, api.other, "active")

        async def seen(query: str = "", **headers: str) -> set[str]:
            page = (await api.root.get(f"/api/campaigns{query}", headers=headers)).json()
            assert page["pagination"]["total"] == len(page["data"])
            return {row["id"] for row in page["data"]}

        assert await seen() == {str(mine), str(theirs)}
        assert await seen("?status=active") == {str(theirs)}
        assert await seen(**{"X-Organization-ID": str(api.other)}) == {str(theirs)}
        assert (await api.root.get(f"/api/campaigns/{theirs}")).status_code == 200
        assert (await api.root.post(f"/api/campaigns/{theirs}/pause")).json()["status"] == "paused"


async def test_another_organizations_campaign_is_not_there(db: LazyDatabase) -> None:
    async with serving(db) as api:
        theirs = await seeded(api.database, api.other, "active")
        for id in (theirs, unknown_id()):
            path = f"/api/campaigns/{id}"
            for method, below, body in (
                ("GET", "", None),
                ("PATCH", "", {"name": "Mine"}),
                ("DELETE", "", None),
                ("POST", "/start", None),
                ("POST", "/pause", None),
                ("POST", "/stop", None),
                ("POST", "/contacts", {"contactIds": ["a"]}),
                ("GET", "/contacts", None),
                ("DELETE", "/contacts/a", None),
                ("GET", "/calls", None),
            ):
                problem(await api.admin.request(method, path + below, json=body), 404, "not_found")
        problem(await api.read.get("/api/calls", params={"campaignId": str(theirs)}), 404, "not_found")
        assert fields(await api.read.get("/api/campaigns/spring")) == ["campaign_id"]


async def test_a_change_touches_only_what_it_names(db: LazyDatabase) -> None:
    async with serving(db) as api:
        carrier = (await api.write.get("/api/carriers")).json()["data"][0]["id"]
        made = await make(api, carrierId=carrier, callerIds=["+14155550123"])
        path = f"/api/campaigns/{made['id']}"
        api.clock.forward(seconds=1)
        changes: list[dict[str, Any]] = [
            {"name": "Summer"},
            {"maxConcurrency": 0, "callsPerSecond": 0.5, "priority": 7},
            {"carrierId": None, "callerIds": []},
            {"window": {**made["window"], "slots": []}, "retry": {"maxAttempts": 1, "rules": []}},
            {"voicemail": {"action": "leave_message"}},
            {},
        ]
        for change in changes:
            response = await api.write.patch(path, json=change)
            assert response.status_code == 200, response.text
            made = {**made, **change, "updatedAt": "2026-03-04T15:00:01Z"}
            assert response.json() == made
        assert fields(await api.write.patch(path, json={"agentId": None})) == ["agentId"]
        assert fields(await api.write.patch(path, json={"startAt": "2026-03-05T09:00:00Z"})) == ["startAt"]
        assert fields(await api.write.patch(path, json={"agentId": str(unknown_id())})) == ["agentId"]


async def test_a_change_of_what_has_changed_is_refused(db: LazyDatabase) -> None:
    async with serving(db) as api:
        made = await make(api)
        path = f"/api/campaigns/{made['id']}"
        seen = {"If-Match": (await api.read.get(path)).headers["etag"]}
        api.clock.forward(seconds=1)

        assert (await api.write.patch(path, json={"name": "One"}, headers=seen)).status_code == 200
        problem(await api.write.patch(path, json={"name": "Two"}, headers=seen), 412, "stale")
        assert (await api.read.get(path)).json()["name"] == "One"


@pytest.mark.parametrize(
    "body", [None, {}, {"startAt": "2020-01-01T00:00:00Z"}, {"startAt": "0001-01-01T00:00:00+14:00"}]
)
async def test_a_start_without_a_time_to_come_is_now(db: LazyDatabase, body: dict[str, Any] | None) -> None:
    async with serving(db) as api:
        id = await seeded(api.database, api.org)
        response = await api.write.post(f"/api/campaigns/{id}/start", json=body)

        assert response.status_code == 200, response.text
        started = response.json()
        assert (started["status"], started["statusReason"], started["startAt"]) == ("active", "user", None)
        assert started["startedAt"] == "2026-03-04T15:00:00Z"
        assert started["phase"] is None


async def test_a_start_at_a_time_to_come(db: LazyDatabase) -> None:
    async with serving(db) as api:
        id = await seeded(api.database, api.org)
        path = f"/api/campaigns/{id}"
        scheduled = (await api.write.post(f"{path}/start", json={"startAt": "2026-03-05T10:00:00+01:00"})).json()

        assert (scheduled["status"], scheduled["phase"]) == ("draft", "scheduled")
        assert scheduled["startAt"] == "2026-03-05T09:00:00Z"
        taken_back = (await api.write.patch(path, json={"startAt": None})).json()
        assert (taken_back["startAt"], taken_back["phase"]) == (None, None)
        for wrong in (
            None,
            "2026-03-05T10:00:00",
            "2026-03-05",
            "tomorrow",
            "",
            1772701200,
            "9999-12-31T23:59:59-14:00",
        ):
            assert fields(await api.write.post(f"{path}/start", json={"startAt": wrong})) == ["startAt"]
        assert fields(await api.write.post(f"{path}/start", json={"at": None})) == ["at"]
        assert (await api.write.post(f"{path}/start")).json()["status"] == "active"
        later = await api.write.post(f"{path}/start", json={"startAt": "2026-03-06T10:00:00Z"})
        problem(later, 409, "invalid_state")


async def test_pause_stop_and_delete(db: LazyDatabase) -> None:
    async with serving(db) as api:
        id = await seeded(api.database, api.org, "active", contacts=2)
        path = f"/api/campaigns/{id}"
        problem(await api.write.delete(path), 409, "invalid_state")
        assert (await api.write.post(f"{path}/pause")).json()["status"] == "paused"
        assert (await api.write.post(f"{path}/pause")).json()["status"] == "paused"
        stopped = (await api.write.post(f"{path}/stop")).json()
        assert (stopped["status"], stopped["endedAt"]) == ("stopped", "2026-03-04T15:00:00Z")
        assert stopped["counts"] == {**stopped["counts"], "total": 2, "canceled": 2, "pending": 0}
        problem(await api.write.post(f"{path}/pause"), 409, "invalid_state")
        assert (await api.write.delete(path)).status_code == 204
        problem(await api.read.get(path), 404, "not_found")
        problem(await api.write.post(f"{path}/start"), 404, "not_found")
        assert (await api.read.get("/api/campaigns")).json()["pagination"]["total"] == 0


async def test_a_campaign_whose_agent_was_deleted_does_not_start(db: LazyDatabase) -> None:
    async with serving(db) as api:
        made = await make(api)
        assert (await api.write.delete(f"/api/agents/{made['agentId']}")).status_code == 204
        problem(await api.write.post(f"/api/campaigns/{made['id']}/start"), 409, "agent_deleted")
        async with api.database.transaction() as tx:
            agent = await an_agent(tx, api.org)
        await api.write.patch(f"/api/campaigns/{made['id']}", json={"agentId": str(agent.id)})
        assert (await api.write.post(f"/api/campaigns/{made['id']}/start")).json()["status"] == "active"


async def test_a_reader_may_look_and_no_more(db: LazyDatabase) -> None:
    async with serving(db) as api:
        id = await seeded(api.database, api.org)
        assert (await api.read.get(f"/api/campaigns/{id}")).status_code == 200
        for path in ("", f"/{id}/start", f"/{id}/pause", f"/{id}/stop", f"/{id}/contacts"):
            problem(await api.read.post(f"/api/campaigns{path}"), 403, "role_missing")
