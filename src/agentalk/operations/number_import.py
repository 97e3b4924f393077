"""Do-not-call numbers from a file. Good rows are never lost to bad ones, and memory does not grow with the file."""

import asyncio
from datetime import date, datetime
from itertools import islice
from typing import IO

from agentalk.domain.audit import AuditAction
from agentalk.domain.contact import is_country
from agentalk.domain.do_not_call import NumberList
from agentalk.domain.errors import Invalid
from agentalk.domain.ids import ListId, OrgId
from agentalk.domain.number_file import BadNumber, NumberFile
from agentalk.domain.policy.decision import ListKind
from agentalk.operations.do_not_call import AddedNumbers, check_date, hold, take_effect
from agentalk.operations.suppression import Stopped
from agentalk.store import audit, do_not_call
from agentalk.store.database import Tx

_PER_STATEMENT = 5_000
_MOST_ERRORS = 1_000


async def import_numbers(
    tx: Tx,
    org: OrgId | None,
    id: ListId,
    file: IO[bytes],
    *,
    as_of: date | None,
    replace: bool,
    default_country: str | None,
    actor: str,
    now: datetime,
) -> AddedNumbers:
    """Put a file's numbers on a list (`domain/number_file.py`). Of a registry `as_of` is the day of its data.

    `replace`: what was on a registry before, and is not in the file, is on it no longer. Raises `NotFound`, `Invalid`.
    """
    home, known = await hold(tx, org, id)
    if (known.kind is ListKind.REGISTRY) == (as_of is None):
        raise Invalid.field("asOf", "is the day of the data: required of a registry, and of no other list")
    if replace and known.kind is not ListKind.REGISTRY:
        raise Invalid.field("replace", "is for registries: from your own lists numbers are removed one by one")
    if default_country is not None and not is_country(default_country):
        raise Invalid.field("defaultCountry", "must be a code of two letters, as US (ISO 3166-1 alpha-2)")
    if as_of is not None:
        check_date("asOf", as_of, now)
        await do_not_call.date_data(tx, id, as_of, now)
    if replace:
        await do_not_call.empty(tx, id)
    reading = _Reading(NumberFile(file, default_country))
    added = 0
    ahead = reading.ahead()
    try:
        while phones := await ahead:
            ahead = reading.ahead()
            added += await do_not_call.add_numbers(tx, home, id, phones, now)
    finally:
        await asyncio.wait({ahead})
        reading.file.release()
    # Last, and at once: while calls are being given back no dialer claims.
    stopped = await _take_effect(tx, home, known, now)
    data = {"listId": id, "name": known.name, "asOf": as_of, "replaced": replace, "added": added}
    await audit.write(tx, home, actor, AuditAction.NUMBERS_IMPORTED, data, now)
    return AddedNumbers(
        rows=reading.file.rows,
        added=added,
        known=reading.file.rows - reading.refused - added,
        refused=reading.refused,
        released=stopped.released,
        skipped=stopped.skipped,
        errors=tuple(reading.errors),
    )


async def _take_effect(tx: Tx, org: OrgId, known: NumberList, now: datetime) -> Stopped:
    if known.kind is ListKind.REGISTRY:
        return await take_effect(tx, org, known, (), now)
    released, skipped, after = 0, 0, ""
    while phones := await do_not_call.added_at(tx, known.id, now, after, _PER_STATEMENT):
        stopped = await take_effect(tx, org, known, phones, now)
        released, skipped, after = released + stopped.released, skipped + stopped.skipped, phones[-1]
    return Stopped(released, skipped)


class _Reading:
    """The file so far: what was wrong with its rows."""

    def __init__(self, file: NumberFile) -> None:
        self.file = file
        self.refused = 0
        self.errors: list[BadNumber] = []
        self._rows = iter(file)

    def ahead(self) -> asyncio.Task[list[str]]:
        """The next numbers, read in a thread while those before them are written."""
        return asyncio.create_task(asyncio.to_thread(self.next_numbers))

    def next_numbers(self) -> list[str]:
        """The next distinct numbers; none at the end of the file."""
        found: dict[str, None] = {}
        while not found and (rows := list(islice(self._rows, _PER_STATEMENT))):
            for row in rows:
                if isinstance(row, BadNumber):
                    self.refused += 1
                    if len(self.errors) < _MOST_ERRORS:
                        self.errors.append(row)
                else:
                    found[row] = None
        return list(found)
