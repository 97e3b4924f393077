"""Token buckets and fair shares."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from agentalk.domain.ids import CampaignId, CarrierId
from agentalk.domain.pace import Bucket, Demand, fair_shares

NOW = datetime(2026, 3, 4, 15, tzinfo=UTC)
LINE = CarrierId(UUID(int=99))
DEMANDS = st.lists(
    st.tuples(st.integers(-2, 2), st.integers(0, 20), st.integers(0, 20)).map(
        lambda numbers: Demand(CampaignId(UUID(int=0)), LINE, *numbers)
    ),
    max_size=8,
).map(lambda demands: [Demand(CampaignId(UUID(int=n)), LINE, d.priority, d.live, d.due) for n, d in enumerate(demands)])


@given(st.floats(0.1, 2000), st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_a_bucket_never_gives_more_than_its_rate(rate: float, gaps: list[float]) -> None:
    bucket, now, given_out = Bucket(rate, 0, None), NOW, 0
    for gap in gaps:
        now += timedelta(seconds=gap)
        bucket = bucket.at_moment(now)
        calls = bucket.whole
        bucket = bucket.spend(calls)
        given_out += calls
    assert given_out <= max(1.0, rate / 10) + rate * (now - NOW).total_seconds() + 1


@given(st.floats(0.1, 200))
def test_a_bucket_that_is_asked_in_time_gives_its_rate(rate: float) -> None:
    bucket, now, given_out = Bucket(rate, 0, None).at_moment(NOW), NOW, 0
    while now < NOW + timedelta(seconds=30):
        bucket = bucket.at_moment(now)
        given_out += bucket.whole
        bucket = bucket.spend(bucket.whole)
        now = bucket.next_token() or now
    assert given_out >= 30 * rate - 2


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(10, 0, NOW).at_moment(NOW - timedelta(hours=1))
    assert bucket.whole == 0
    assert bucket.at == NOW


def test_a_rate_of_nothing_never_comes() -> None:
    assert Bucket(0, 0, NOW).next_token() is None


@given(DEMANDS, st.integers(0, 60), st.integers(0, 60))
def test_shares_stay_within_every_bound_and_waste_nothing(demands: list[Demand], capacity: int, room: int) -> None:
    shares = fair_shares(demands, capacity, {LINE: room})
    assert all(shares.get(d.campaign_id, 0) <= d.due for d in demands)
    assert sum(shares.values()) == min(capacity, room, sum(d.due for d in demands))


@given(DEMANDS, st.integers(0, 60))
def test_priority_goes_first_and_equals_share_alike(demands: list[Demand], capacity: int) -> None:
    shares = fair_shares(demands, capacity, {LINE: 1000})
    for one in demands:
        for other in demands:
            hungry = shares.get(one.campaign_id, 0) < one.due
            got = shares.get(other.campaign_id, 0)
            if hungry and got:
                assert other.priority >= one.priority
                if other.priority == one.priority:
                    assert other.live + got <= one.live + shares.get(one.campaign_id, 0) + 1
