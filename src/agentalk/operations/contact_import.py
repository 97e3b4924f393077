"""Contacts from a CSV file. Good rows are never lost to bad ones."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO

import msgspec

from agentalk.domain.contact import is_country, zone_group
from agentalk.domain.contact_file import BadRow, ContactFile, ContactRow, merged
from agentalk.domain.errors import Invalid
from agentalk.domain.ids import ContactId, OrgId
from agentalk.domain.window import ZoneGroup
from agentalk.operations.campaign_contacts import keep_countable
from agentalk.store import campaign_contacts, contacts
from agentalk.store.contacts import Merged
from agentalk.store.database import Tx, notify

_ROWS_PER_STATEMENT = 1000


class RowError(msgspec.Struct, frozen=True):
    """Why a row was refused, with its cells. `row` counts as a spreadsheet does: the header is row 1."""

    row: int
    field: str | None
    message: str
    values: tuple[str, ...]


class RowNote(msgspec.Struct, frozen=True):
    """Something to know about a row that was taken."""

    row: int
    message: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file. `created`, `updated`, `replaced` and `refused` add up to `rows`.

    A row with the id of one before it is laid over that one and counts as replaced. `notes` tell of each, `errors` of
    each that was refused.
    """

    rows: int
    created: int
    updated: int
    replaced: int
    refused: int
    errors: tuple[RowError, ...]
    notes: tuple[RowNote, ...]


async def import_csv(tx: Tx, org: OrgId, file: IO[bytes], default_country: str | None, now: datetime) -> Imported:
    """Make or complete a contact for each row of a file (`domain/contact_file.py`). Sent again, it changes nothing.

    Where there is no `id`, the phone is the contact's id. An empty cell leaves what is known as it is.
    Raises `Invalid` for a file without a usable first row.
    """
    if default_country is not None and not is_country(default_country):
        raise Invalid.field("defaultCountry", "must be a code of two letters, as US (ISO 3166-1 alpha-2)")
    reading = _Reading(ContactFile(file, default_country))
    created = 0
    ahead = reading.ahead()
    try:
        while rows := await ahead:
            ahead = reading.ahead()
            written = await contacts.merge(tx, org, rows, now)
            known = [one.id for one in written if not one.is_new]
            if known:
                await contacts.place(tx, org, _moved(written))
                await keep_countable(tx, await campaign_contacts.refresh_zones(tx, org, known))
            created += len(written) - len(known)
    finally:
        await asyncio.wait({ahead})
        reading.file.release()
    await notify(tx, str(org))
    return reading.told(created)


def _moved(written: Iterable[Merged]) -> dict[ContactId, ZoneGroup]:
    """The zones of contacts that are elsewhere than their rows alone say: of the rest something was known before."""
    groups = ((one, zone_group(one.phone, one.time_zone, one.address)) for one in written if not one.is_new)
    return {one.id: group for one, group in groups if group != one.zones}


class _Reading:
    """The file so far: which ids it named, and what is to be said of its rows."""

    def __init__(self, file: ContactFile) -> None:
        self.file = file
        self._rows: Iterator[tuple[int, ContactRow | BadRow]] = iter(file)
        self._named: dict[ContactId, int] = {}
        self._errors: list[RowError] = []
        self._notes: list[RowNote] = []

    def ahead(self) -> asyncio.Task[list[ContactRow]]:
        """The next contacts, read while those before them are written.

        In a thread, so that whoever else shares the loop need not wait while numbers are worked out.
        """
        return asyncio.create_task(asyncio.to_thread(self.next_rows))

    def next_rows(self) -> list[ContactRow]:
        """The next contacts, each id once; none at the end of the file."""
        found: dict[ContactId, ContactRow] = {}
        for at, row in self._rows:
            if isinstance(row, BadRow):
                self._errors.append(RowError(at, row.field, row.message, row.values))
                continue
            if row.id in self._named:
                self._notes.append(RowNote(at, f"has the same id as row {self._named[row.id]}, and was laid over it"))
            self._named[row.id] = at
            found[row.id] = merged(found[row.id], row) if row.id in found else row
            if len(found) == _ROWS_PER_STATEMENT:
                break
        return list(found.values())

    def told(self, created: int) -> Imported:
        """What became of the file, of whose contacts so many were new."""
        return Imported(
            rows=self.file.rows,
            created=created,
            updated=len(self._named) - created,
            replaced=len(self._notes),
            refused=len(self._errors),
            errors=tuple(self._errors),
            notes=tuple(self._notes),
        )
