"""How often: caps over rolling windows, and the peace that follows a conversation."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from agentalk.domain.policy.hours import jurisdictions
from agentalk.domain.policy.model import CapScope, FrequencyCap, InForce
from agentalk.domain.policy.presets import joined
from agentalk.domain.window import ZoneGroup


class Used(msgspec.Struct, frozen=True):
    """A cap and what stands against it. `free_at` is when one more attempt is allowed: None for a cap of 0."""

    cap: FrequencyCap
    used: int
    free_at: datetime | None

    def basis(self) -> dict[str, object]:
        """The same, to be kept with a decision."""
        return {"scope": self.cap.scope.value, "max": self.cap.max, "hours": self.cap.hours, "used": self.used}


def caps(inforce: InForce, group: ZoneGroup) -> tuple[FrequencyCap, ...]:
    """Every cap on calls to a person of `group`: the policy's, and each jurisdiction's by phone and by contact."""
    lawful = (
        FrequencyCap(scope, rule.max, rule.hours)
        for rule in joined(jurisdictions(inforce, group)).attempts
        if inforce.purpose in rule.purposes
        for scope in CapScope
    )
    return tuple(dict.fromkeys((*inforce.frequency, *lawful)))


def lookback(inforce: InForce, groups: Iterable[ZoneGroup]) -> timedelta:
    """How far back attempts count for any person of these groups: the longest window of a cap, or nothing."""
    hours = (cap.hours for group in groups for cap in caps(inforce, group))
    return timedelta(hours=max(hours, default=0))


def lockout(inforce: InForce, group: ZoneGroup) -> timedelta | None:
    """How long a person of `group` is left in peace after a conversation; None: not at all."""
    rules = joined(jurisdictions(inforce, group)).lockouts
    hours = [rule.hours for rule in rules if inforce.purpose in rule.purposes]
    return timedelta(hours=max(hours)) if hours else None


def use(cap: FrequencyCap, attempts: Sequence[datetime], now: datetime) -> Used:
    """What stands against a cap now. `attempts` are the moments of attempts, newest first.

    An attempt counts until exactly `hours` after it.
    """
    if not attempts:
        return Used(cap, 0, now if cap.max else None)
    window = timedelta(hours=cap.hours)
    used = sum(1 for at in attempts if at > now - window)
    if used < cap.max:
        return Used(cap, used, now)
    return Used(cap, used, attempts[cap.max - 1] + window if cap.max else None)
