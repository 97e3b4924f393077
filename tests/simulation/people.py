"""Who is called: numbers of many countries, with the zones in which their owners may be by an account of our own."""

from datetime import datetime, timedelta
from random import Random

import msgspec
import phonenumbers
from phonenumbers import timezone

from agentalk.domain.consent import Consent, ConsentType
from agentalk.domain.contact import Address
from agentalk.operations.contacts import ContactDraft

# Prefix → the zones of such a number and whose law holds, written down by hand; None: whatever zones the numbering
# plan's data say (there are many).
PLACES: dict[str, tuple[tuple[str, ...] | None, str]] = {
    "+1212555": (("America/New_York",), "US"),
    "+1305555": (("America/New_York",), "Florida"),
    "+1312555": (("America/Chicago",), "US"),
    "+1214555": (("America/Chicago",), "Texas"),
    "+1602555": (("America/Phoenix",), "US"),
    "+1310555": (("America/Los_Angeles",), "US"),
    "+1808555": (("Pacific/Honolulu",), "US"),
    "+44207946": (("Europe/London",), "elsewhere"),
    "+33199000": (("Europe/Paris",), "France"),
    "+91981234": (("Asia/Kolkata",), "elsewhere"),
    "+55119123": (("America/Sao_Paulo",), "elsewhere"),
    "+1907555": (("America/Anchorage", "America/Adak"), "US"),
    "+1709555": (("America/St_Johns", "America/Halifax"), "Canada"),
    "+1208555": (("America/Boise", "America/Los_Angeles"), "US"),
    "+61412345": (None, "elsewhere"),
    "+1800555": (None, "any state"),
    "+7912123": (None, "elsewhere"),
    "+883510000000": ((), "elsewhere"),
}
_WEIGHTS = (12, 4, 6, 4, 5, 7, 4, 7, 7, 6, 4, 2, 3, 3, 2, 2, 2, 3)
_LENGTHS = {"+44207946": 13, "+33199000": 12, "+91981234": 13, "+55119123": 14, "+61412345": 12, "+883510000000": 16}
_OWN_ZONES = ("Europe/Berlin", "America/Denver", "Asia/Tokyo", "Africa/Lagos", "Australia/Lord_Howe")


class Person(msgspec.Struct, frozen=True):
    """A contact as the world knows it. `zones` is empty if nobody can tell; `law` is whose hours are kept."""

    id: str
    phone: str
    zones: tuple[str, ...]
    law: str
    draft: ContactDraft


def place_of(phone: str) -> tuple[tuple[str, ...], str]:
    """The zones in which the owner of a number of this world may be, and whose law holds."""
    zones, law = next(place for prefix, place in PLACES.items() if phone.startswith(prefix))
    if zones is None:
        zones = tuple(timezone.time_zones_for_number(phonenumbers.parse(phone)))
    return zones, law


def some_consent(random: Random, now: datetime) -> Consent | None:
    """What somebody may have agreed to: much, little, nothing, or until some hour of the days to come."""
    lot = random.random()
    if lot < 0.15:
        return None
    return Consent(
        type=random.choice(list(ConsentType)),
        captured_at=now - timedelta(days=30),
        evidence="a form",
        expires_at=now + timedelta(hours=random.uniform(1, 48)) if lot > 0.8 else None,
    )


def some_person(random: Random, id: str, phones: list[str], now: datetime) -> Person:
    """A person with a number of their own, or now and then with somebody else's, written in another way."""
    own = random.random() > 0.06 or not phones
    phone = _number(random) if own else random.choice(phones)
    phones.append(phone)
    zone = random.choice(_OWN_ZONES) if random.random() < 0.05 else None
    written, country = phone, None
    if phone.startswith("+1") and random.random() < 0.3:
        country, written = "CA" if phone.startswith("+1709") else "US", f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}"
    draft = ContactDraft(
        phone=written,
        name=f"Person {id}",
        time_zone=zone,
        address=Address(country=country) if country else None,
        consent=some_consent(random, now),
    )
    return a_person(id, phone, draft)


def a_person(id: str, phone: str, draft: ContactDraft) -> Person:
    """What the world knows of somebody with this number."""
    zones, law = place_of(phone)
    return Person(id, phone, (draft.time_zone,) if draft.time_zone else zones, law, draft)


def _number(random: Random) -> str:
    prefix = random.choices(list(PLACES), _WEIGHTS)[0]
    missing = _LENGTHS.get(prefix, 12) - len(prefix)
    return prefix + "".join(random.choices("0123456789", k=missing))
