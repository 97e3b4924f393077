"""What the law allows, by jurisdiction: one file each in `presets/`, with its source and the date it was read.

A file names only what its place adds. `US-FL` stands on `US`; a part of a country without a file of its own is judged
as the country, and a country without one as `ZZ`, elsewhere. Where several jurisdictions apply, the strictest wins.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import files

import msgspec

from agentalk.domain.consent import ConsentType
from agentalk.domain.policy.model import Purpose
from agentalk.domain.spans import Week
from agentalk.domain.window import WEEK, Day, minutes

ELSEWHERE = "ZZ"
_ALL = tuple(Purpose)


class Attempts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `max` attempts to a person in any `hours` hours, by phone and by contact."""

    max: int
    hours: float
    purposes: tuple[Purpose, ...] = _ALL


class Lockout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For so many hours after a conversation a person is not called."""

    hours: float
    purposes: tuple[Purpose, ...] = _ALL


class Preset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A jurisdiction's file. `no_sundays` and `no_holidays` name the purposes for which those days are off.

    `hours` are the called party's, by weekday, as `08:00-21:00`; a day that is not named is off. Without `hours` the
    place adds none to those of the country. `registry_days` is how old a registry of numbers may be.
    """

    name: str
    source: str
    date: date
    notes: str = ""
    hours: dict[Day, tuple[str, ...]] | None = None
    no_sundays: tuple[Purpose, ...] = ()
    no_holidays: tuple[Purpose, ...] = ()
    attempts: tuple[Attempts, ...] = ()
    lockouts: tuple[Lockout, ...] = ()
    consent: dict[Purpose, ConsentType] = {}
    registry_days: int | None = None


@lru_cache(maxsize=1)
def presets() -> Mapping[str, Preset]:
    """Every file, by jurisdiction, as it is written. Read once. Raises `ValueError` for a file that makes no sense."""
    folder = files("agentalk.domain.policy") / "presets"
    found = {file.name.removesuffix(".toml"): file for file in folder.iterdir() if file.name.endswith(".toml")}
    return {name: read(file.name, file.read_bytes()) for name, file in sorted(found.items())}


def read(name: str, text: bytes) -> Preset:
    """A preset from the text of its file. Raises `ValueError` that says what is wrong with it."""
    try:
        found = msgspec.toml.decode(text, type=Preset)
        hours_of(found)
    except ValueError as error:
        raise ValueError(f"presets/{name}: {error}") from None
    if not found.source.strip():
        raise ValueError(f"presets/{name}: names no source")
    if found.hours is None and "-" not in name:
        raise ValueError(f"presets/{name}: a country must have hours")
    return found


@lru_cache(maxsize=1024)
def preset(jurisdiction: str) -> Preset:
    """What is allowed in `jurisdiction` (as FR, US-FL): its file joined with those that it stands on."""
    country, _, _ = jurisdiction.partition("-")
    known = presets()
    base = known.get(country, known[ELSEWHERE])
    own = known.get(jurisdiction)
    return base if own is None or own is base else strictest((base, own))


def strictest(several: Iterable[Preset]) -> Preset:
    """Several presets as one: only hours that all allow, and every cap, lockout, day off and consent of any."""
    first, *others = several
    for other in others:
        first = Preset(
            name=other.name,
            source=f"{other.source}; {first.source}",
            date=min(first.date, other.date),
            notes=" ".join(filter(None, (other.notes, first.notes))),
            hours=_shared(first.hours, other.hours),
            no_sundays=_union(first.no_sundays, other.no_sundays),
            no_holidays=_union(first.no_holidays, other.no_holidays),
            attempts=_union(first.attempts, other.attempts),
            lockouts=_union(first.lockouts, other.lockouts),
            consent={**first.consent, **other.consent, **_written(first), **_written(other)},
            registry_days=min((days for days in (first.registry_days, other.registry_days) if days), default=None),
        )
    return first


@lru_cache(maxsize=1024)
def joined(jurisdictions: tuple[str, ...]) -> Preset:
    """The strictest of all these jurisdictions; of none: elsewhere."""
    return strictest(preset(name) for name in jurisdictions or (ELSEWHERE,))


def hours_of(rules: Preset) -> Week:
    """A preset's hours in minutes, from Monday on. Raises `ValueError` for a span that is none."""
    hours = rules.hours or {}
    return tuple(tuple(map(_span, hours.get(day, ()))) for day in WEEK)


def _span(text: str) -> tuple[int, int]:
    start, _, end = text.partition("-")
    span = minutes(start), minutes(end)
    if span[0] is None or span[1] is None or span[0] >= span[1]:
        raise ValueError(f"not hours of a day: {text!r} (an example: 08:00-21:00)")
    return span[0], span[1]


def _shared(
    one: dict[Day, tuple[str, ...]] | None, other: dict[Day, tuple[str, ...]] | None
) -> dict[Day, tuple[str, ...]] | None:
    if one is None or other is None:
        return one if other is None else other
    return {day: _both(one.get(day, ()), other.get(day, ())) for day in WEEK}


def _both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    pairs = ((max(a[:5], b[:5]), min(a[6:], b[6:])) for a in one for b in other)
    return tuple(sorted(f"{start}-{end}" for start, end in pairs if start < end))


def _union(one: tuple, other: tuple) -> tuple:  # type: ignore[type-arg]
    return tuple(dict.fromkeys((*one, *other)))


def _written(rules: Preset) -> dict[Purpose, ConsentType]:
    return {purpose: need for purpose, need in rules.consent.items() if need is ConsentType.WRITTEN}
