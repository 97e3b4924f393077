"""Calls over HTTP: listed by what they are, shown with what was said, hung up."""

from datetime import timedelta
from typing import Any

import pytest

from agentalk.domain.ids import CampaignId, OrgId, uuid7
from agentalk.store.database import Tx
from tests.api.serving import Api, fields, problem, serving
from tests.builders import a_call, a_campaign, a_contact, unknown_id
from tests.conftest import NOW, LazyDatabase

DECISION = unknown_id()
ANSWERED: dict[str, Any] = {
    "status": "ended",
    "outcome": "answered",
    "answered_by": "human",
    "carrier_call_id": "sim-1",
    "dialed_at": NOW,
    "ringing_at": NOW + timedelta(seconds=1),
    "answered_at": NOW + timedelta(seconds=4),
    "ended_at": NOW + timedelta(seconds=35, milliseconds=200),
    "ended_reason": "agent_hangup",
    "decision_id": DECISION,
    "transcript": '[{"at": 0.4, "speaker": "agent", "text": "Hello Ada"}]',
}
HISTORY = {"policyVersion", "decision", "transcript"}


async def some_calls(tx: Tx, org: OrgId) -> tuple[CampaignId, list[str]]:
    """A campaign, and its calls from the oldest on: answered, busy, ringing, released, reserved."""
    campaign = await a_campaign(tx, org, status="active")
    version = "INSERT INTO policy_versions VALUES ('0123456789abcdef', '{\"presets\": {}}', %s) ON CONFLICT DO NOTHING"
    await tx.execute(version, (NOW,))
    decision = (
        """INSERT INTO decisions VALUES (%s, '0123456789abcdef', '{"purpose": "survey"}') ON CONFLICT DO NOTHING"""
    )
    await tx.execute(decision, (DECISION,))
    states: list[dict[str, Any]] = [
        ANSWERED,
        {"status": "ended", "outcome": "busy", "dialed_at": NOW, "ended_at": NOW},
        {"status": "ringing", "dialed_at": NOW},
        {"status": "released"},
        {"status": "reserved"},
    ]
    ids = []
    for i, columns in enumerate(states):
        contact = await a_contact(tx, org, f"c{i}")
        call = uuid7(NOW + timedelta(milliseconds=i))
        ids.append(str(await a_call(tx, org, campaign, contact, id=call, **columns)))
    return campaign, ids


async def listed(api: Api, path: str, **query: Any) -> list[str]:
    page = (await api.read.get(path, params=query)).json()
    assert page["pagination"]["total"] == len(page["data"])
    return [row["id"] for row in page["data"]]


async def test_a_call_has_the_documented_shape(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            campaign, ids = await some_calls(tx, api.org)
        call = (await api.read.get(f"/api/calls/{ids[0]}")).json()

        assert call == {
            "id": ids[0],
            "campaignId": str(campaign),
            "contactId": "c0",
            "attempt": 1,
            "status": "ended",
            "outcome": "answered",
            "answeredBy": "human",
            "phone": call["phone"],
            "callerId": None,
            "carrier": "simulator",
            "carrierCallId": "sim-1",
            "reservedAt": "2026-03-04T15:00:00Z",
            "dialedAt": "2026-03-04T15:00:00Z",
            "ringingAt": "2026-03-04T15:00:01Z",
            "answeredAt": "2026-03-04T15:00:04Z",
            "endedAt": "2026-03-04T15:00:35.200000Z",
            "durationSeconds": 31.2,
            "endedReason": "agent_hangup",
            "policyVersion": "0123456789abcdef",
            "decision": {"purpose": "survey"},
            "transcript": [{"at": 0.4, "speaker": "agent", "text": "Hello Ada"}],
        }
        summary = (await api.read.get("/api/calls?outcome=answered")).json()["data"][0]
        assert summary == {name: value for name, value in call.items() if name not in HISTORY}

        policy = (await api.read.get("/api/policy-versions/0123456789abcdef")).json()
        assert (policy["id"], policy["body"]) == ("0123456789abcdef", {"presets": {}})
        problem(await api.read.get("/api/policy-versions/f"), 404, "not_found")


async def test_calls_are_listed_newest_first_by_what_they_are(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            campaign, (answered, busy, ringing, released, reserved) = await some_calls(tx, api.org)
            other, theirs = await some_calls(tx, api.other)
        everything = [reserved, ringing, busy, answered]

        assert await listed(api, "/api/calls") == everything
        assert await listed(api, f"/api/campaigns/{campaign}/calls") == everything
        assert await listed(api, "/api/calls", campaignId=str(campaign), status="ended") == [busy, answered]
        assert await listed(api, "/api/calls", status="ringing") == [ringing]
        assert await listed(api, "/api/calls", status="released") == []
        assert await listed(api, "/api/calls", outcome="busy") == [busy]
        assert await listed(api, "/api/calls", contactId="c0") == [answered]
        assert await listed(api, f"/api/campaigns/{campaign}/calls", contactId="c4", outcome="busy") == []
        problem(await api.read.get(f"/api/calls/{released}"), 404, "not_found")
        problem(await api.read.get(f"/api/calls/{theirs[0]}"), 404, "not_found")
        problem(await api.read.get(f"/api/campaigns/{other}/calls"), 404, "not_found")
        assert (await api.root.get("/api/calls")).json()["pagination"]["total"] == 8


async def test_pages_by_cursor_go_through_all(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            await some_calls(tx, api.org)
        whole = (await api.read.get("/api/calls")).json()["data"]
        found, query = [], {"limit": "3"}
        while True:
            page = (await api.read.get("/api/calls", params=query)).json()
            found += page["data"]
            assert page["pagination"]["total"] == 4
            if page["pagination"]["cursor"] is None:
                break
            query["cursor"] = page["pagination"]["cursor"]

        assert found == whole
        assert fields(await api.read.get("/api/calls?cursor=WzEsMV0")) == ["cursor"]


@pytest.mark.parametrize("query", [{"status": "over"}, {"outcome": "none"}, {"campaignId": "spring"}, {"limit": "0"}])
async def test_a_wrong_filter_is_refused_by_name(db: LazyDatabase, query: dict[str, str]) -> None:
    async with serving(db) as api:
        assert fields(await api.read.get("/api/calls", params=query)) == list(query)


async def test_a_live_call_is_hung_up_once(db: LazyDatabase) -> None:
    async with serving(db) as api:
        async with api.database.transaction() as tx:
            _, (answered, _, ringing, released, _) = await some_calls(tx, api.org)
        assert (await api.write.post(f"/api/calls/{ringing}/hangup")).json()["status"] == "ringing"
        api.clock.forward(seconds=1)
        assert (await api.write.post(f"/api/calls/{ringing}/hangup")).status_code == 200
        async with api.database.reading() as tx:
            row = await (
                await tx.execute("SELECT array_agg(hangup_at) FROM calls WHERE hangup_at > '-infinity'")
            ).fetchone()
        assert row == ([NOW],)
        problem(await api.write.post(f"/api/calls/{answered}/hangup"), 409, "call_ended")
        problem(await api.write.post(f"/api/calls/{released}/hangup"), 404, "not_found")
        problem(await api.write.post(f"/api/calls/{unknown_id()}/hangup"), 404, "not_found")
        problem(await api.stranger.post(f"/api/calls/{ringing}/hangup"), 404, "not_found")
        problem(await api.read.post(f"/api/calls/{ringing}/hangup"), 403, "role_missing")
