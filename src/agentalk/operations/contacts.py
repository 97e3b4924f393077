"""Contacts: people with phones, under ids that the caller may choose."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from agentalk.domain.consent import Consent
from agentalk.domain.contact import (
    BAD_ID,
    NO_NUMBER,
    Address,
    Contact,
    asked_number,
    is_contact_id,
    is_country,
    read_phone,
    zone_group,
)
from agentalk.domain.errors import Invalid, NotFound, Stale
from agentalk.domain.ids import ContactId, OrgId, uuid7
from agentalk.domain.moment import in_utc
from agentalk.domain.window import is_zone
from agentalk.operations.campaign_contacts import keep_countable
from agentalk.store import campaign_contacts, contacts
from agentalk.store.database import Tx, notify

Phone = Annotated[str, msgspec.Meta(max_length=100, description="E.164, or as written in `address.country`.")]
Name = Annotated[str, msgspec.Meta(max_length=200)]
TimeZone = Annotated[str, msgspec.Meta(max_length=100, description="IANA name, as Europe/Paris.")]
Language = Annotated[str, msgspec.Meta(max_length=35, description="BCP 47 tag, as en or pt-BR.")]


class ContactDraft(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """All that is said of a contact; what is left out is not known."""

    phone: Phone | None = None
    name: Name | None = None
    time_zone: TimeZone | None = None
    address: Address | None = None
    language: Language | None = None
    attributes: dict[str, Any] = {}
    consent: Consent | None = None


class ContactPatch(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What to change of a contact. `address`, `attributes` and `consent` are replaced as a whole."""

    phone: Phone | UnsetType | None = UNSET
    name: Name | UnsetType | None = UNSET
    time_zone: TimeZone | UnsetType | None = UNSET
    address: Address | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET
    consent: Consent | UnsetType | None = UNSET


async def create(tx: Tx, org: OrgId, draft: ContactDraft, now: datetime) -> Contact:
    """Make a contact under an id of ours. Raises `Invalid`."""
    contact, _ = await _write(tx, org, ContactId(str(uuid7(now))), draft, now)
    return contact


async def put(
    tx: Tx, org: OrgId, id: ContactId, draft: ContactDraft, seen: datetime | None, now: datetime
) -> tuple[Contact, bool]:
    """Make the contact `id` be what the draft says; whether there was none before.

    Raises `Invalid`, and `Stale` if it is not as it was at `seen`.
    """
    if not is_contact_id(id):
        raise Invalid.field("id", BAD_ID)
    if seen is not None:
        known = await contacts.lock(tx, org, id)
        if known is None or known.updated_at != seen:
            raise Stale.noun("contact")
    return await _write(tx, org, id, draft, now)


async def get(tx: Tx, org: OrgId, id: ContactId) -> Contact:
    """One contact. Raises `NotFound`."""
    contact = await contacts.get(tx, org, id)
    if contact is None:
        raise NotFound.noun("contact", id)
    return contact


async def page(
    tx: Tx, org: OrgId | None, phone: str | None, before: int | None, limit: int, offset: int
) -> list[tuple[int, Contact]]:
    """Contacts, newest first, from below position `before`; each with its position."""
    return await contacts.page(tx, org, _wanted(phone), before, limit, offset)


async def total(tx: Tx, org: OrgId | None, phone: str | None) -> int:
    """How many such contacts there are."""
    return await contacts.total(tx, org, _wanted(phone))


async def change(
    tx: Tx, org: OrgId, id: ContactId, patch: ContactPatch, seen: datetime | None, now: datetime
) -> Contact:
    """Change a contact. Raises `NotFound`, `Invalid`, and `Stale` if it changed after `seen`."""
    known = await contacts.lock(tx, org, id)
    if known is None:
        raise NotFound.noun("contact", id)
    if seen is not None and known.updated_at != seen:
        raise Stale.noun("contact")
    said = {name: value for name in patch.__struct_fields__ if (value := getattr(patch, name)) is not UNSET}
    kept = {name: getattr(known, name) for name in ContactDraft.__struct_fields__}
    contact, _ = await _write(tx, org, id, ContactDraft(**{**kept, **said}), now)
    return contact


async def delete(tx: Tx, org: OrgId, id: ContactId, now: datetime) -> None:
    """Forget a person: nobody will be called under this id. A live call goes on. Raises `NotFound`."""
    if not await contacts.delete(tx, org, id, now):
        raise NotFound.noun("contact", id)
    await keep_countable(tx, await campaign_contacts.cancel_contact(tx, org, id))
    await notify(tx, str(org))


async def _write(tx: Tx, org: OrgId, id: ContactId, draft: ContactDraft, now: datetime) -> tuple[Contact, bool]:
    phone = _phone(draft)
    if draft.time_zone is not None and not is_zone(draft.time_zone):
        raise Invalid.field("timeZone", f'is not an IANA time zone: "{draft.time_zone}" (an example: "Europe/Paris")')
    contact = Contact(
        id=id,
        phone=phone,
        name=draft.name,
        time_zone=draft.time_zone,
        address=draft.address,
        language=draft.language,
        attributes=draft.attributes,
        consent=_consent(draft, now),
        phone_invalid_at=None,
        created_at=now,
        updated_at=now,
    )
    written, is_new = await contacts.put(tx, org, contact, zone_group(phone, draft.time_zone, draft.address))
    if not is_new and (moved := await campaign_contacts.refresh_zones(tx, org, [id])):
        await keep_countable(tx, moved)
        await notify(tx, str(org))
    return written, is_new


def _phone(draft: ContactDraft) -> str | None:
    country = draft.address.country if draft.address else None
    if country is not None and not is_country(country):
        raise Invalid.field("address.country", "must be a code of two letters, as US (ISO 3166-1 alpha-2)")
    if draft.phone is None:
        return None
    phone = read_phone(draft.phone, country)
    if phone is None:
        raise Invalid.field("phone", NO_NUMBER)
    return phone


def _consent(draft: ContactDraft, now: datetime) -> Consent | None:
    consent = draft.consent
    if consent is None:
        return None
    if problem := consent.problem():
        raise Invalid.field(*problem)
    expires = consent.expires_at and in_utc("consent.expiresAt", consent.expires_at)
    captured = in_utc("consent.capturedAt", consent.captured_at)
    if captured > now:
        raise Invalid.field("consent.capturedAt", "must not lie in the future")
    return msgspec.structs.replace(consent, captured_at=captured, expires_at=expires)


def _wanted(phone: str | None) -> str | None:
    return None if phone is None else asked_number(phone)
