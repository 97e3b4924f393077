"""How many requests a token may send: a bucket for each, in this process."""

from datetime import datetime
from math import ceil

from litestar.types import Scope

from agentalk.api.errors import TooFast
from agentalk.api.headers import add
from agentalk.domain.ids import TokenId

# Two seconds' worth may come at once.
_BURST_SECONDS = 2
# Beyond so many buckets, those that are full again are forgotten.
_MOST_BUCKETS = 10_000


class RateLimit:
    """At most `rate` requests per second and token on average; 0 is no limit."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate * _BURST_SECONDS)
        self._buckets: dict[TokenId, tuple[float, datetime]] = {}

    def spend(self, scope: Scope, token: TokenId, now: datetime) -> None:
        """Take one request from the token's bucket and put `RateLimit-*` on the answer. Raises `TooFast`."""
        if self._rate <= 0:
            return
        left, at = self._buckets.get(token, (self._most, now))
        left = min(self._most, left + max(0.0, (now - at).total_seconds()) * self._rate)
        admitted = left >= 1
        left -= admitted
        self._buckets[token] = left, max(now, at)
        if len(self._buckets) > _MOST_BUCKETS:
            self._forget_full(now)
        add(
            scope,
            (b"ratelimit-limit", b"%d" % self._most),
            (b"ratelimit-remaining", b"%d" % left),
            (b"ratelimit-reset", b"%d" % ceil((self._most - left) / self._rate)),
        )
        if not admitted:
            raise TooFast(ceil((1 - left) / self._rate))

    def _forget_full(self, now: datetime) -> None:
        for token, (left, at) in list(self._buckets.items()):
            if left + (now - at).total_seconds() * self._rate >= self._most:
                del self._buckets[token]
