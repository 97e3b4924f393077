"""Each token has its own number of requests per second."""

from datetime import timedelta
from typing import Any

from agentalk.api.errors import TooFast
from agentalk.api.limits import RateLimit
from agentalk.domain.ids import TokenId, uuid7
from tests.api.serving import problem, serving
from tests.conftest import NOW, LazyDatabase


async def test_beyond_the_limit_is_429_until_the_bucket_fills(db: LazyDatabase) -> None:
    async with serving(db, rate_limit=2) as api:
        for left in (3, 2, 1, 0):
            response = await api.read.get("/api/agents")
            assert response.status_code == 200
            assert response.headers["ratelimit-limit"] == "4"
            assert response.headers["ratelimit-remaining"] == str(left)

        refused = await api.read.get("/api/agents")
        problem(refused, 429, "rate_limited")
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["ratelimit-remaining"] == "0"
        assert refused.headers["ratelimit-reset"] == "2"
        assert (await api.write.get("/api/agents")).status_code == 200

        api.clock.forward(seconds=0.5)
        assert (await api.read.get("/api/agents")).status_code == 200
        problem(await api.read.get("/api/agents"), 429, "rate_limited")


async def test_0_is_no_limit(db: LazyDatabase) -> None:
    async with serving(db, rate_limit=0) as api:
        for _ in range(20):
            response = await api.read.get("/api/agents")
            assert response.status_code == 200
            assert "ratelimit-limit" not in response.headers


def admitted(limit: RateLimit, token: TokenId, at: float) -> bool:
    scope: Any = {"state": {}}
    try:
        limit.spend(scope, token, NOW + timedelta(seconds=at))
    except TooFast:
        return False
    return True


def test_less_than_one_request_per_second() -> None:
    limit, token = RateLimit(0.1), TokenId(uuid7(NOW))

    assert [admitted(limit, token, at) for at in (0, 1, 9.9, 10, 11)] == [True, False, False, True, False]


def test_a_clock_that_goes_back_gives_nothing() -> None:
    limit, token = RateLimit(0.5), TokenId(uuid7(NOW))

    assert [admitted(limit, token, at) for at in (10, 0, 10, 11.9, 12)] == [True, False, False, False, True]


def test_full_buckets_are_forgotten() -> None:
    limit = RateLimit(1)
    for i in range(10_001):
        assert admitted(limit, TokenId(uuid7(NOW)), i)

    assert len(limit._buckets) < 10
