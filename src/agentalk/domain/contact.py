"""A contact: a person with a phone, and the zones in which that phone may be."""

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import phonenumbers

from agentalk.domain import place
from agentalk.domain.consent import Consent
from agentalk.domain.errors import Invalid
from agentalk.domain.ids import ContactId
from agentalk.domain.place import NOWHERE, Place
from agentalk.domain.window import ZoneGroup, group_key


class Address(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where the person lives: `country` is ISO 3166-1 alpha-2, `region` its subdivision."""

    country: str | None = None
    region: str | None = None
    postal_code: str | None = None


class Contact(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A person to call. `id` is opaque and may be the caller's own; `phone` is E.164, or None if none is known.

    `phone_invalid_at` is when a carrier reported that the number does not exist; a new phone clears it.
    """

    id: ContactId
    phone: str | None
    name: str | None
    time_zone: str | None
    address: Address | None
    language: str | None
    attributes: dict[str, Any]
    consent: Consent | None
    phone_invalid_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Number(msgspec.Struct, frozen=True):
    """A number that can be dialled: in E.164, and every place it may be in."""

    phone: str
    place: Place


# A slash would part a path in two: such a contact could be neither read nor deleted by its address.
_ID = re.compile(r"[^\x00-\x1f\x7f-\x9f/]{1,200}")
# Some countries allow numbers that are longer than E.164 does; no carrier dials them.
_E164 = re.compile(r"\+[1-9][0-9]{4,14}")


BAD_ID = "must be 1 to 200 characters, none of them a slash or a control character"
NO_NUMBER = "is not a number that can be dialled; write it in E.164, as +14155550123, or give its country"


def is_contact_id(text: str) -> bool:
    """Whether a contact may have this id: 1 to 200 characters, no control characters, no slash."""
    return _ID.fullmatch(text) is not None


def is_e164(text: str) -> bool:
    """Whether this is a number in E.164, as `+14155550123`."""
    return _E164.fullmatch(text) is not None


def is_country(text: str) -> bool:
    """Whether this can be an ISO 3166-1 alpha-2 code."""
    return len(text) == 2 and text.isascii() and text.isalpha()


def read_phone(text: str, country: str | None = None) -> str | None:
    """The number in E.164, or None if no number can be dialled from it.

    A number without `+` is read as one of `country` (ISO 3166-1 alpha-2). A number is taken if it is *possible* (its
    length fits its country): whether it is assigned only a call can tell.
    """
    number = _parsed(text, country)
    return None if number is None else _written(number)


@lru_cache(maxsize=4096)
def read_number(text: str, country: str | None = None) -> Number | None:
    """As `read_phone`, with the number's place: for the price of one reading, not of two."""
    number = _parsed(text, country)
    phone = None if number is None else _written(number)
    return None if number is None or phone is None else Number(phone, place.of_number(number))


def asked_number(text: str) -> str:
    """The number in E.164 that a path or a query names. Raises `Invalid`."""
    # In a query a bare "+" means a space.
    number = read_phone("+" + text.strip().removeprefix("+"))
    if number is None:
        raise Invalid.field("phone", "is not a number in E.164, as +14155550123")
    return number


def zone_group(phone: str | None, time_zone: str | None, address: Address | None) -> ZoneGroup:
    """Every zone the person may be in, and every jurisdiction; see `domain/window.py` and `domain/place.py`."""
    number = None if phone is None else read_number(phone)
    return group_of(number, time_zone, address)


def group_of(number: Number | None, time_zone: str | None, address: Address | None) -> ZoneGroup:
    """As `zone_group`, of a number that has been read.

    An explicit zone replaces those of number and address. Without one, a number of unknown zone may be anywhere.
    """
    here = NOWHERE if number is None else number.place
    home = place.of_address(address.country, address.region, address.postal_code) if address else NOWHERE
    both = place.united(here, home)
    if time_zone is not None:
        return group_key([time_zone], both.jurisdictions)
    return group_key([] if number is not None and not here.zones else both.zones, both.jurisdictions)


def _parsed(text: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    number = _split(text) if is_e164(text) else None
    try:
        number = number or phonenumbers.parse(text, country.upper() if country else None)
    except phonenumbers.NumberParseException:
        return None
    return None if number.extension or not phonenumbers.is_possible_number(number) else number


def _split(text: str) -> phonenumbers.PhoneNumber | None:
    """A number in E.164 as `phonenumbers.parse` reads it, at a tenth of the cost; None where it would take digits off.

    No calling code is the beginning of another one.
    """
    for length in (1, 2, 3):
        prefixes, national = _taken_off(text[1 : 1 + length]), text[1 + length :]
        if prefixes is not None and len(national) > 1:
            taken = national[0] == "0" or prefixes.match(national)
            return None if taken else phonenumbers.PhoneNumber(int(text[1 : 1 + length]), int(national))
    return None


@lru_cache(maxsize=2048)
def _taken_off(calling_code: str) -> re.Pattern[str] | None:
    """What is taken off the front of national numbers under this calling code; None if there is no such code."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(calling_code))
    if regions is None:
        return None
    plan = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(calling_code), regions[0])
    return re.compile((plan.national_prefix_for_parsing if plan else None) or "(?!)")


def _written(number: phonenumbers.PhoneNumber) -> str | None:
    phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return phone if is_e164(phone) else None
