"""The demo's day, and the rule by which it ends: nobody is being called, and nobody is to be called soon."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agentalk.domain.policy.hours import next_lawful
from agentalk.domain.policy.model import DEFAULTS
from agentalk.domain.window import WEEK, Slot, Window, ZoneGroup

HOME = ZoneInfo("America/Los_Angeles")
PLACES: Mapping[str, ZoneGroup] = {
    "San Francisco": "America/Los_Angeles@US-CA",
    "New York": "America/New_York@US-NY",
    "London": "Europe/London@GB",
    "Mumbai": "Asia/Kolkata@IN",
    "Sydney": "Australia/Sydney@AU",
}
# Twenty minutes before the American West may be called: one sees its window open.
DAWN = time(7, 40)
# In summer India's evening reaches until 20:10 by then: closed all the year round.
WINDOW = Window(slots=tuple(Slot(day, "08:00", "20:00") for day in WEEK))
# What comes later than so much ahead is left for another day.
HORIZON = timedelta(minutes=30)
# Soon for what may change within the demo, beyond the horizon for the rest.
RETRY = {
    "maxAttempts": 3,
    "rules": [
        {"outcome": "busy", "delayMinutes": [5, 240]},
        {"outcome": "no_answer", "delayMinutes": [10, 240]},
        {"outcome": "carrier_failure", "delayMinutes": [5, 240]},
        {"outcome": "voicemail", "delayMinutes": [240]},
        {"outcome": "unreachable", "delayMinutes": [360]},
        {"outcome": "rejected", "delayMinutes": [1440], "maxRetries": 1},
        {"outcome": "unknown", "delayMinutes": [240], "maxRetries": 1},
    ],
}


@dataclass(frozen=True)
class Next:
    """When a contact that has not reached an end is to be called next; `at` is None if that is not known."""

    contact_id: str
    status: str
    at: datetime | None


def dawn(now: datetime) -> datetime:
    """The moment at which the demo's day begins: 07:40 on the west coast, today or on the next Monday."""
    day = now.astimezone(HOME).date()
    day += timedelta(days=max(0, 7 - day.weekday())) if day.weekday() >= 5 else timedelta()
    return datetime.combine(day, DAWN, HOME).astimezone(UTC)


def outlook(
    waiting: Iterable[Mapping[str, str | None]], pending: Iterable[str], zones: Mapping[str, ZoneGroup], now: datetime
) -> list[Next]:
    """What is to come for each contact without an end.

    `waiting` are records of campaign contacts, `pending` ids; `zones` are the zone groups of contacts.
    """
    scheduled = [_scheduled(record) for record in waiting]
    unopened = [Next(id, "pending", opens(zones.get(id, ""), now)) for id in pending]
    return [*scheduled, *unopened]


def opens(group: ZoneGroup, now: datetime) -> datetime | None:
    """From when on such a person may be called; None if nobody can say."""
    span = next_lawful(WINDOW, DEFAULTS, group, now)
    return span and max(span[0], now)


def _scheduled(record: Mapping[str, str | None]) -> Next:
    at = record["nextAttemptAt"]
    return Next(str(record["contactId"]), "waiting", datetime.fromisoformat(at) if at else None)


def at_rest(coming: Iterable[Next], now: datetime) -> bool:
    """Whether every contact without an end has its next call at a known time beyond the horizon."""
    return all(one.at is not None and one.at >= now + HORIZON for one in coming)


def due(coming: Iterable[Next], now: datetime) -> list[Next]:
    """Those who should be called now, or of whom nobody knows when."""
    return [one for one in coming if one.at is None or one.at <= now]
