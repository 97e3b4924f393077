"""Opt-outs: effective at the commit, in the whole organization, and removed by nothing but an explicit, audited act."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from agentalk.domain.audit import AuditAction
from agentalk.domain.campaign_contact import SkipReason
from agentalk.domain.contact import asked_number
from agentalk.domain.errors import Invalid, NotFound
from agentalk.domain.ids import CallId, ContactId, OrgId
from agentalk.domain.opt_out import OptOut, OptOutSource
from agentalk.operations.suppression import Stopped, stop_calling
from agentalk.store import audit, contacts, opt_outs
from agentalk.store.database import Tx


class NewOptOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Who asked not to be called, by `phone` or by `contactId`, and where that was said."""

    phone: str | None = None
    contact_id: ContactId | None = None
    source: Literal["api", "import", "console"] = "api"


async def opt_out(
    tx: Tx, org: OrgId, phones: Mapping[str, CallId | None], source: OptOutSource, now: datetime
) -> Stopped:
    """These numbers are not called any more, by no campaign; each with the call on which it was asked, if any."""
    await opt_outs.add(tx, org, phones, source, now)
    return await stop_calling(tx, org, list(phones), SkipReason.OPTED_OUT, now)


async def opt_out_on_calls(tx: Tx, ids: Sequence[CallId], now: datetime) -> None:
    """Whoever was on these calls asked not to be called again."""
    for org, phones in sorted((await opt_outs.of_calls(tx, ids)).items()):
        await opt_out(tx, org, phones, OptOutSource.CALL, now)


async def create(tx: Tx, org: OrgId, draft: NewOptOut, now: datetime) -> tuple[OptOut, bool]:
    """Keep an opt-out; the one there is, and whether it is new. Raises `Invalid`, `NotFound` for the contact."""
    phone = await _phone_of(tx, org, draft)
    known = await opt_outs.get(tx, org, phone)
    await opt_out(tx, org, {phone: None}, OptOutSource(draft.source), now)
    return await get(tx, org, phone), known is None


async def get(tx: Tx, org: OrgId, phone: str) -> OptOut:
    """The opt-out of a number. Raises `NotFound` if there is none."""
    found = await opt_outs.get(tx, org, asked_number(phone))
    if found is None:
        raise NotFound(f"{phone} has not opted out in your organization.")
    return found


async def page(
    tx: Tx, org: OrgId | None, before: tuple[datetime, str] | None, limit: int, offset: int
) -> list[tuple[tuple[datetime, str], OptOut]]:
    """Opt-outs, newest first, from below the (moment, number) `before`; each with its own."""
    return await opt_outs.page(tx, org, before, limit, offset)


async def total(tx: Tx, org: OrgId | None) -> int:
    """How many there are."""
    return await opt_outs.total(tx, org)


async def remove(tx: Tx, org: OrgId, phone: str, actor: str, now: datetime) -> None:
    """Let a number be called again; who was skipped stays so until added to a campaign anew. Raises `NotFound`."""
    removed = await opt_outs.remove(tx, org, asked_number(phone))
    if removed is None:
        raise NotFound(f"{phone} has not opted out in your organization.")
    await audit.write(tx, org, actor, AuditAction.OPT_OUT_REMOVED, msgspec.to_builtins(removed), now)


async def _phone_of(tx: Tx, org: OrgId, draft: NewOptOut) -> str:
    if (draft.phone is None) == (draft.contact_id is None):
        raise Invalid.field("phone", "or `contactId` is required, one of the two")
    if draft.phone is not None:
        return asked_number(draft.phone)
    contact = await contacts.get(tx, org, ContactId(draft.contact_id or ""))
    if contact is None:
        raise NotFound.noun("contact", draft.contact_id)
    if contact.phone is None:
        raise Invalid.field("contactId", "names a contact without a phone")
    return contact.phone
