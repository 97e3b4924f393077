"""Contacts: people with phones. A deleted one keeps an emptied row, because its calls refer to it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import TupleRow

from agentalk.domain.consent import Consent
from agentalk.domain.contact import Address, Contact
from agentalk.domain.contact_file import ContactRow
from agentalk.domain.ids import ContactId, OrgId
from agentalk.domain.window import ZoneGroup
from agentalk.store.database import Tx, execute, fetch, fetch_anew, fetch_one
from agentalk.store.queries import load

SQL = load("contacts")


class Merged(msgspec.Struct, frozen=True):
    """A contact after an import, and whether there was none before; the rest is told of one that was there."""

    id: ContactId
    is_new: bool
    phone: str
    zones: ZoneGroup
    time_zone: str | None
    address: Address | None


async def get(tx: Tx, org: OrgId, id: ContactId) -> Contact | None:
    """One contact."""
    row = await fetch_one(tx, SQL["get"], org=org, id=id)
    return _contact(row) if row else None


async def lock(tx: Tx, org: OrgId, id: ContactId) -> Contact | None:
    """One contact, held until the transaction ends."""
    row = await fetch_one(tx, SQL["lock"], org=org, id=id)
    return _contact(row) if row else None


async def page(
    tx: Tx, org: OrgId | None, phone: str | None, before: int | None, limit: int, offset: int
) -> list[tuple[int, Contact]]:
    """Contacts, newest first, from below `seq` `before`; each with its `seq`. `org` None: every organization's."""
    rows = await fetch_anew(tx, SQL["page"], org=org, phone=phone, before=before, limit=limit, offset=offset)
    return [(row[-1], _contact(row)) for row in rows]


async def total(tx: Tx, org: OrgId | None, phone: str | None) -> int:
    """How many such contacts there are."""
    rows = await fetch_anew(tx, SQL["total"], org=org, phone=phone)
    return int(rows[0][0])


async def put(tx: Tx, org: OrgId, contact: Contact, zones: ZoneGroup) -> tuple[Contact, bool]:
    """Make a contact be this; what was written, and whether there was none before."""
    row = await fetch_one(
        tx,
        SQL["put"],
        org=org,
        id=contact.id,
        phone=contact.phone,
        name=contact.name,
        time_zone=contact.time_zone,
        zones=zones,
        address=_json(contact.address),
        language=contact.language,
        attributes=_json(contact.attributes),
        consent=_json(contact.consent),
        now=contact.updated_at,
    )
    if row is None:
        raise RuntimeError("an upsert returns its row")
    return _contact(row), row[-1]


async def merge(tx: Tx, org: OrgId, rows: Sequence[ContactRow], now: datetime) -> list[Merged]:
    """Make or complete contacts with distinct ids. The zones of one that was there are still those of its row alone."""
    written = await fetch(tx, SQL["merge"], org=org, rows=msgspec.json.encode(rows).decode(), now=now)
    return [
        Merged(id, is_new, phone, zones, zone, _address(where)) for id, is_new, phone, zones, zone, where in written
    ]


async def place(tx: Tx, org: OrgId, zones: Mapping[ContactId, ZoneGroup]) -> None:
    """Give contacts the zones that they have now."""
    rows = [{"id": id, "zones": group} for id, group in zones.items()]
    # Anew: a plan from the time when there were few contacts would walk all of them.
    await fetch_anew(tx, SQL["place"], org=org, rows=msgspec.json.encode(rows).decode())


async def delete(tx: Tx, org: OrgId, id: ContactId, now: datetime) -> bool:
    """Forget a person; False if there is no such contact."""
    return await execute(tx, SQL["delete"], org=org, id=id, now=now) == 1


def _contact(row: TupleRow) -> Contact:
    return Contact(
        id=row[0],
        phone=row[1],
        name=row[2],
        time_zone=row[3],
        address=_address(row[4]),
        language=row[5],
        attributes=msgspec.json.decode(row[6], type=dict[str, Any]),
        consent=row[7] and msgspec.json.decode(row[7], type=Consent),
        phone_invalid_at=row[8],
        created_at=row[9],
        updated_at=row[10],
    )


def _address(text: str | None) -> Address | None:
    return None if text is None else msgspec.json.decode(text, type=Address)


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
