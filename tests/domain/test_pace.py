"""Token buckets and fair shares."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from agentalk.domain.ids import CampaignId, CarrierId
from agentalk.domain.pace import Bucket, Demand, Slowdown, fair_shares

NOW = datetime(2026, 3, 4, 15, tzinfo=UTC)
LINE = CarrierId(UUID(int=99))
SMALL = st.integers(0, 20)


def demand(n: int, priority: int = 0, live: int = 0, due: int = 0, reserved: int = 0) -> Demand:
    return Demand(CampaignId(UUID(int=n)), LINE, priority, live, due, reserved)


def many(reserved: st.SearchStrategy[int]) -> st.SearchStrategy[list[Demand]]:
    rows = st.lists(st.tuples(st.integers(-2, 2), SMALL, SMALL, reserved), max_size=8)
    return rows.map(lambda rows: [demand(n, *row) for n, row in enumerate(rows)])


DEMANDS, RESERVING = many(st.just(0)), many(st.just(0) | st.integers(0, 12))


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


@given(RESERVING, st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_places_kept_for_others_are_not_dealt_and_every_other_one_is(
    demands: list[Demand], capacity: int, places: int, room: int
) -> None:
    shares = fair_shares(demands, capacity, {LINE: room}, places=places)
    got = [shares.get(d.campaign_id, 0) for d in demands]
    assert all(n <= d.due for n, d in zip(got, demands, strict=True))
    assert sum(got) <= min(capacity, places, room)
    beyond = sum(max(0, n - d.kept) for n, d in zip(got, demands, strict=True))
    common = max(0, places - sum(d.kept for d in demands))
    assert beyond <= common
    if sum(got) < min(capacity, places, room):  # something is left: nobody who may have it wants it
        for n, d in zip(got, demands, strict=True):
            assert n == d.due or (n >= d.kept and beyond == common)


@given(RESERVING, st.integers(0, 60), st.integers(0, 60))
def test_who_has_not_filled_the_places_kept_for_it_goes_first(
    demands: list[Demand], capacity: int, places: int
) -> None:
    shares = fair_shares(demands, capacity, {LINE: 1000}, places=places)
    for one in demands:
        if shares.get(one.campaign_id, 0) < min(one.due, one.kept):
            assert all(shares.get(other.campaign_id, 0) <= other.kept for other in demands)
            assert sum(shares.values()) == min(capacity, places)


@given(RESERVING, st.integers(1, 60))
def test_a_small_campaign_beside_a_huge_one_gets_the_next_place_that_nobody_has_kept(
    demands: list[Demand], places: int
) -> None:
    kept = sum(d.kept for d in demands)
    huge = [demand(n, live=50, due=1000, reserved=d.reserved) for n, d in enumerate(demands)]
    small = demand(99, live=0, due=10)
    shares = fair_shares([*huge, small], places, {LINE: 1000}, places=places)
    if all(d.kept == 0 for d in huge) or places > kept:
        assert shares[small.campaign_id] == min(10, places)


def test_more_reserved_than_there_is_goes_by_priority_then_evenly_and_to_nobody_else() -> None:
    demands = [demand(1, 0, 0, 20, 8), demand(2, 0, 0, 20, 8), demand(3, 1, 0, 20, 4), demand(4, 5, 0, 20)]
    shares = fair_shares(demands, 10, {LINE: 100}, places=10)
    assert {id.int: n for id, n in shares.items()} == {3: 4, 1: 3, 2: 3}


def test_what_is_reserved_stays_free_while_nobody_uses_it() -> None:
    demands = [demand(1, due=0, reserved=4), demand(2, due=50)]
    assert fair_shares(demands, 10, {LINE: 100}, places=10) == {CampaignId(UUID(int=2)): 6}


PAUSES = [2, 4, 8, 16, 32, 64, 64]


def test_a_carrier_that_asks_again_while_it_recovers_gets_longer_pauses() -> None:
    slow, now = Slowdown(), NOW
    for seconds in PAUSES:
        slow = slow.asked(now, now)
        assert slow.until == now + timedelta(seconds=seconds)
        assert slow.asked(now - timedelta(seconds=1), now + timedelta(seconds=1)) == slow
        now = slow.until + timedelta(seconds=1)
    slow = slow.asked(now + timedelta(seconds=60), now + timedelta(seconds=60))
    assert slow.until == now + timedelta(seconds=62)


def test_a_carrier_recovers_from_a_tenth_to_the_whole_over_a_minute() -> None:
    slow = Slowdown(NOW, 0)
    rates = [slow.rate(100, 5000, NOW + timedelta(seconds=s)) for s in (-1, 0, 20, 40, 60, 1000)]
    assert [round(rate, 6) for rate in rates] == [0, 10, 40, 70, 100, 100]
    # without a limit of pace its lines bound it: 500 of them in ten seconds
    assert slow.rate(100_000, 500, NOW) == 5
    assert slow.rate(100_000, 500, NOW + timedelta(seconds=60)) == 100_000


@given(st.floats(0.1, 2000), st.lists(st.floats(0, 10), min_size=1, max_size=60))
def test_a_carrier_that_recovers_takes_no_burst(full: float, gaps: list[float]) -> None:
    slow, now, given_out = Slowdown(NOW, 0), NOW, 0
    bucket = Bucket(full, full, NOW - timedelta(minutes=5))
    for gap in gaps:
        now = min(now + timedelta(seconds=gap), NOW + timedelta(seconds=59))
        bucket = Bucket(slow.rate(full, 100_000, now), bucket.tokens, bucket.at).at_moment(now)
        given_out += bucket.whole
        bucket = bucket.spend(bucket.whole)
    seconds = (now - NOW).total_seconds()
    assert given_out <= 1 + full * (0.1 + seconds * (0.1 + 0.9 * seconds / 60))
