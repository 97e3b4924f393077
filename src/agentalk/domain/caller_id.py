"""From which number to call: rotation, local presence, and what a number may bear in a day."""

from enum import StrEnum

import msgspec


class CallerIdStrategy(StrEnum):
    """`rotate`: all numbers alike. `local`: one of the callee's area code if there is any, else of the country."""

    ROTATE = "rotate"
    LOCAL = "local"


class CallerIdRule(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How a campaign's caller ids are used. `daily_cap`: calls a number may begin per UTC day in the organization."""

    strategy: CallerIdStrategy = CallerIdStrategy.ROTATE
    daily_cap: int | None = None
