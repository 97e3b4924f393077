"""What a preview and an explanation look like."""

import io
from datetime import UTC
from typing import Any

import pytest
from rich.console import Console

from agentalk.cli import explain, prospects

CAMPAIGN = {"name": "Spring", "status": "draft", "startAt": None}
PREVIEW: dict[str, Any] = {
    "startsAt": "2026-03-04T15:00:00Z",
    "callable": 4812,
    "ready": 4500,
    "calling": 3,
    "waits": [{"reason": "outside_window", "contacts": 312, "until": "2026-03-05T09:00:00Z"}],
    "skipped": [{"reason": "do_not_call", "contacts": 17, "already": 5}],
    "windows": [
        {
            "timeZones": ["America/New_York"],
            "jurisdictions": ["US-NY"],
            "contacts": 4500 - n,
            "opensAt": "2026-03-04T14:00:00Z",
            "closesAt": None,
        }
        for n in range(20)
    ],
    "pace": {"perHour": 3600.0, "boundBy": "campaign.callsPerSecond", "perDay": None},
    "hours": [
        {"startsAt": f"2026-03-0{4 + n // 24}T{n % 24:02}:00:00Z", "calls": 100 * (n % 7), "retries": 0}
        for n in range(15, 40)
    ],
    "firstCalls": 4812,
    "retries": 1200,
    "endsAt": "2026-03-05T12:30:00Z",
    "assumptions": ["Calls end as calls usually do."],
}
EXPLAINED: dict[str, Any] = {
    "contact": {"contactId": "crm-4711", "status": "waiting", "attempts": 1},
    "phone": "+12125550100",
    "timeZones": ["America/New_York"],
    "jurisdictions": ["US-NY"],
    "rule": "campaign_paused",
    "says": "The campaign is paused.",
    "against": [
        {"rule": "campaign_paused", "says": "The campaign is paused.", "until": None, "basis": {}},
        {
            "rule": "frequency_cap",
            "says": "Called as often as is allowed.",
            "until": "2026-03-05T10:00:00Z",
            "basis": {"cap": {"scope": "phone", "max": 3, "hours": 24.0, "used": 3}},
        },
    ],
    "nextAt": "2026-03-05T14:00:00Z",
    "local": [{"timeZone": "America/New_York", "at": "2026-03-05T09:00:00-05:00"}],
    "calls": [
        {
            "at": "2026-03-04T15:00:00Z",
            "attempt": 1,
            "status": "ended",
            "outcome": "no_answer",
            "policyVersion": "dd947b7ee0dd081e",
            "decision": {"caps": [{"scope": "phone", "max": 3, "hours": 24.0, "used": 0}]},
        }
    ],
    "events": [
        {"at": "2026-03-04T15:00:30Z", "type": "call.ended", "data": {}},
        {"at": "2026-03-04T15:00:30Z", "type": "contact.retry_scheduled", "data": {"nextAttemptAt": None}},
    ],
    "policy": {
        "version": "dd947b7ee0dd081e",
        "inForce": {
            "purpose": "survey",
            "frequency": [{"scope": "phone", "max": 3, "hours": 24.0}],
            "requireConsent": False,
            "duplicatePhones": "skip",
            "jurisdictions": [],
            "minRingSeconds": 25,
            "retentionDays": 1826,
        },
        "saidBy": dict.fromkeys(explain._POLICY, "default") | {"purpose": "campaign"},
        "sources": [{"jurisdiction": "US-NY", "name": "United States", "source": "47 CFR", "date": "2026-11-26"}],
    },
}


def drawn(shown: Any, width: int) -> str:
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True)
    console.print(shown)
    return console.export_text()


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_preview_says_it_all_and_fits(width: int) -> None:
    text = drawn(prospects.page(CAMPAIGN, PREVIEW, UTC), width)

    for said in (
        "4,812 to be called",
        "4,500 of them at once",
        "17 not called",
        "do not call",
        "5 already",
        "Thu 5 Mar 09:00",
        "and 8 more",
        "█",
        "Thu 5 Mar 12:30",
    ):
        assert said in text
    assert max(len(row) for row in text.splitlines()) <= width


def test_the_bars_stand_in_their_hours() -> None:
    text = drawn(prospects.page(CAMPAIGN, PREVIEW, UTC), 100)
    (day,) = [row for row in text.splitlines() if row.startswith("│  Wed 4 Mar ") and "·" in row]
    assert day.index("▂") - day.index("Wed") - 21 == 2 * 15
    assert "2,400" in day


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"callable": 0}, "nobody is left to call"),
        ({"endsAt": None}, "no end within 30 days"),
        ({}, "the last ends about"),
    ],
)
def test_the_end(said: dict[str, Any], words: str) -> None:
    assert words in drawn(prospects.summary({**PREVIEW, **said}, UTC), 200)


@pytest.mark.parametrize("width", [80, 100, 140])
def test_an_explanation_says_it_all_and_fits(width: int) -> None:
    text = drawn(explain.page(EXPLAINED, UTC), width)

    for said in (
        "crm-4711",
        "The campaign is paused.",
        "frequency cap",
        "Thu 5 Mar 14:00",
        "Thu 5 Mar 09:00 America/New_York",
        "call 1: no answer",
        "0 of 3 in 24 h by phone",
        "contact.retry_scheduled",
        "dd947b7ee0dd081e",
        "47 CFR",
    ):
        assert said in " ".join(text.replace("│", " ").split())
    assert "call.ended" not in text
    assert max(len(row) for row in text.splitlines()) <= width


def test_a_contact_who_is_never_called_again_has_no_moment() -> None:
    text = drawn(explain.page({**EXPLAINED, "nextAt": None, "local": []}, UTC), 100)
    assert "No call is to be expected" in text
