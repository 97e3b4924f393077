"""Public holidays, by the `holidays` library.

It loads all its countries, half a second or more: when a day off is first asked for, or before, by whoever must not
wait then (`load`).
"""

from datetime import date
from functools import lru_cache


def load() -> None:
    """Have the library ready. Takes its time, and is best done in a thread."""
    holidays("US", 2026)


@lru_cache(maxsize=1024)
def holidays(jurisdiction: str, year: int) -> frozenset[date]:
    """The public holidays of a country (FR) or a part of one (US-FL). None are known for a place the library lacks."""
    import holidays as library  # noqa: PLC0415

    country, _, part = jurisdiction.partition("-")
    parts = library.list_supported_countries().get(country)
    if parts is None:
        return frozenset()
    return frozenset(library.country_holidays(country, subdiv=part if part in parts else None, years=year))
