"""What a seed makes of a world: when it begins, who dials, how tight its limits are, and what goes wrong how often."""

from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from agentalk.carriers.simulator.faults import Faults
from agentalk.carriers.simulator.world import Mix
from agentalk.domain.call import Outcome
from agentalk.domain.retry import RetryPolicy, RetryRule
from tests.simulation.carrier import Trouble
from tests.simulation.faults import Rates

# The nights on which clocks change in America and in Europe, and a week without any of it.
BEGINNINGS = (
    datetime(2026, 3, 7, tzinfo=UTC),
    datetime(2026, 3, 28, tzinfo=UTC),
    datetime(2026, 10, 24, tzinfo=UTC),
    datetime(2026, 10, 31, tzinfo=UTC),
    datetime(2026, 5, 12, tzinfo=UTC),
)
MIX = Mix(
    weights={
        Outcome.ANSWERED: 0.35,
        Outcome.VOICEMAIL: 0.15,
        Outcome.NO_ANSWER: 0.22,
        Outcome.BUSY: 0.12,
        Outcome.REJECTED: 0.03,
        Outcome.UNREACHABLE: 0.02,
        Outcome.INVALID_NUMBER: 0.03,
        Outcome.CARRIER_FAILURE: 0.03,
        Outcome.OPTED_OUT: 0.05,
        Outcome.ABANDONED: 0.03,
        Outcome.UNWANTED: 0.01,
        Outcome.BLOCKED: 0.01,
    }
)
_FEW = RetryPolicy(max_attempts=2)
_MANY = RetryPolicy(
    max_attempts=5,
    rules=(
        RetryRule(Outcome.NO_ANSWER, (10, 60)),
        RetryRule(Outcome.BUSY, (5, 15)),
        RetryRule(Outcome.VOICEMAIL, (60,)),
        RetryRule(Outcome.UNKNOWN, (30,)),
        RetryRule(Outcome.CARRIER_FAILURE, (5,)),
    ),
)
RETRIES = (RetryPolicy(), RetryPolicy(), _FEW, _MANY)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A world's parameters. `stay` and `latency` shape the interleaving, the times how much is done at once."""

    start: datetime
    dialers: int
    organizations: int
    campaigns: int
    org_most: int
    carrier_most: int
    slots: int
    stay: float
    latency: float
    gather: float
    heard: float
    grid: float
    diligence: float
    carrier_rate: float
    rate: float
    to_gateway: bool
    acts: int
    races: float
    outages: int
    rates: Rates
    faults: Faults
    trouble: Trouble


def draw(random: Random) -> Plan:
    """The world of a seed."""
    bad = random.choice((0.0, 0.3, 1.0, 1.0, 2.0))
    return Plan(
        start=random.choice(BEGINNINGS) + timedelta(hours=random.randrange(24), seconds=random.randrange(3600)),
        dialers=random.choice((2, 2, 2, 3)),
        organizations=random.choice((1, 2)),
        campaigns=random.choice((1, 2, 3)),
        org_most=random.choice((8, 15, 40, 40)),
        carrier_most=random.choice((10, 30, 100)),
        slots=random.choice((10, 50, 1000)),
        stay=random.choice((0.0, 0.3, 0.6, 0.9)),
        latency=random.choice((0.0, 0.002, 0.1)),
        gather=random.choice((30.0, 120.0, 120.0)),
        heard=random.choice((0.3, 0.7)),
        grid=random.choice((3600.0, 7200.0, 7200.0)),
        diligence=random.choice((0.5, 0.8, 1.0)),
        carrier_rate=random.choice((20.0, 300.0, 300.0)),
        rate=random.choice((20.0, 100.0, 1000.0)),
        to_gateway=random.random() < 0.5,
        acts=random.choice((10, 20, 40)),
        races=random.choice((0.1, 0.3, 0.6)),
        outages=random.choice((0, 0, 1, 2)),
        rates=Rates(
            lost=0.002 * bad,
            collision=0.002 * bad,
            crash=0.0005 * bad,
            freeze=0.002 * bad,
            answer_lost=0.003 * bad,
            crash_after_commit=0.002 * bad,
        ),
        faults=Faults(
            too_many_requests=0.02 * bad,
            bad_request=0.01 * bad,
            server_error=0.03 * bad,
            server_error_placed=0.03 * bad,
            reset=0.03 * bad,
            reset_placed=0.03 * bad,
            accept_then_timeout=0.03 * bad,
            slow_reply=0.02 * bad,
            callback_missing=0.05 * bad,
            callback_repeated=0.05 * bad,
            callback_copies=3,
            callback_reordered=0.05 * bad,
            callback_late=0.03 * bad,
        ),
        trouble=Trouble(
            slow_road=0.05 * bad,
            unsure=0.03 * bad,
            crash_before_hearing=0.004 * bad,
            crash_before_reply=0.004 * bad,
        ),
    )
