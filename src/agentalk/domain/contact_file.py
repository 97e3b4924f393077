"""A CSV file of contacts, read row by row: each a contact, or a reason why not."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count
from typing import IO

import msgspec

from agentalk.domain.consent import Consent
from agentalk.domain.contact import (
    BAD_ID,
    NO_NUMBER,
    Address,
    group_of,
    is_contact_id,
    is_country,
    read_number,
    zone_group,
)
from agentalk.domain.errors import Invalid
from agentalk.domain.ids import ContactId
from agentalk.domain.window import ZoneGroup, is_zone

_DELIMITERS = ",;\t|"
# How a column may be called, without case, spaces, dashes and underscores; any other name is an attribute's.
_FIELDS = {
    "id": "id",
    "phone": "phone",
    "phonenumber": "phone",
    "name": "name",
    "timezone": "timeZone",
    "country": "country",
    "region": "region",
    "postalcode": "postalCode",
    "language": "language",
    "consenttype": "consentType",
    "consentcapturedat": "consentCapturedAt",
    "consentevidence": "consentEvidence",
    "consentexpiresat": "consentExpiresAt",
}
_CONSENT = {
    "consentType": "type",
    "consentCapturedAt": "capturedAt",
    "consentEvidence": "evidence",
    "consentExpiresAt": "expiresAt",
}
_ADDRESS = ("country", "region", "postalCode")
_LONGEST = {"name": 200, "region": 200, "postalCode": 200, "language": 35}
_NOT_UTF8 = "\ufffd"
# What a spreadsheet makes of a long number: its last digits are gone.
_SCIENTIFIC = re.compile(r"\d+(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)


class ContactRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a row says of a contact; None is nothing. `zones` is the zone group of all that it says."""

    id: ContactId
    phone: str
    zones: ZoneGroup
    name: str | None = None
    time_zone: str | None = None
    address: dict[str, str] | None = None
    language: str | None = None
    attributes: dict[str, str] | None = None
    consent: Consent | None = None


class BadRow(msgspec.Struct, frozen=True):
    """A row that cannot be taken, because of one field or as a whole, with its cells."""

    field: str | None
    message: str
    values: tuple[str, ...]


