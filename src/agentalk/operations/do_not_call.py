"""Do-not-call lists: made, filled, looked into. A number counts from the commit on. `org` None: any organization's."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import msgspec

from agentalk.domain.audit import AuditAction
from agentalk.domain.campaign_contact import SkipReason
from agentalk.domain.contact import NO_NUMBER, asked_number, read_phone
from agentalk.domain.do_not_call import ListedNumber, NumberCheck, NumberList
from agentalk.domain.errors import Conflict, FieldError, Invalid, NotFound, TooMany
from agentalk.domain.ids import CampaignId, ListId, OrgId, uuid7
from agentalk.domain.number_file import BadNumber
from agentalk.domain.policy.decision import ListKind
from agentalk.domain.policy.model import CallingPolicy, Purpose
from agentalk.operations.suppression import Stopped, stop_calling, stop_reserved
from agentalk.store import audit, campaigns, do_not_call, opt_outs
from agentalk.store.database import Tx

MOST = 100_000


class NewNumberList(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A list to make. A campaign's names its `campaignId`; a registry its `jurisdiction` and the day of its data."""

    kind: ListKind
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    campaign_id: CampaignId | None = None
    jurisdiction: Annotated[str, msgspec.Meta(description="Where a registry counts, as US or FR.")] | None = None
    purposes: Annotated[
        tuple[Purpose, ...], msgspec.Meta(description="The purposes of calls that a registry counts for; none: all.")
    ] = ()
    as_of: Annotated[date, msgspec.Meta(description="The day of a registry's data.")] | None = None


