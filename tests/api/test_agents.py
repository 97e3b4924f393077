"""Agents over HTTP."""

import asyncio

from tests.api.serving import fields, problem, serving
from tests.builders import a_campaign, an_agent, unknown_id
from tests.conftest import LazyDatabase

ADA = {"name": "Ada", "prompt": "You remind.", "firstMessage": "Hello {{name}}", "voicemailMessage": "Call us."}


async def test_an_agents_life(db: LazyDatabase) -> None:
    async with serving(db) as api:
        made = await api.write.post("/api/agents", json=ADA)
        assert made.status_code == 201
        agent = made.json()
        assert agent == {
            **ADA,
            "id": agent["id"],
            "version": 1,
            "createdAt": "2026-03-04T15:00:00Z",
            "updatedAt": "2026-03-04T15:00:00Z",
        }
        path = f"/api/agents/{agent['id']}"
        assert (await api.read.get(path)).json() == agent

        api.clock.forward(hours=1)
        changed = (await api.write.patch(path, json={"prompt": "You sell."})).json()
        assert changed == {**agent, "prompt": "You sell.", "version": 2, "updatedAt": "2026-03-04T16:00:00Z"}

        gone = await api.write.delete(path)
        assert (gone.status_code, gone.content) == (204, b"")
        for response in (await api.read.get(path), await api.write.patch(path, json={}), await api.write.delete(path)):
            problem(response, 404, "not_found")
        assert (await api.read.get("/api/agents")).json()["data"] == []


async def test_only_a_name_is_needed(db: LazyDatabase) -> None:
    async with serving(db) as api:
        agent = (await api.write.post("/api/agents", json={"name": "Ada"})).json()

        assert (agent["prompt"], agent["firstMessage"], agent["voicemailMessage"]) == ("", "", "")


async def test_the_list_is_newest_first_and_paged(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for name in "abcde":
            api.clock.forward(seconds=1)
            await api.write.post("/api/agents", json={"name": name})

        page = (await api.read.get("/api/agents?limit=2&offset=1")).json()

        assert [agent["name"] for agent in page["data"]] == ["d", "c"]
        assert page["pagination"] == {"total": 5, "limit": 2, "offset": 1}
        beyond = (await api.read.get("/api/agents?offset=2147483647")).json()
        assert beyond == {"data": [], "pagination": {"total": 5, "limit": 50, "offset": 2147483647}}


async def test_another_organizations_agent_is_not_there(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            theirs = await an_agent(tx, api.other)

        for id in (theirs.id, unknown_id()):
            path = f"/api/agents/{id}"
            told = [
                problem(await api.write.get(path), 404, "not_found")["detail"],
                problem(await api.write.patch(path, json={"name": "x"}), 404, "not_found")["detail"],
                problem(await api.write.delete(path), 404, "not_found")["detail"],
            ]
            assert set(told) == {f"There is no agent {id} in your organization."}
        assert (await api.stranger.get(f"/api/agents/{theirs.id}")).json()["name"] == theirs.name


async def test_a_superuser_changes_it_where_it_is(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            theirs = await an_agent(tx, api.other)
        path = f"/api/agents/{theirs.id}"

        elsewhere = await api.root.patch(path, json={"name": "x"}, headers={"X-Organization-ID": str(api.org)})
        problem(elsewhere, 404, "not_found")
        assert (await api.root.patch(path, json={"name": "x"})).json()["name"] == "x"
        assert (await api.root.delete(path)).status_code == 204


async def test_an_agent_in_use_stays(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            active, scheduled, idle = [await an_agent(tx, api.org) for _ in range(3)]
            await a_campaign(tx, api.org, active.id, status="active")
            await a_campaign(tx, api.org, scheduled.id, start_at=api.clock.forward(hours=1))
            await a_campaign(tx, api.org, idle.id, status="completed")

        problem(await api.write.delete(f"/api/agents/{active.id}"), 409, "agent_in_use")
        problem(await api.write.delete(f"/api/agents/{scheduled.id}"), 409, "agent_in_use")
        assert (await api.write.delete(f"/api/agents/{idle.id}")).status_code == 204


async def test_a_change_to_what_was_not_seen_is_refused(db: LazyDatabase) -> None:
    async with serving(db) as api:
        made = await api.write.post("/api/agents", json=ADA)
        path = f"/api/agents/{made.json()['id']}"
        seen = made.headers["etag"]
        assert (await api.read.get(path)).headers["etag"] == seen

        api.clock.forward(seconds=1)
        first = await api.write.patch(path, json={"name": "B"}, headers={"If-Match": seen})
        assert first.status_code == 200
        assert first.headers["etag"] != seen
        second = await api.write.patch(path, json={"name": "C"}, headers={"If-Match": seen})
        problem(second, 412, "stale")
        for tag in ('"nonsense"', "nonsense", 'W/"x"', "5", '""'):
            problem(await api.write.patch(path, json={"name": "C"}, headers={"If-Match": tag}), 412, "stale")
        assert (await api.read.get(path)).json()["name"] == "B"
        both = await api.write.patch(path, json={"name": 5}, headers={"If-Match": seen})
        assert fields(both) == ["name"]
        for tag in ("*", first.headers["etag"]):
            assert (await api.write.patch(path, json={"name": "D"}, headers={"If-Match": tag})).status_code == 200


async def test_of_two_changes_to_the_same_state_one_wins(db: LazyDatabase) -> None:
    async with serving(db) as api:
        made = await api.write.post("/api/agents", json=ADA)
        path, seen = f"/api/agents/{made.json()['id']}", made.headers["etag"]
        api.clock.forward(seconds=1)

        answers = await asyncio.gather(
            *(api.write.patch(path, json={"name": name}, headers={"If-Match": seen}) for name in "abcdefgh")
        )

        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
        assert (await api.read.get(path)).json()["version"] == 2
