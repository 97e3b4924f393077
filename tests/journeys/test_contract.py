"""The API as it is delivered, held to the published contract and to its own: by hand, and by a fuzzer."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import pytest

from agentalk.domain.policy.model import CallingPolicy
from tests.journeys.furnished import NEVER, Furnished, furnished, made
from tests.journeys.program import SECONDS, end

HERE = Path(__file__).parent
PUBLISHED = HERE.parent / "api" / "published_openapi.json"
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
# What takes a file's first row, a change that makes sense, or a moment of the engine's, which no fuzzer need guess.
LUCK = {
    "POST /api/contacts/import",
    "PATCH /api/campaigns/{campaign_id}",
    "POST /api/campaigns/{campaign_id}/pause",
    "DELETE /api/campaigns/{campaign_id}/contacts/{contact_id}",
    "POST /api/calls/{call_id}/hangup",
    "POST /api/campaigns/{campaign_id}/contacts/{contact_id}/callback",
    "POST /api/do-not-call/lists/{list_id}/import",
    "DELETE /api/do-not-call/lists/{list_id}/numbers/{phone}",
    "POST /api/opt-outs",
    "GET /api/opt-outs/{phone}",
    "DELETE /api/opt-outs/{phone}",
}
# All that a policy may say, said by nobody.
NO_POLICY = dict.fromkeys(CallingPolicy.__struct_encode_fields__)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture
def api(dsn: str) -> Iterator[Furnished]:
    with furnished(dsn) as server:
        yield server


def fuzz(api: Furnished, config: str, contract: str, folder: Path, **values: str) -> dict[str, Any]:
    """Schemathesis's report on the server; what it found is told where the assertion fails."""
    known = {"hooks": str(HERE / "refusals.py"), "organization": api.organization, "agent": api.agent}
    campaigns = {"draft": api.draft, "active": api.active}
    written = folder / "schemathesis.toml"
    written.write_text(Template((HERE / config).read_text()).substitute(known | campaigns | values))
    report = folder / "report.json"
    options = ("--url", api.url, "--report", "json", "--report-json-path", report)
    command = [SCHEMATHESIS, "--config-file", written, "run", contract, *options]
    done = subprocess.run(
        [*map(str, command)], cwd=folder, capture_output=True, text=True, check=False, timeout=4 * SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(report.read_text())
    return told


def barren(told: dict[str, Any]) -> set[str]:
    """The operations that were tried, and took nothing of what a fuzzer takes for valid."""
    rates = {label: phases.values() for label, phases in told["valid_rates"].items()}
    return {label for label, phases in rates.items() if not any(rate["accepted"] for rate in phases)}


def test_the_published_contract_holds(api: Furnished, tmp_path: Path) -> None:
    told = fuzz(api, "published.toml", str(PUBLISHED), tmp_path, token=api.token)

    assert told["operations"]["tested"] == 3
    assert told["test_cases"]["generated"] > 150
    assert not barren(told)
    assert "error" not in end(api.serving.process).err.lower()


def test_our_own_contract_holds(api: Furnished, tmp_path: Path) -> None:
    spare = api.client.post("/api/tokens", json={"name": "spare"}).json()["id"]
    call = api.call()
    version = api.client.get(f"/api/calls/{call}").json()["policyVersion"]
    listed, unlisted = (
        made(api.client, "/api/do-not-call/lists", kind="registry", name=name, jurisdiction="US", asOf="2026-01-01")
        for name in ("kept", "deleted")
    )
    contract = f"{api.url}/openapi.json"
    more = {"version": version, "listed": listed, "unlisted": unlisted}

    told = fuzz(api, "ours.toml", contract, tmp_path, token=api.root(), call=call, spare=spare, **more)

    paths = api.client.get("/openapi.json").json()["paths"]
    assert told["operations"]["tested"] == sum(len(methods) for methods in paths.values())
    assert told["test_cases"]["generated"] > 600
    assert barren(told) <= LUCK
    assert "error" not in end(api.serving.process).err.lower()


def campaign(api: Furnished, id: str, name: str, **said: Any) -> dict[str, Any]:
    """A campaign as the API shows it, without its times and its retry rules."""
    return {
        "id": id,
        "organizationId": api.organization,
        "name": name,
        "status": "draft",
        "phase": None,
        "statusReason": None,
        "agentId": api.agent,
        "carrierId": None,
        "callerIds": [],
        "callerIdRule": {"strategy": "rotate", "dailyCap": None},
        "startAt": None,
        "endedAt": None,
        "maxConcurrency": 10,
        "callsPerSecond": 1.0,
        "priority": 0,
        "reservedConcurrency": 0,
        "window": {"timeZoneMode": "contact", "timeZone": None, "unknownTimeZone": "skip", **NEVER},
        "voicemail": {"action": "hangup"},
        "policy": NO_POLICY,
        "counts": dict.fromkeys(
            ("total", "pending", "calling", "waiting", "completed", "exhausted", "skipped", "canceled"), 0
        ),
        **said,
    }


def without_times(shown: dict[str, Any]) -> dict[str, Any]:
    """The rest of a campaign, once its times and rules are found to be what they are to be."""
    times = {name: shown.pop(name) for name in ("createdAt", "updatedAt", "startedAt")}
    assert all(time is None or MOMENT.fullmatch(time) for time in times.values())
    assert (times["startedAt"] is None) == (shown["status"] == "draft")
    retry = shown.pop("retry")
    assert set(retry) == {"maxAttempts", "rules"}
    assert all(set(rule) == {"outcome", "delayMinutes", "maxRetries", "anotherPartOfDay"} for rule in retry["rules"])
    if shown["status"] == "active":
        # The engine's to say, and it may not have said it yet.
        assert shown.pop("phase") in (None, "idle", "dialing", "outside_window", "waiting")
    return shown


def test_the_published_operations_answer_as_they_always_did(api: Furnished) -> None:
    listed = api.client.get("/api/campaigns", params={"limit": 1, "offset": 1, "status": "draft"})
    assert (listed.status_code, listed.json()) == (
        200,
        {"data": [], "pagination": {"total": 1, "limit": 1, "offset": 1}},
    )
    (draft,) = api.client.get("/api/campaigns", params={"status": "draft"}).json()["data"]
    assert without_times(draft) == campaign(api, api.draft, "Spring")

    added = api.client.post(f"/api/campaigns/{api.active}/contacts", json={"contactIds": ["bob", "ada", "dee", "ada"]})
    (invalid,) = added.json()["invalidContacts"]
    assert set(invalid) == {"contactId", "reason"}
    assert (added.status_code, added.json()) == (
        200,
        {
            "campaignId": api.active,
            "requested": 3,
            "added": 1,
            "reset": 1,
            "invalid": 1,
            "invalidContacts": [{"contactId": "dee", "reason": invalid["reason"]}],
        },
    )

    scheduled = api.client.post(f"/api/campaigns/{api.draft}/start", json={"startAt": "2999-01-01T01:00:00+01:00"})
    assert scheduled.status_code == 200
    expected = campaign(api, api.draft, "Spring", phase="scheduled", startAt="2999-01-01T00:00:00Z")
    assert without_times(scheduled.json()) == expected
    started = api.client.post(f"/api/campaigns/{api.active}/start")
    expected = campaign(api, api.active, "Summer", status="active", statusReason="user")
    expected["counts"] |= {"total": 2, "pending": 2}
    del expected["phase"]
    assert (started.status_code, without_times(started.json())) == (200, expected)
