"""A contact: a person with a phone, and the zones in which that phone may be."""

from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import phonenumbers
import phonenumbers.timezone

from agentalk.domain.ids import ContactId
from agentalk.domain.window import UNKNOWN_ZONE, ZoneGroup, is_zone


class Address(msgspec.Struct, frozen=True, rename="camel"):
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
    consent: dict[str, Any] | None
    phone_invalid_at: datetime | None
    created_at: datetime
    updated_at: datetime


def read_phone(text: str, country: str | None = None) -> str | None:
    """The number in E.164, or None if no number can be dialled from it.

    A number without `+` is read as one of `country` (ISO 3166-1 alpha-2). A number is taken if it is *possible* (its
    length fits its country): whether it is assigned only a call can tell.
    """
    try:
        number = phonenumbers.parse(text, country.upper() if country else None)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def zone_group(phone: str | None, time_zone: str | None) -> ZoneGroup:
    """Every zone the person may be in. An explicit zone replaces what the number suggests; see `domain/window.py`."""
    if time_zone is not None:
        return time_zone
    return UNKNOWN_ZONE if phone is None else _zones_of_number(phone)


@lru_cache(maxsize=65_536)
def _zones_of_number(phone: str) -> ZoneGroup:
    number = phonenumbers.parse(phone)
    names = phonenumbers.timezone.time_zones_for_number(number)
    # A name this machine does not know makes the whole answer unknown: better not called than called at night.
    if not names or not all(is_zone(name) and name != "Etc/Unknown" for name in names):
        return UNKNOWN_ZONE
    return ",".join(sorted(names))
