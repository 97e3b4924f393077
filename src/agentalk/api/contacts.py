"""Contacts over HTTP."""

from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated

import msgspec

from agentalk.api.answers import Reply
from agentalk.api.auth import Caller
from agentalk.api.body import LIST, Upload
from agentalk.api.deep import Position, deep_page
from agentalk.api.endpoint import delete, get, patch, post, put
from agentalk.api.query import DeepPage, Listing
from agentalk.domain.contact import Contact
from agentalk.domain.ids import ContactId
from agentalk.operations import contact_import, contacts
from agentalk.operations.contact_import import Imported
from agentalk.operations.contacts import ContactDraft, ContactPatch
from agentalk.store.database import Tx

TAG = "Contacts"


class ContactsQuery(DeepPage, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which contacts are asked for."""

    phone: Annotated[str, msgspec.Meta(description="Only contacts with this number, in E.164.")] | None = None


class ImportQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How to read the file."""

    default_country: (
        Annotated[str, msgspec.Meta(description="Where numbers without + belong if their row names no country, as US.")]
        | None
    ) = None


@get("/api/contacts", summary="List Contacts", tag=TAG)
async def contacts_list(tx: Tx, caller: Caller, query: ContactsQuery) -> Listing[Contact]:
    """All contacts, those made last first."""
    listed = tx, caller.org, query.phone
    return await deep_page(query, Position, partial(contacts.total, *listed), partial(contacts.page, *listed))


@post("/api/contacts", summary="Create Contact", tag=TAG, status=201)
async def contacts_create(tx: Tx, caller: Caller, body: ContactDraft, now: datetime) -> Contact:
    """Under an id that we make. To use an id of your own, PUT it."""
    return await contacts.create(tx, caller.own, body, now)


@post("/api/contacts/import", summary="Import Contacts", tag=TAG, most=LIST)
async def contacts_import(tx: Tx, caller: Caller, body: Upload, query: ImportQuery, now: datetime) -> Imported:
    """A CSV file in UTF-8, its cells parted by commas, semicolons or tabs; the first row names the columns.

    `phone` is required. `id` is the contact's own id; without it, the phone is. `name`, `timeZone`, `country`,
    `region`, `postalCode` and `language` are known, and `consentType`, `consentCapturedAt`, `consentEvidence` and
    `consentExpiresAt`; any other column becomes an attribute. A contact that exists is completed: an empty cell leaves
    what is known as it is. Each refused row comes back with its reason; the others are taken. Sent again, a file
    changes nothing, so that a long one may be sent in parts, each with the first row.
    """
    return await contact_import.import_csv(tx, caller.own, body.file, query.default_country, now)


@get("/api/contacts/{contact_id}", summary="Get Contact", tag=TAG)
async def contacts_retrieve(tx: Tx, caller: Caller, contact_id: ContactId) -> Contact:
    """One contact."""
    return await contacts.get(tx, caller.own, contact_id)


@put("/api/contacts/{contact_id}", summary="Put Contact", tag=TAG, also=(201,))
async def contacts_put(
    tx: Tx, caller: Caller, contact_id: ContactId, body: ContactDraft, seen: datetime | None, now: datetime
) -> Reply[Contact]:
    """Under an id of your own: made if there is none (201), else replaced as a whole (200)."""
    contact, is_new = await contacts.put(tx, caller.own, contact_id, body, seen, now)
    return Reply(contact, HTTPStatus.CREATED if is_new else HTTPStatus.OK)


@patch("/api/contacts/{contact_id}", summary="Change Contact", tag=TAG)
async def contacts_update(
    tx: Tx, caller: Caller, contact_id: ContactId, body: ContactPatch, seen: datetime | None, now: datetime
) -> Contact:
    """What is left out stays. Campaigns that are still to call the contact follow its phone and time zone."""
    return await contacts.change(tx, caller.own, contact_id, body, seen, now)


@delete("/api/contacts/{contact_id}", summary="Delete Contact", tag=TAG, status=204)
async def contacts_delete(tx: Tx, caller: Caller, contact_id: ContactId, now: datetime) -> None:
    """Everything known of the person is forgotten, and no campaign calls them any more. A live call goes on."""
    await contacts.delete(tx, caller.own, contact_id, now)


handlers = (
    contacts_list,
    contacts_create,
    contacts_import,
    contacts_retrieve,
    contacts_put,
    contacts_update,
    contacts_delete,
)
