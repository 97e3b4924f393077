"""What a consent serves for, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from agentalk.domain.consent import Consent, ConsentType

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WRITTEN = Consent(type=ConsentType.WRITTEN, captured_at=NOW - HOUR, evidence="form 12")


@pytest.mark.parametrize(
    ("given", "needed", "serves"),
    [
        ("written", "written", True),
        ("written", "express", True),
        ("express", "express", True),
        ("express", "written", False),
    ],
)
def test_written_consent_is_more_than_express(given: str, needed: str, serves: bool) -> None:
    consent = replace(WRITTEN, type=ConsentType(given))
    assert consent.serves(ConsentType(needed), NOW) is serves


def test_a_consent_holds_from_when_it_was_given_until_it_expires() -> None:
    consent = replace(WRITTEN, expires_at=NOW)
    assert not consent.serves(ConsentType.EXPRESS, NOW - HOUR - timedelta(seconds=1))
    assert consent.serves(ConsentType.EXPRESS, NOW - HOUR)
    assert consent.serves(ConsentType.EXPRESS, NOW - timedelta(microseconds=1))
    assert not consent.serves(ConsentType.EXPRESS, NOW)


@pytest.mark.parametrize(
    ("consent", "field"),
    [
        (replace(WRITTEN, evidence="  "), "consent.evidence"),
        (replace(WRITTEN, expires_at=WRITTEN.captured_at), "consent.expiresAt"),
    ],
)
def test_a_bad_consent_names_its_field(consent: Consent, field: str) -> None:
    assert WRITTEN.problem() is None
    problem = consent.problem()
    assert problem is not None
    assert problem[0] == field


GOOD = {"type": "written", "capturedAt": "2026-01-01T00:00:00Z", "evidence": "form 12"}


@pytest.mark.parametrize(
    "said",
    [
        {**GOOD, "type": "implied"},
        {**GOOD, "capturedAt": "2026-01-01T00:00:00"},
        {**GOOD, "evidence": ""},
        {**GOOD, "by": "me"},
        {"type": "written", "evidence": "form 12"},
    ],
)
def test_what_is_no_consent_is_not_read_as_one(said: dict[str, Any]) -> None:
    assert msgspec.convert(GOOD, Consent).expires_at is None
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(said, Consent)
