"""What is lawful, by an account of our own: wall clocks read zone by zone, limits and policies as they were in force.

Nothing here calls the engine's functions: it shares with it what was asked for (windows, limits), and no reasoning.
"""

from datetime import date, datetime
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from agentalk.domain.consent import Consent
from agentalk.domain.policy.model import CallingPolicy
from agentalk.domain.window import TimeZoneMode, UnknownTimeZone, Window

T = TypeVar("T")
_WEEKDAYS, _WEEKEND = range(5), range(5, 7)
# Whose law → weekday → the hours in which people may be called: as the sources in docs/policy.md say, written anew.
LAWS: dict[str, dict[int, list[tuple[str, str]]]] = {
    "US": {day: [("08:00", "21:00")] for day in range(7)},
    "Florida": {day: [("08:00", "20:00")] for day in range(7)},
    "Texas": {day: [("09:00", "21:00")] for day in range(6)} | {6: [("12:00", "21:00")]},
    # Free of charge, it may be anybody's in any state or province: the strictest hours of all.
    "any state": {day: [("09:00", "18:00")] for day in _WEEKDAYS} | {5: [("10:00", "17:00")]},
    "Canada": {day: [("09:00", "21:30")] for day in _WEEKDAYS} | {day: [("10:00", "18:00")] for day in _WEEKEND},
    "France": {day: [("10:00", "13:00"), ("14:00", "20:00")] for day in _WEEKDAYS},
    "elsewhere": {day: [("09:00", "20:00")] for day in _WEEKDAYS} | {5: [("10:00", "18:00")]},
}
REGISTRY_DAYS = 31
HOLIDAYS = {"France": {date(2026, 4, 6), date(2026, 5, 14), date(2026, 5, 25), date(2026, 11, 1), date(2026, 11, 11)}}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class History(Generic[T]):
    """A thing that users change: what it is, and what it was at moments of late (in seconds of the world)."""

    def __init__(self, value: T) -> None:
        self._values: list[tuple[float, T]] = [(float("-inf"), value)]

    def change(self, at: float, value: T) -> None:
        """From now on it is this."""
        self._values.append((at, value))

    @property
    def now(self) -> T:
        """What it is."""
        return self._values[-1][1]

    def since(self, moment: float) -> list[T]:
        """Everything it was from `moment` on."""
        later = [i for i, (at, _) in enumerate(self._values) if at > moment]
        first = (later[0] if later else len(self._values)) - 1
        return [value for _, value in self._values[first:]]


def lawful(window: Window, zones: tuple[str, ...], law: str, moment: datetime) -> bool:
    """Whether somebody who may be in these zones, under this law, may be called by a campaign with this window."""
    clocks = zones
    if window.time_zone_mode is TimeZoneMode.CAMPAIGN or (
        not zones and window.unknown_time_zone is UnknownTimeZone.CAMPAIGN
    ):
        clocks = (window.time_zone or "",)
    return (
        bool(clocks)
        and all(_in_slots(window, moment.astimezone(ZoneInfo(zone))) for zone in clocks)
        and all(_allowed(law, moment.astimezone(ZoneInfo(zone))) for zone in zones or clocks)
    )


def in_america(law: str) -> bool:
    """Whether this is law of the United States."""
    return law in ("US", "any state", "Florida", "Texas")


def agreed(policy: CallingPolicy, law: str, consent: Consent | None, moment: datetime) -> bool:
    """Whether as much was agreed to as is needed: in America always, elsewhere if the campaign asks for it."""
    needed = policy.require_consent or (policy.purpose is not None and in_america(law))
    if not needed:
        return True
    given = consent is not None and consent.captured_at <= moment
    return given and (consent is None or consent.expires_at is None or moment < consent.expires_at)


def _allowed(law: str, local: datetime) -> bool:
    clock = f"{local:%H:%M}"
    spans = LAWS[law].get(local.weekday(), [])
    return local.date() not in HOLIDAYS.get(law, ()) and any(start <= clock < end for start, end in spans)


def _in_slots(window: Window, local: datetime) -> bool:
    clock, today = f"{local:%H:%M}", _DAYS[local.weekday()]
    yesterday = _DAYS[local.weekday() - 1]
    for slot in window.slots:
        if slot.start < slot.end:
            if slot.day == today and slot.start <= clock < slot.end:
                return True
        elif (slot.day == today and clock >= slot.start) or (slot.day == yesterday and clock < slot.end):
            return True
    return False
