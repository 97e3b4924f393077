"""Public holidays, by the `holidays` library: slow to load, so that it is loaded when a day off is first asked for."""

from datetime import date
from functools import lru_cache


@lru_cache(maxsize=1024)
def holidays(jurisdiction: str, year: int) -> frozenset[date]:
    """The public holidays of a country (FR) or a part of one (US-FL). None are known for a place the library lacks."""
    import holidays as library  # noqa: PLC0415

    country, _, part = jurisdiction.partition("-")
    parts = library.list_supported_countries().get(country)
    if parts is None:
        return frozenset()
    return frozenset(library.country_holidays(country, subdiv=part if part in parts else None, years=year))
