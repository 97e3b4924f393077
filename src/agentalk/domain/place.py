"""Where a person may be: every time zone and every jurisdiction that a number or an address allows.

The number's come from `phonenumbers` and, within +1, from the area code; an address's from the files in `places/`. What
cannot be told is never narrowed down by guessing: it counts as everything it may be.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files

import msgspec
import phonenumbers
import phonenumbers.timezone
from phonenumbers.tzdata import TIMEZONE_DATA

from agentalk.domain.window import is_zone

# A state of the US that is not known, as a toll-free number's: judged as the strictest, see policy/presets/US-ZZ.toml.
SOME_STATE = "US-ZZ"
# Numbers under +1 without a place may be Canada's as well.
_SOMEWHERE_IN_NANP = (SOME_STATE, "CA")
_NANP = 1
# New area codes on the ground of old ones that span zones: the library gives them the greater zone alone (NANPA, 2026).
_OVERLAYS = {
    **{"364": "270", "448": "850", "458": "541", "930": "812", "367": "418", "581": "418"},
    **{"236": "250", "257": "250", "672": "250", "778": "250"},
}
# Territories of the US have codes of their own in ISO 3166-1, and are parts of it in ISO 3166-2.
_TERRITORIES = frozenset({"AS", "GU", "MP", "PR", "VI"})
_IN_PARTS = ("US", "CA")
# An address that says no more than the country narrows nothing down where that has more zones than this.
_FEW_ZONES = 3


class Place(msgspec.Struct, frozen=True):
    """Zones and jurisdictions, each in order and possibly none. `vague`: no more is known than a wide country."""

    zones: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    vague: bool = False


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A state or province as its file says: area codes, and by zone the beginnings of postal codes."""

    name: str
    area_codes: str
    postal_codes: dict[str, str]


NOWHERE = Place()


def of_number(number: phonenumbers.PhoneNumber) -> Place:
    """Where the holder of a number may be. No zone if the library knows none, or one that this machine lacks."""
    if number.country_code == _NANP:
        return _in_nanp(number)
    zones = phonenumbers.timezone.time_zones_for_number(number)
    country = phonenumbers.region_code_for_number(number)
    if country is None or not country.isalpha():
        return Place(_known(zones))
    # The library's metadata gives some countries (Morocco, Algeria, …) a neighbour's zone, whose clock is not theirs.
    own = _countries().get(country, ())
    return Place(_known((*zones, *own) if len(own) == 1 else zones), (country,))


def _in_nanp(number: phonenumbers.PhoneNumber) -> Place:
    national = str(number.national_number)
    places = _nanp(national[:3])
    if national[:3] in _by_area_code():
        return Place(_zones_of_area(national[:3]), places)
    # To the library a mobile of the Caribbean may be anywhere under +1; its area code says which country it is of.
    own = _countries().get(places[0]) if len(places) == 1 else None
    return Place(_known(own or phonenumbers.timezone.time_zones_for_number(number)), places)


@lru_cache(maxsize=1024)
def _zones_of_area(code: str) -> tuple[str, ...]:
    """Every zone of an area code, and of the one that it overlays.

    The library tells zones apart by the next three digits; but a mobile keeps its number wherever its holder lives, and
    an exchange that the library does not list falls to the greater zone.
    """
    starts = tuple(f"{_NANP}{area}" for area in {code, _OVERLAYS.get(code, code)})
    found = {zone for start, zones in TIMEZONE_DATA.items() if start.startswith(starts) for zone in zones}
    return _known(tuple(sorted(found)))


@lru_cache(maxsize=16384)
def of_address(country: str | None, region: str | None, postal_code: str | None) -> Place:
    """Where an address is: `country` as ISO 3166-1, `region` a code or a name, `postal_code` as it is written."""
    if country is None:
        return NOWHERE
    country = country.upper()
    if country in _TERRITORIES:
        country, region = "US", country
    if country not in _IN_PARTS:
        zones = _countries().get(country, ())
        return Place(zones, (country,), vague=len(zones) > _FEW_ZONES)
    parts = _parts(country)
    coded = _by_postal_code(country).get(_prefix(country, postal_code), {})
    named = _region(country, region)
    if named is None and not coded:
        every = sorted({zone for part in parts.values() for zone in part.postal_codes})
        return Place(tuple(every), (SOME_STATE if country == "US" else country,), vague=True)
    # Where region and postal code contradict each other, both count.
    possible = {zone for part, found in coded.items() if named in (None, part) for zone in found}
    if named is not None and named not in coded:
        possible |= {*parts[named].postal_codes, *(zone for found in coded.values() for zone in found)}
    both = {named} if named in coded else {named, *coded} - {None}
    return Place(tuple(sorted(possible)), tuple(sorted(f"{country}-{part}" for part in both)))