class AddedNumbers(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of numbers: `added`, `known` and `refused` add up to `rows`; a number given twice is known.

    `released` calls to them were about to begin and were given back; `skipped` contacts of campaigns are not called.
    `errors` says why numbers were refused: of the first thousand.
    """

    rows: int
    added: int
    known: int
    refused: int
    released: int
    skipped: int
    errors: tuple[BadNumber, ...]


async def create(tx: Tx, org: OrgId, draft: NewNumberList, now: datetime) -> NumberList:
    """Make a list. Raises `Invalid`, and `Conflict` if the organization, or the campaign, has its own already."""
    await _check(tx, org, draft, now)
    id = ListId(uuid7(now))
    made = NumberList(id=id, created_at=now, updated_at=now, **msgspec.structs.asdict(draft))
    if not await do_not_call.insert(tx, org, made):
        raise Conflict(f"There is a list of this {draft.kind} already. Add numbers to it.", code="list_exists")
    return made


async def get(tx: Tx, org: OrgId | None, id: ListId) -> NumberList:
    """One list. Raises `NotFound`."""
    found = await do_not_call.get(tx, org, id)
    if found is None:
        raise NotFound.noun("do-not-call list", id)
    return found


async def page(
    tx: Tx, org: OrgId | None, kind: ListKind | None, limit: int, offset: int
) -> tuple[list[NumberList], int]:
    """Lists, newest first, and how many there are in all."""
    return await do_not_call.page(tx, org, kind, limit, offset), await do_not_call.total(tx, org, kind)


async def delete(tx: Tx, org: OrgId | None, id: ListId, actor: str, now: datetime) -> None:
    """Forget a list with all that is on it. Raises `NotFound`."""
    home, known = await hold(tx, org, id)
    numbers = await do_not_call.empty(tx, id)
    await do_not_call.delete(tx, id)
    data = {"listId": id, "kind": known.kind, "name": known.name, "numbers": numbers}
    await audit.write(tx, home, actor, AuditAction.LIST_DELETED, data, now)


async def add(tx: Tx, org: OrgId | None, id: ListId, phones: Sequence[str], now: datetime) -> AddedNumbers:
    """Put numbers on a list; nobody is about to call them once this commits. Raises `NotFound`, `TooMany`."""
    if len(phones) > MOST:
        detail = f"`phones` holds {len(phones):,} numbers; a request may carry {MOST:,}. Import a file instead."
        raise TooMany(detail, errors=[FieldError("phones", f"may hold at most {MOST:,} numbers")])
    home, known = await hold(tx, org, id)
    read = [(i, text, read_phone(text)) for i, text in enumerate(phones, 1)]
    good = sorted({phone for _, _, phone in read if phone})
    bad = [BadNumber(i, text, NO_NUMBER) for i, text, phone in read if phone is None]
    added = await do_not_call.add_numbers(tx, home, id, good, now)
    stopped = await take_effect(tx, home, known, good, now)
    return AddedNumbers(
        rows=len(phones),
        added=added,
        known=len(phones) - added - len(bad),
        refused=len(bad),
        released=stopped.released,
        skipped=stopped.skipped,
        errors=tuple(bad[:1000]),
    )


async def take_effect(tx: Tx, org: OrgId, known: NumberList, phones: Sequence[str], now: datetime) -> Stopped:
    """What calls these numbers stops. Whether a registry counts is for each call's policy: it is judged anew."""
    if known.kind is ListKind.REGISTRY:
        return await stop_reserved(tx, org, known.id, now)
    return await stop_calling(tx, org, phones, SkipReason.DO_NOT_CALL, now, known.campaign_id)


async def numbers(
    tx: Tx, org: OrgId | None, id: ListId, before: str | None, limit: int, offset: int
) -> list[tuple[str, ListedNumber]]:
    """A list's numbers in descending order, from below `before`; each with itself as its key. Raises `NotFound`."""
    await get(tx, org, id)
    return await do_not_call.numbers(tx, id, before, limit, offset)


async def total_numbers(tx: Tx, org: OrgId | None, id: ListId) -> int:
    """How many numbers a list holds. Raises `NotFound`."""
    await get(tx, org, id)
    return await do_not_call.total_numbers(tx, id)


async def remove(tx: Tx, org: OrgId | None, id: ListId, phone: str, actor: str, now: datetime) -> None:
    """Take a number off a list; who was skipped stays so until added to a campaign anew. Raises `NotFound`."""
    home, known = await hold(tx, org, id)
    number = asked_number(phone)
    since = await do_not_call.remove_number(tx, home, id, number)
    if since is None:
        raise NotFound(f"{number} is not on this list.")
    data = {"listId": id, "name": known.name, "phone": number, "addedAt": since}
    await audit.write(tx, home, actor, AuditAction.NUMBER_REMOVED, data, now)


async def check(tx: Tx, org: OrgId, phone: str) -> NumberCheck:
    """All that stands against calling a number. Raises `Invalid`."""
    number = asked_number(phone)
    lists = tuple(await do_not_call.holding(tx, org, number))
    return NumberCheck(phone=number, opt_out=await opt_outs.get(tx, org, number), lists=lists)


async def hold(tx: Tx, org: OrgId | None, id: ListId) -> tuple[OrgId, NumberList]:
    """A list and its organization, held until the transaction ends. Raises `NotFound`."""
    found = await do_not_call.lock(tx, org, id)
    if found is None:
        raise NotFound.noun("do-not-call list", id)
    return found


def check_date(field: str, day: date, now: datetime) -> None:
    """Raises `Invalid` for data of tomorrow, anywhere on earth."""
    if (day - now.date()).days > 1:
        raise Invalid.field(field, "is a day in the future")


async def _check(tx: Tx, org: OrgId, draft: NewNumberList, now: datetime) -> None:
    registry = {"jurisdiction": draft.jurisdiction, "asOf": draft.as_of}
    for field, value in registry.items():
        if (value is None) == (draft.kind is ListKind.REGISTRY):
            raise Invalid.field(field, "is required of a registry" if value is None else "is only a registry's")
    if draft.purposes and draft.kind is not ListKind.REGISTRY:
        raise Invalid.field("purposes", "are only a registry's")
    if (draft.campaign_id is None) == (draft.kind is ListKind.CAMPAIGN):
        raise Invalid.field("campaignId", "is required of a campaign's list, and of no other")
    if draft.campaign_id is not None and await campaigns.find(tx, org, draft.campaign_id) is None:
        raise Invalid.field("campaignId", "names no campaign of this organization")
    if draft.jurisdiction is not None and CallingPolicy(jurisdictions=(draft.jurisdiction,)).problem():
        raise Invalid.field("jurisdiction", "must be a country as FR, or a part of one as US-FL (ISO 3166)")
    if draft.as_of is not None:
        check_date("asOf", draft.as_of, now)
