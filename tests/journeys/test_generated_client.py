"""A client that someone else's generator makes of the published contract works as it comes."""

import importlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from tests.journeys.furnished import Furnished, furnished
from tests.journeys.program import SECONDS

PUBLISHED = Path(__file__).parents[1] / "api" / "published_openapi.json"


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The generated client's parts: the three operations, the bodies that two of them take, and the client itself."""
    # Its hooks tidy the code with ruff, which nobody needs here.
    (tmp_path / "config.yml").write_text("post_hooks: []\n")
    paths = ("--path", PUBLISHED, "--output-path", tmp_path / "published_client", "--config", tmp_path / "config.yml")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning", *paths]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(tmp_path)

    def module(name: str) -> Any:
        return importlib.import_module(f"published_client.{name}")

    return SimpleNamespace(
        retrieve=module("api.campaigns.campaigns_retrieve"),
        add=module("api.campaigns.campaigns_contacts_create"),
        start=module("api.campaigns.campaigns_start_create"),
        Contacts=module("models").CampaignsContactsCreateBody,
        Start=module("models").CampaignsStartCreateBody,
        Client=module("client").AuthenticatedClient,
        UnexpectedStatus=module("errors").UnexpectedStatus,
    )


def test_it_lists_adds_and_starts(generated: Any, dsn: str) -> None:
    with (
        furnished(dsn) as server,
        generated.Client(base_url=server.url, token=server.token, raise_on_unexpected_status=True) as client,
    ):
        lists(generated, client, server)
        adds(generated, client, UUID(server.draft))
        starts(generated, client, UUID(server.draft), server)
        is_refused(generated, server)


def lists(generated: Any, client: Any, server: Furnished) -> None:
    everything = generated.retrieve.sync(client=client)
    assert [campaign["id"] for campaign in everything["data"]] == [server.active, server.draft]
    assert everything["pagination"] == {"total": 2, "limit": 50, "offset": 0}
    page = generated.retrieve.sync(client=client, limit=1, offset=1)
    assert [campaign["name"] for campaign in page["data"]] == ["Spring"]
    assert page["pagination"] == {"total": 2, "limit": 1, "offset": 1}
    active = generated.retrieve.sync(client=client, status="active")
    assert [(campaign["status"], campaign["counts"]["total"]) for campaign in active["data"]] == [("active", 1)]
    # As a header, the generator's own code takes no UUID: it is its way of sending X-Organization-ID.
    with client.with_headers({"X-Organization-ID": server.organization}) as scoped:
        assert generated.retrieve.sync(client=scoped)["pagination"]["total"] == 2


def adds(generated: Any, client: Any, draft: UUID) -> None:
    first = generated.add.sync(draft, client=client, body=generated.Contacts(contact_ids=["ada", "bob", "ada"]))
    assert first.to_dict() == {
        "campaignId": str(draft),
        "requested": 2,
        "added": 2,
        "reset": 0,
        "invalid": 0,
        "invalidContacts": [],
    }
    again = generated.add.sync_detailed(draft, client=client, body=generated.Contacts(["bob", "cy", "nobody"]))
    assert again.status_code == 200
    assert (again.parsed["added"], again.parsed["reset"], again.parsed["invalid"]) == (1, 1, 1)
    assert [one["contactId"] for one in again.parsed["invalidContacts"]] == ["nobody"]


def starts(generated: Any, client: Any, draft: UUID, server: Furnished) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    scheduled = generated.start.sync(draft, client=client, body=generated.Start(start_at=later))
    assert (scheduled["status"], scheduled["phase"]) == ("draft", "scheduled")
    assert datetime.fromisoformat(scheduled["startAt"]) == later
    now = generated.start.sync(draft, client=client, body=generated.Start())
    assert (now["id"], now["status"], now["startAt"]) == (str(draft), "active", None)
    # Without a body at all, and of a campaign that is active.
    assert generated.start.sync(UUID(server.active), client=client)["status"] == "active"
    assert generated.retrieve.sync(client=client, status="active")["pagination"]["total"] == 2


def is_refused(generated: Any, server: Furnished) -> None:
    with generated.Client(base_url=server.url, token=server.token[:-1] + "!") as stranger:
        answer = generated.retrieve.sync_detailed(client=stranger)
        assert (answer.status_code, answer.parsed) == (401, None)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert generated.start.sync(UUID(server.draft), client=stranger) is None
    with (
        generated.Client(base_url=server.url, token="x", raise_on_unexpected_status=True) as loud,
        pytest.raises(generated.UnexpectedStatus, match="401"),
    ):
        generated.retrieve.sync(client=loud)