class _Refused(Exception):
    """Why a row cannot be taken."""

    def __init__(self, field: str | None, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class ContactFile:
    """Reads a CSV file in UTF-8, with or without a byte order mark, its cells parted by commas, semicolons or tabs.

    The first row names the columns; one must be `phone`. `default_country` is where a number without `+` belongs if its
    row names no country. Raises `Invalid` for a file without such a first row. `rows` counts those read so far.
    """

    def __init__(self, file: IO[bytes], default_country: str | None) -> None:
        self.rows = 0
        self._country = default_country
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        try:
            first = next((line for line in self._text if line.strip()), "")
            self._cells = csv.reader(
                chain([first], self._text), delimiter=max(_DELIMITERS, key=first.count), strict=True
            )
            self._columns = _columns(next(self._cells, []))
        except csv.Error as error:
            self.release()
            raise Invalid(f"The file's first row is not CSV: {error}.") from None
        except Invalid:
            self.release()
            raise

    def release(self) -> None:
        """Let go of the file, without closing it."""
        self._text.detach()

    def __iter__(self) -> Iterator[tuple[int, ContactRow | BadRow]]:
        """Each row that is not empty, with its number as a spreadsheet counts: the first row of the file is row 1."""
        for at, cells in filled_rows(self._cells, 2):
            self.rows += 1
            yield at, BadRow(None, f"is not CSV: {cells}", ()) if isinstance(cells, csv.Error) else self._read(cells)

    def _read(self, cells: Sequence[str]) -> ContactRow | BadRow:
        try:
            return self._contact(cells)
        except _Refused as refused:
            return BadRow(refused.field, refused.message, tuple(cells))

    def _contact(self, cells: Sequence[str]) -> ContactRow:
        said, attributes = self._sorted(cells)
        written = said.get("phone")
        if written is None:
            raise _Refused("phone", "is empty")
        if _SCIENTIFIC.fullmatch(written):
            raise _Refused("phone", "was rounded by a spreadsheet; export the column as text")
        country = said.get("country")
        if country is not None and not is_country(country):
            raise _Refused("country", "must be a code of two letters, as US")
        number = read_number(written, country or self._country)
        if number is None:
            raise _Refused("phone", NO_NUMBER)
        id = said.get("id", number.phone)
        if not is_contact_id(id):
            raise _Refused("id", BAD_ID)
        zone = said.get("timeZone")
        if zone is not None and not is_zone(zone):
            raise _Refused("timeZone", "is not an IANA time zone, as Europe/Paris")
        address = {key: said[key] for key in _ADDRESS if key in said} or None
        return ContactRow(
            id=ContactId(id),
            phone=number.phone,
            zones=group_of(number, zone, _address(address)),
            name=said.get("name"),
            time_zone=zone,
            address=address,
            language=said.get("language"),
            attributes=attributes or None,
            consent=_consent(said),
        )

    def _sorted(self, cells: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        """The cells that say something, by field and by attribute."""
        if len(cells) > len(self._columns):
            raise _Refused(None, f"has {len(cells)} cells; the first row names {len(self._columns)}")
        text = "".join(cells)
        if _NOT_UTF8 in text:
            raise _Refused(None, "is not UTF-8; save the file as CSV in UTF-8")
        if "\0" in text:
            raise _Refused(None, "holds a NUL character")
        said: dict[str, str] = {}
        attributes: dict[str, str] = {}
        for (field, name), cell in zip(self._columns, cells, strict=False):
            value = cell.strip()
            if value and field is None:
                attributes[name] = value
            elif value and field:
                if len(value) > _LONGEST.get(field, 1000):
                    raise _Refused(field, f"is longer than {_LONGEST.get(field, 1000)} characters")
                said[field] = value
        return said, attributes


def filled_rows(cells: Iterator[list[str]], first: int) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """The rows that are not empty, or what is wrong with them, each with its number; the next one has `first`."""
    for at in count(first):
        try:
            row = next(cells, None)
        except csv.Error as error:
            yield at, error
            if "field larger" in str(error):
                return  # where the next row begins cannot be known
            continue
        if row is None:
            return
        if any(map(str.strip, row)):
            yield at, row


def _columns(header: Sequence[str]) -> list[tuple[str | None, str]]:
    """For each column its field and name: the field is None for an attribute, and empty for a column without a name."""
    names = [cell.strip() for cell in header]
    if any("\0" in name or _NOT_UTF8 in name for name in names):
        raise Invalid("The file is not text in UTF-8. Save it as CSV in UTF-8.")
    columns = [(_FIELDS.get(re.sub(r"[\s_-]", "", name).lower()) if name else "", name) for name in names]
    fields = [field or name for field, name in columns if name]
    twice = next((field for field in fields if fields.count(field) > 1), None)
    if twice is not None:
        raise Invalid(f"Two columns of the file are named `{twice}`. Name each column once.")
    if "phone" not in fields:
        named = ", ".join(f"`{name[:40]}`" for name in names[:20]) or "nothing"
        raise Invalid(f"The file's first row must name its columns, one of them `phone`. It names {named}.")
    return columns


def merged(one: ContactRow, later: ContactRow) -> ContactRow:
    """Two rows of one contact as one: the later row's cells count, where it has any."""
    said = {name: value for name in later.__struct_fields__ if (value := getattr(later, name)) is not None}
    for name in ("address", "attributes"):
        if name in said:
            said[name] = {**(getattr(one, name) or {}), **said[name]}
    whole = msgspec.structs.replace(one, **said)
    group = zone_group(whole.phone, whole.time_zone, _address(whole.address))
    return msgspec.structs.replace(whole, zones=group)


def _address(said: dict[str, str] | None) -> Address | None:
    return None if said is None else msgspec.convert(said, Address)


def _consent(said: Mapping[str, str]) -> Consent | None:
    """The consent that a row tells of. It counts as a whole or not at all: half a proof proves nothing."""
    given = {field: said[column] for column, field in _CONSENT.items() if column in said}
    if not given:
        return None
    try:
        consent = msgspec.convert(given, Consent)
    except msgspec.ValidationError:
        raise _Refused(
            "consentType",
            "needs express or written, with a consentCapturedAt as 2026-01-31T10:00:00Z and consentEvidence",
        ) from None
    if problem := consent.problem():
        raise _Refused("consentExpiresAt", problem[1])
    return consent
