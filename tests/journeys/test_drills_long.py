"""Drills of large numbers and long waits, one after another: `make drills-all`."""

from time import monotonic

from tests.journeys.acts import act
from tests.journeys.crowds import beside, gather
from tests.journeys.drill import AT_ONCE, Drill

AT_A_TIME = 1


@act("2", "every reply comes 60 s late, and no callback ever", long=True)
def test_every_reply_is_a_minute_late(stage: Drill) -> float | None:
    stage.people(60, rate=60, at_once=60)
    stage.misbehave(slowReply=1, slowReplySeconds=60, callbackMissing=1)
    stage.dialer().ready("up")
    began = monotonic()
    stage.order("start")
    stage.until_completed(seconds=900)
    assert stage.simulator_stats()["faults"] == {"slow_reply": 60}
    return monotonic() - began


@act("4", "eight dialers on one campaign of 100,000 contacts", mix=AT_ONCE, long=True)
def test_eight_dialers_have_a_hundred_thousand(stage: Drill) -> float | None:
    stage.people(1, rate=10_000, at_once=2000)
    gather(stage, 99_999)
    for dialer in [stage.dialer() for _ in range(8)]:
        dialer.ready("up")
    stage.order("start")
    stage.until_completed(seconds=3600)
    assert len(stage.rang()) == 100_000
    shares = stage.rows("SELECT dialer_id, count(*) FROM calls GROUP BY 1")
    assert len(shares) >= 8
    return None


@act(
    "12",
    "a campaign of 10 contacts started beside one of 1,000,000 that is being called; recovery: its first call",
    long=True,
)
def test_a_small_campaign_beside_a_million(stage: Drill) -> float | None:
    return beside(stage, 1_000_000)
