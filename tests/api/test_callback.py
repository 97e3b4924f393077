"""Callbacks over HTTP: a time asked for, read as it was meant, and refused where nobody is to be called."""

from typing import Any

import pytest

from tests.api.serving import Api, fields, problem, serving
from tests.builders import a_call, a_campaign, a_campaign_contact, a_contact
from tests.conftest import NOW, LazyDatabase


async def standing(api: Api, **columns: Any) -> str:
    """The path of a contact in New York that stands so in a campaign."""
    async with api.database.transaction() as tx:
        campaign = await a_campaign(tx, api.org, status="active")
        contact = await a_contact(tx, api.org)
        await a_campaign_contact(tx, api.org, campaign, contact, **columns)
        if columns.get("status") == "calling":
            await a_call(tx, api.org, campaign, contact, status="in_progress", dialed_at=NOW, answered_at=NOW)
    return f"/api/campaigns/{campaign}/contacts/{contact}"


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-03-04T18:30:00-05:00", "2026-03-04T23:30:00Z"),
        ("2026-03-04T18:30:00", "2026-03-04T23:30:00Z"),  # half past six in New York
        ("2026-03-04T22:00:00", "2026-03-05T14:00:00Z"),  # too late in the day: the next morning
        ("2026-03-04T09:00:00Z", "2026-03-04T15:00:00Z"),  # past: now
    ],
)
@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"status": "waiting", "lane": 1, "attempts": 1},
        {"status": "completed", "attempts": 3},
        {"status": "exhausted"},
    ],
)
async def test_a_contact_waits_for_its_callback(db: LazyDatabase, at: str, due: str, columns: dict[str, Any]) -> None:
    async with serving(db) as api:
        path = await standing(api, **columns)
        answer = await api.write.post(f"{path}/callback", json={"at": at})

        assert answer.status_code == 200
        told = answer.json()
        assert (told["status"], told["nextAttemptAt"], told["callback"]) == ("waiting", due, True)
        assert told["attempts"] == columns.get("attempts", 0)
        listed = (await api.read.get(path.rpartition("/")[0])).json()["data"]
        assert listed == [told]
        (event,) = (await api.read.get(path.rpartition("/contacts")[0] + "/events")).json()["data"]
        assert event["type"] == "contact.retry_scheduled"
        assert (event["data"]["nextAttemptAt"], event["data"]["callback"]) == (due, True)


async def test_who_is_on_a_call_is_called_back_after_it(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path = await standing(api, status="calling", attempts=1)
        told = (await api.write.post(f"{path}/callback", json={"at": "2026-03-04T18:30:00"})).json()

        assert (told["status"], told["nextAttemptAt"], told["callback"]) == ("calling", None, True)
        assert (await api.read.get(path.rpartition("/contacts")[0] + "/events")).json()["data"] == []


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"status": "canceled"}, "contact_closed"),
        ({"status": "skipped", "skip_reason": "no_timezone"}, "contact_closed"),
        ({"status": "completed", "attempts": 4}, "no_attempts_left"),
        ({"status": "calling", "attempts": 4}, "no_attempts_left"),
    ],
)
async def test_who_is_not_to_be_called_is_not_called_back(db: LazyDatabase, columns: dict[str, Any], code: str) -> None:
    async with serving(db) as api:
        path = await standing(api, **columns)
        problem(await api.write.post(f"{path}/callback", json={"at": "2026-03-05T12:00:00Z"}), 409, code)


async def test_who_asked_not_to_be_called_is_not_called_back(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path = await standing(api, status="completed", attempts=1)
        async with api.database.transaction() as tx:
            await tx.execute(
                "INSERT INTO opt_outs (organization_id, phone, created_at) SELECT organization_id, phone, created_at"
                " FROM contacts"
            )
        problem(await api.write.post(f"{path}/callback", json={"at": "2026-03-05T12:00:00Z"}), 409, "opted_out")


async def test_only_ones_own_contacts_at_times_that_make_sense(db: LazyDatabase) -> None:
    async with serving(db) as api:
        path, body = await standing(api), {"at": "2026-03-05T12:00:00Z"}
        problem(await api.stranger.post(f"{path}/callback", json=body), 404, "not_found")
        problem(await api.write.post(f"{path}x/callback", json=body), 404, "not_found")
        problem(await api.read.post(f"{path}/callback", json=body), 403, "role_missing")
        for at in (
            "tomorrow",
            None,
            5,
            "2028-03-05T12:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-12:00",
        ):
            assert fields(await api.write.post(f"{path}/callback", json={"at": at})) == ["at"]
        assert fields(await api.write.post(f"{path}/callback", json={})) == ["at"]