@lru_cache(maxsize=16384)
def united(number: Place, address: Place) -> Place:
    """Every zone and jurisdiction of either. A country is left out beside a part of it, which stands on its rules."""
    places = {*number.jurisdictions, *address.jurisdictions}
    parts = {place.partition("-")[0] for place in places if "-" in place and place != SOME_STATE}
    places = {place for place in places if not (place in parts or (place == SOME_STATE and "US" in parts))}
    narrowed = address.vague and _countries_in(number) >= _countries_in(address)
    zones = number.zones if narrowed else (*number.zones, *address.zones)
    return Place(tuple(sorted(set(zones))), tuple(sorted(places)))


def _countries_in(place: Place) -> set[str]:
    return {name.partition("-")[0] for name in place.jurisdictions}


def _known(zones: tuple[str, ...]) -> tuple[str, ...]:
    # A name this machine does not know makes the whole answer unknown: better not called than called at night.
    return zones if all(is_zone(zone) and zone != "Etc/Unknown" for zone in zones) else ()


@lru_cache(maxsize=1024)
def _nanp(area_code: str) -> tuple[str, ...]:
    parts = _by_area_code().get(area_code)
    if parts is not None:
        return parts
    country = phonenumbers.region_code_for_number(phonenumbers.PhoneNumber(_NANP, int(f"{area_code}5550100")))
    return _SOMEWHERE_IN_NANP if country is None or country in _IN_PARTS else (country,)


@lru_cache(maxsize=1)
def _countries() -> Mapping[str, tuple[str, ...]]:
    rows = msgspec.toml.decode(_file("countries"), type=dict[str, str])
    return {country: tuple(zones.split()) for country, zones in rows.items()}


@lru_cache(maxsize=2)
def _parts(country: str) -> Mapping[str, _Part]:
    return msgspec.toml.decode(_file(country), type=dict[str, _Part])


def _file(name: str) -> bytes:
    return (files("agentalk.domain") / "places" / f"{name}.toml").read_bytes()


@lru_cache(maxsize=1)
def _by_area_code() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for country in _IN_PARTS:
        for code, part in _parts(country).items():
            for area in part.area_codes.split():
                found.setdefault(area, []).append(f"{country}-{code}")
    return {area: tuple(sorted(parts)) for area, parts in found.items()}


@lru_cache(maxsize=2)
def _by_postal_code(country: str) -> Mapping[str, Mapping[str, set[str]]]:
    """By the beginning of a postal code: its parts, and the zones in each."""
    found: dict[str, dict[str, set[str]]] = {}
    for code, part in _parts(country).items():
        for zone, ranges in part.postal_codes.items():
            for prefix in _spelled(ranges):
                found.setdefault(prefix, {}).setdefault(code, set()).add(zone)
    return found


def _spelled(ranges: str) -> Iterator[str]:
    for piece in ranges.split():
        first, _, last = piece.partition("-")
        yield from (f"{n:03}" for n in range(int(first), int(last) + 1)) if last else (first,)


def _prefix(country: str, postal_code: str | None) -> str:
    return (postal_code or "").strip().upper()[: 3 if country == "US" else 1]


def _region(country: str, region: str | None) -> str | None:
    """The code of a state or province, given by code or by name; None if there is no such one."""
    if region is None:
        return None
    said = region.strip().upper().removeprefix(f"{country}-")
    return _region_codes(country).get(said)


@lru_cache(maxsize=2)
def _region_codes(country: str) -> Mapping[str, str]:
    parts = _parts(country)
    return {code: code for code in parts} | {part.name.upper(): code for code, part in parts.items()}
