"""When the next attempt is due: in another part of the day than the last, or at the time that somebody asked for.

`opens` gives the first lawful moment from a given one on, or None if there is none.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

Opens = Callable[[datetime], datetime | None]

# The hours of local time at which the afternoon and the evening begin; the morning begins with the day.
_NOON, _EVENING = 12, 17
# How much longer than it has to a contact may wait for another part of the day.
_SEARCH = timedelta(days=7)
_LONGEST = timedelta(days=366)


def lawful(opens: Opens, earliest: datetime) -> datetime:
    """The first lawful moment from `earliest` on; where there is none, `earliest`: hours may be changed."""
    return opens(earliest) or earliest


def elsewhere_in_day(opens: Opens, zones: Sequence[ZoneInfo], tried_at: datetime, earliest: datetime) -> datetime:
    """The first lawful moment from `earliest` on that is, on every clock the person may go by, in another part of the
    day than `tried_at`; if there is none within a week, the first lawful moment.
    """
    first = moment = lawful(opens, earliest)
    while clock := next((zone for zone in zones if _part(moment, zone) == _part(tried_at, zone)), None):
        opening = opens(_end_of_part(moment, clock))
        if opening is None or opening > first + _SEARCH:
            return first
        moment = opening
    return moment


def asked_for(at: datetime, zones: Sequence[ZoneInfo], opens: Opens, now: datetime) -> datetime | None:
    """The moment meant by somebody who asked to be called at `at`, in UTC; None if it is more than a year from now.

    Without an offset it is a time on the person's clock: if that may be one of several, the first by which the moment
    is lawful.
    """
    if abs(at.year - now.year) > 2:
        return None
    readings = [at] if at.tzinfo else sorted({at.replace(tzinfo=zone).astimezone(UTC) for zone in zones or (UTC,)})
    moment = next((reading for reading in readings if opens(reading) == reading), readings[0]).astimezone(UTC)
    return moment if abs(moment - now) <= _LONGEST else None


def _part(moment: datetime, zone: ZoneInfo) -> int:
    hour = moment.astimezone(zone).hour
    return (hour >= _NOON) + (hour >= _EVENING)


def _end_of_part(moment: datetime, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    ends = (time(_NOON), time(_EVENING), time())
    day = local.date() + timedelta(days=local.hour >= _EVENING)
    return datetime.combine(day, ends[_part(moment, zone)], tzinfo=zone).astimezone(UTC)
