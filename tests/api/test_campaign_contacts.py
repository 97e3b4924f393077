"""Contacts in campaigns over HTTP: added as the published contract says, listed, removed."""

from typing import Any

import pytest

from agentalk.domain.ids import CampaignId
from tests.api.serving import Api, fields, problem, serving
from tests.builders import a_campaign, a_campaign_contact, a_contact
from tests.conftest import NOW, LazyDatabase


async def a_path(api: Api, **columns: Any) -> tuple[str, CampaignId]:
    async with api.database.transaction() as tx:
        campaign = await a_campaign(tx, api.org, **columns)
    return f"/api/campaigns/{campaign}/contacts", campaign


async def people(api: Api, *ids: str, **columns: Any) -> None:
    async with api.database.transaction() as tx:
        for id in ids:
            await a_contact(tx, api.org, id, **columns)


async def test_the_distinct_ids_are_parted_into_added_reset_and_invalid(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path, campaign = await a_path(api)
        await people(api, "ada", "bob", "eve")
        await people(api, "mute", phone=None)
        await people(api, "wrong", phone_invalid_at=NOW)
        async with api.database.transaction() as tx:
            await a_contact(tx, api.other, "theirs")
            await a_campaign_contact(
                tx, api.org, campaign, await a_contact(tx, api.org, "old"), status="completed", attempts=1
            )
        await api.write.delete("/api/contacts/eve")
        asked = [
            "ada",
            "nobody",
            "old",
            "ada",
            "mute",
            "theirs",
            "bob",
            "wrong",
            "eve",
            "nobody",
            "",
            "x" * 300,
            "a\nb",
        ]
        response = await api.write.post(path, json={"contactIds": asked})

        assert response.status_code == 200
        assert response.json() == {
            "campaignId": str(campaign),
            "requested": 11,
            "added": 2,
            "reset": 1,
            "invalid": 8,
            "invalidContacts": [
                {"contactId": "nobody", "reason": "not_found"},
                {"contactId": "mute", "reason": "no_phone"},
                {"contactId": "theirs", "reason": "not_found"},
                {"contactId": "wrong", "reason": "invalid_number"},
                {"contactId": "eve", "reason": "not_found"},
                {"contactId": "", "reason": "not_found"},
                {"contactId": "x" * 300, "reason": "not_found"},
                {"contactId": "a\nb", "reason": "not_found"},
            ],
        }
        again = (await api.write.post(path, json={"contactIds": asked})).json()
        assert (again["added"], again["reset"], again["invalid"]) == (0, 3, 8)
        counts = (await api.read.get(f"/api/campaigns/{campaign}")).json()["counts"]
        assert (counts["total"], counts["pending"], counts["completed"]) == (3, 3, 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "contactIds"),
        ({"contactIds": None}, "contactIds"),
        ({"contactIds": "ada"}, "contactIds"),
        ({"contactIds": ["ada", 4711]}, "contactIds[1]"),
        ({"contactIds": [["ada"]]}, "contactIds[0]"),
        ({"contactIds": ["nul\0"]}, "contactIds[0]"),
        ({"contactIds": [], "contacts": []}, "contacts"),
    ],
)
async def test_a_wrong_body_is_refused_by_name(db: LazyDatabase, body: dict[str, Any], field: str) -> None:
    async with serving(db) as api:
        path, _ = await a_path(api)

        assert fields(await api.write.post(path, json=body)) == [field]


