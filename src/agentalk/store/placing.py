"""Contacts of a database that knew no jurisdictions: where each may be, worked out once, when it is migrated."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from agentalk.domain.contact import Address, zone_group
from agentalk.domain.ids import ContactId, OrgId
from agentalk.store.database import Tx, execute, fetch
from agentalk.store.queries import load

SQL = load("placing")

_BATCH = 5_000
_FIRST = OrgId(UUID(int=0)), ContactId("")


async def place_contacts(tx: Tx) -> None:
    """Write every contact's zone group anew. Campaigns learn of it as they come to the contact."""
    last = _FIRST
    while rows := await contacts_after(tx, *last, _BATCH):
        placed = [
            {"organization_id": org, "id": id, "zones": zone_group(phone, zone, address and _address(address))}
            for org, id, phone, zone, address in rows
        ]
        await place(tx, placed)
        last = rows[-1][0], rows[-1][1]


async def contacts_after(tx: Tx, org: OrgId, id: ContactId, most: int) -> list[tuple[Any, ...]]:
    """The next contacts in the order of their keys: (organization, id, phone, time zone, address as JSON)."""
    return await fetch(tx, SQL["contacts_after"], org=org, id=id, most=most)


async def place(tx: Tx, placed: Sequence[dict[str, Any]]) -> None:
    """Set `zones` of contacts; one that has them already is left alone."""
    await execute(tx, SQL["place"], placed=msgspec.json.encode(placed).decode())


def _address(text: str) -> Address:
    return msgspec.json.decode(text, type=Address)
