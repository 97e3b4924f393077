"""CSV files of contacts: what is understood, and what is said of the rest."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from agentalk.domain.contact_file import BadRow, ContactFile, ContactRow, merged
from agentalk.domain.errors import Invalid
from agentalk.domain.ids import ContactId


def read(text: str | bytes, country: str | None = None) -> list[tuple[int, ContactRow | BadRow]]:
    return list(ContactFile(io.BytesIO(text.encode() if isinstance(text, str) else text), country))


def only(text: str | bytes, country: str | None = None) -> ContactRow:
    ((_, row),) = read(text, country)
    assert isinstance(row, ContactRow), row
    return row


WEST = "America/Los_Angeles@US-CA"


def refused(text: str | bytes) -> tuple[str | None, str]:
    ((_, row),) = read(text)
    assert isinstance(row, BadRow), row
    return row.field, row.message


def test_every_column_finds_its_place() -> None:
    header = "ID,Phone Number,Name,time_zone,Country,region,postal-code,language,Plan,note\n"
    row = only(header + 'crm-1,(415) 555-0123,"Ada, née Byron",America/New_York,us,CA,94105,en,pro,"two\nlines"\n')

    assert row == ContactRow(
        id=ContactId("crm-1"),
        phone="+14155550123",
        zones="America/New_York@US-CA",
        name="Ada, née Byron",
        time_zone="America/New_York",
        address={"country": "us", "region": "CA", "postalCode": "94105"},
        language="en",
        attributes={"Plan": "pro", "note": "two\nlines"},
    )


@pytest.mark.parametrize(
    "text",
    [
        "phone,name\n+14155550123,Ada\n",
        "\ufeffphone,name\r\n+14155550123,Ada\r\n",
        "phone;name\n+14155550123;Ada",
        "phone\tname\n+14155550123\tAda\n",
        "name|phone\nAda|+1 415 555 0123\n",
        '"phone","name"\n"+14155550123","Ada"\n',
        "\n\nphone,name,\n\n , \n+14155550123, Ada ,\n,,\n",
        "phone,name,plan\n+14155550123,Ada\n",
    ],
)
def test_the_usual_dialects_are_understood(text: str) -> None:
    expected = ContactRow(id=ContactId("+14155550123"), phone="+14155550123", zones=WEST, name="Ada")
    assert only(text) == expected


@pytest.mark.parametrize(
    ("row", "country", "phone"),
    [
        ("020 7183 8750,", "GB", "+442071838750"),
        ("0171 2345678,DE", "GB", "+491712345678"),
        ("+33 6 12 34 56 78,DE", "GB", "+33612345678"),
    ],
)
def test_a_number_without_plus_belongs_to_its_country(row: str, country: str, phone: str) -> None:
    assert only(f"phone,country\n{row}\n", country).phone == phone


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("phone,name\n,Ada", "phone", "is empty"),
        ("phone\n4155550123", "phone", "is not a number"),
        ("phone\n+1415", "phone", "is not a number"),
        ("phone\n1.41556E+10", "phone", "rounded by a spreadsheet"),
        ("phone\n14155E6", "phone", "rounded by a spreadsheet"),
        ("phone,timeZone\n+14155550123,PST8", "timeZone", "is not an IANA time zone"),
        ("phone,country\n+14155550123,USA", "country", "two letters"),
        ("phone,name\n+14155550123," + "x" * 201, "name", "longer than 200"),
        ("phone,id\n+14155550123,a/b", "id", "slash"),
        ("phone,name\n+14155550123,Ada,extra", None, "has 3 cells; the first row names 2"),
        ("phone,name\n+14155550123,A\0da", None, "NUL"),
        (b"phone,name\n+14155550123,Zo\xeb\n", None, "is not UTF-8"),
        ('phone,name\n+14155550123,"Ada', None, "is not CSV: unexpected end of data"),
        ('phone,name\n+14155550123,"Ada"x', None, "is not CSV"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(text: str | bytes, field: str | None, message: str) -> None:
    found = refused(text)
    assert found[0] == field
    assert message in found[1]


def test_rows_are_numbered_as_in_a_spreadsheet_and_bad_ones_stop_nothing() -> None:
    rows = read('phone\n\nbad\n+14155550123\n"a"b\n+14155550124\n')

    assert [(at, isinstance(row, ContactRow)) for at, row in rows] == [(3, False), (4, True), (5, False), (6, True)]
    assert rows[0][1] == BadRow("phone", str(refused("phone\nbad")[1]), ("bad",))


def test_what_follows_a_cell_without_end_is_not_guessed_at() -> None:
    rows = read('phone,name\n+14155550123,Ada\n+14155550124,"' + "x\n" * 100_000 + "+14155550125,Eve\n")

    assert [isinstance(row, ContactRow) for _, row in rows] == [True, False]


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "names nothing"),
        ("\n\n", "names nothing"),
        ("name,mobile\nAda,+14155550123", "It names `name`, `mobile`"),
        ("phone,name,Phone Number\n", "Two columns of the file are named `phone`"),
        ("phone,plan,plan\n", "Two columns of the file are named `plan`"),
        ("phone,name\n".encode("utf-16"), "not text in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not text in UTF-8"),
        ('"phone\n', "is not CSV"),
    ],
)
def test_a_file_without_a_usable_first_row_is_refused(text: str | bytes, detail: str) -> None:
    with pytest.raises(Invalid) as error:
        read(text)
    assert detail in error.value.detail


def test_the_file_stays_open() -> None:
    for text in (b"phone\n+14155550123\n", b"name\n"):
        file = io.BytesIO(text)
        try:
            reading = ContactFile(file, None)
            list(reading)
            reading.release()
        except Invalid:
            pass
        assert file.seek(0) == 0


CONSENT = "phone,consentType,consentCapturedAt,consentEvidence,consentExpiresAt\n+14155550123,"


def test_a_consent_is_read() -> None:
    consent = only(CONSENT + "express,2026-01-31T10:00:00+01:00,form 12,2027-01-31T10:00:00Z\n").consent

    assert consent is not None
    assert (consent.type, consent.evidence) == ("express", "form 12")
    assert consent.captured_at == datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert consent.expires_at == datetime(2027, 1, 31, 10, tzinfo=UTC)
    assert only(CONSENT + ",,,\n").consent is None


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ("verbal,2026-01-31T10:00:00Z,form 12,", "consentType"),
        ("express,yesterday,form 12,", "consentType"),
        ("express,2026-01-31T10:00:00,form 12,", "consentType"),
        ("express,2026-01-31T10:00:00Z,,", "consentType"),
        (",,form 12,", "consentType"),
        ("express,2026-01-31T10:00:00Z,form 12,2025-01-31T10:00:00Z", "consentExpiresAt"),
    ],
)
def test_half_a_consent_is_refused(cells: str, field: str) -> None:
    assert refused(CONSENT + cells + "\n")[0] == field


def test_a_later_row_is_laid_over_an_earlier_one() -> None:
    def row(**said: Any) -> ContactRow:
        return ContactRow(id=ContactId("a"), **said)

    first = row(
        phone="+12125550100", zones="A", name="Ada", address={"region": "CA"}, attributes={"plan": "pro", "x": "1"}
    )
    later = row(phone="+14155550123", zones="B", language="en", address={"country": "US"}, attributes={"x": "2"})

    assert merged(first, later) == row(
        phone="+14155550123",
        zones=WEST,
        name="Ada",
        language="en",
        address={"region": "CA", "country": "US"},
        attributes={"plan": "pro", "x": "2"},
    )