async def test_a_hundred_thousand_ids_at_most(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path, _ = await a_path(api)
        ids = [f"contact-{i}" for i in range(100_001)]

        assert fields(await api.write.post(path, json={"contactIds": ids}), code="too_many") == ["contactIds"]
        most = (await api.write.post(path, json={"contactIds": ids[1:]}, timeout=60)).json()
        assert (most["requested"], most["invalid"]) == (100_000, 100_000)
        none = (await api.write.post(path, json={"contactIds": []})).json()
        assert (none["requested"], none["added"], none["invalidContacts"]) == (0, 0, [])


async def test_the_list_shows_where_each_stands(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path, campaign = await a_path(api)
        states: dict[str, dict[str, Any]] = {
            "a": {},
            "b": {"status": "waiting", "lane": 1, "attempts": 2, "last_outcome": "busy"},
            "c": {"status": "skipped", "skip_reason": "no_timezone"},
            "d": {"status": "completed", "attempts": 1, "last_outcome": "answered"},
        }
        async with api.database.transaction() as tx:
            for id, columns in states.items():
                await a_campaign_contact(tx, api.org, campaign, await a_contact(tx, api.org, id), **columns)
        page = (await api.read.get(path)).json()

        assert [row["contactId"] for row in page["data"]] == ["d", "c", "b", "a"]
        assert page["pagination"] == {"total": 4, "limit": 50, "offset": 0, "cursor": None}
        assert page["data"][2] == {
            "contactId": "b",
            "status": "waiting",
            "attempts": 2,
            "nextAttemptAt": "2026-03-04T15:00:00Z",
            "callback": False,
            "waitReason": None,
            "lastOutcome": "busy",
            "skipReason": None,
            "addedAt": "2026-03-04T15:00:00Z",
        }
        assert page["data"][3]["nextAttemptAt"] is None
        waiting = (await api.read.get(path, params={"status": "waiting"})).json()
        assert ([row["contactId"] for row in waiting["data"]], waiting["pagination"]["total"]) == (["b"], 1)
        assert fields(await api.read.get(path, params={"status": "done"})) == ["status"]


async def test_pages_by_offset_and_by_cursor_agree(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path, campaign = await a_path(api)
        async with api.database.transaction() as tx:
            for i in range(7):
                status = ("pending", "completed", "canceled")[i % 3]
                await a_campaign_contact(tx, api.org, campaign, await a_contact(tx, api.org, f"c{i}"), status=status)
        by_offset, by_cursor, query = [], [], {"limit": "3"}
        for offset in (0, 3, 6):
            by_offset += (await api.read.get(path, params={"limit": 3, "offset": offset})).json()["data"]
        while True:
            page = (await api.read.get(path, params=query)).json()
            by_cursor += page["data"]
            assert page["pagination"]["total"] == 7
            if page["pagination"]["cursor"] is None:
                break
            query["cursor"] = page["pagination"]["cursor"]

        assert [row["contactId"] for row in by_cursor] == [f"c{i}" for i in reversed(range(7))]
        assert by_offset == by_cursor
        for wrong in ("", "x", "W10", "WyJhIiwxXQ", "WzFlOTksMV0", "é"):
            assert fields(await api.read.get(path, params={"cursor": wrong})) == ["cursor"]


async def test_who_was_never_called_is_removed_and_who_was_is_canceled(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path, campaign = await a_path(api)
        async with api.database.transaction() as tx:
            await a_campaign_contact(tx, api.org, campaign, await a_contact(tx, api.org, "fresh one"))
            await a_campaign_contact(tx, api.org, campaign, await a_contact(tx, api.org, "live"), status="calling")

        assert (await api.write.delete(f"{path}/fresh%20one")).status_code == 204
        problem(await api.write.delete(f"{path}/fresh%20one"), 404, "not_found")
        problem(await api.write.delete(f"{path}/live"), 409, "live_calls")
        assert [row["contactId"] for row in (await api.read.get(path)).json()["data"]] == ["live"]


async def test_a_retried_request_is_answered_once(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path, _ = await a_path(api)
        await people(api, "ada")
        key = {"Idempotency-Key": "one"}
        first, second = [
            (await api.write.post(path, json={"contactIds": ["ada"]}, headers=key)).json() for _ in range(2)
        ]

        assert first == second
        assert (first["added"], first["reset"]) == (1, 0)
