"""How the simulated carrier misbehaves: what it answers to a placement, and how it reports the call."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar, assert_never

import msgspec

from agentalk.carriers.simulator.world import draw

Thing = TypeVar("Thing")


class Fault(StrEnum):
    """What goes wrong with the answer to one placement."""

    TOO_MANY_REQUESTS = "too_many_requests"
    BAD_REQUEST = "bad_request"
    SERVER_ERROR = "server_error"
    SERVER_ERROR_PLACED = "server_error_placed"
    RESET = "reset"
    RESET_PLACED = "reset_placed"
    ACCEPT_THEN_TIMEOUT = "accept_then_timeout"
    SLOW_REPLY = "slow_reply"

    @property
    def rings(self) -> bool:
        """Whether the call is placed all the same."""
        match self:
            case Fault.TOO_MANY_REQUESTS | Fault.BAD_REQUEST | Fault.SERVER_ERROR | Fault.RESET:
                return False
            case Fault.SERVER_ERROR_PLACED | Fault.RESET_PLACED:
                return True
            case Fault.ACCEPT_THEN_TIMEOUT | Fault.SLOW_REPLY:
                return True
        assert_never(self)


class Reporting(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """How a call's events are reported: so many copies of each, so late, and perhaps backwards after the end."""

    copies: int = 1
    delay_seconds: float = 0.0
    backwards: bool = False


PROMPTLY = Reporting()


class Faults(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Probabilities of faults, from 0 to 1; seconds are of the carrier's clock.

    Those of the answer exclude each other, and so do those of the callbacks: each group adds up to 1 at most.
    """

    too_many_requests: float = 0.0
    bad_request: float = 0.0
    server_error: float = 0.0
    server_error_placed: float = 0.0
    reset: float = 0.0
    reset_placed: float = 0.0
    accept_then_timeout: float = 0.0
    slow_reply: float = 0.0
    slow_reply_seconds: float = 60.0

    callback_missing: float = 0.0
    callback_repeated: float = 0.0
    callback_copies: int = 10
    callback_reordered: float = 0.0
    callback_late: float = 0.0
    callback_late_seconds: float = 3600.0

    def __post_init__(self) -> None:
        for group in (self._answers(), self._reports()):
            chances = [chance for chance, _ in group]
            if min(chances) < 0 or sum(chances) > 1 + 1e-9:
                raise ValueError("Probabilities are not negative, and those of a group add up to 1 at most.")
        if not 1 <= self.callback_copies <= 100:
            raise ValueError("callbackCopies is from 1 to 100.")
        if min(self.slow_reply_seconds, self.callback_late_seconds) < 0:
            raise ValueError("Seconds are not negative.")

    def decide(self, seed: int, phone: str, nth: int) -> tuple[Fault | None, Reporting]:
        """The faults of one request. `nth` is the number of earlier requests for this phone: a retry draws anew."""
        if self == NO_FAULTS:
            return None, PROMPTLY
        answer, report, *_ = draw(seed, "faults", phone, nth)
        return _pick(self._answers(), answer), _pick(self._reports(), report) or PROMPTLY

    def _answers(self) -> list[tuple[float, Fault]]:
        return [(getattr(self, fault.value), fault) for fault in Fault]

    def _reports(self) -> list[tuple[float, Reporting]]:
        return [
            (self.callback_missing, Reporting(copies=0)),
            (self.callback_repeated, Reporting(copies=self.callback_copies)),
            (self.callback_reordered, Reporting(backwards=True)),
            (self.callback_late, Reporting(delay_seconds=self.callback_late_seconds)),
        ]


NO_FAULTS = Faults()


def _pick(group: Iterable[tuple[float, Thing]], lot: float) -> Thing | None:
    for chance, thing in group:
        if lot < chance:
            return thing
        lot -= chance
    return None
