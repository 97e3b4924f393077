"""The exchange on virtual time: nothing happens before its time, and everything exactly once."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from agentalk.carriers.carrier import Found
from agentalk.carriers.simulator.exchange import Exchange
from agentalk.carriers.simulator.faults import Fault, Faults
from agentalk.carriers.simulator.inprocess import SimulatedCarrier
from agentalk.carriers.simulator.ledger import Ledger
from agentalk.carriers.simulator.world import AT_ONCE, Mix
from agentalk.domain.call import CallEvent, EventType, Outcome
from tests.carriers.contract import a_placement

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
# Rings for ten seconds, then talks for thirty.
STEADY = Mix(weights={Outcome.ANSWERED: 1}, ring_seconds=(10, 10), talk_seconds=(30, 30))


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_events_come_when_they_are_due_and_once() -> None:
    exchange = Exchange(mix=STEADY)
    exchange.place(a_placement(), NOW)

    times = (0, 9.999, 10, 39.999, 40, 4000)
    seen = [[event.type for event in exchange.advance(after(seconds))] for seconds in times]

    assert seen == [[EventType.RINGING], [], [EventType.ANSWERED], [], [EventType.ENDED], []]
    assert exchange.next_due() is None


def test_the_next_due_time_is_known() -> None:
    exchange = Exchange(mix=STEADY)
    assert exchange.next_due() is None
    exchange.place(a_placement(), after(5))
    exchange.place(a_placement(), NOW)

    assert exchange.next_due() == NOW
    exchange.advance(after(7))
    assert exchange.next_due() == after(10)


def test_what_falls_due_together_comes_in_the_order_of_its_times() -> None:
    exchange = Exchange(mix=STEADY)
    for seconds in (3, 0, 2, 1):
        exchange.place(a_placement(), after(seconds))

    events = exchange.advance(after(60))
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert len(events) == 12


def test_finding_a_call_does_not_depend_on_advancing() -> None:
    exchange = Exchange(mix=STEADY)
    placement = a_placement()
    exchange.place(placement, NOW)

    found = [exchange.find(placement.call_id, after(seconds)) for seconds in (0, 10, 40)]
    assert [len(one.events) for one in found if isinstance(one, Found)] == [1, 2, 3]


def test_a_hung_up_call_does_not_go_on() -> None:
    exchange = Exchange(mix=STEADY)
    answer = exchange.place(a_placement(), NOW)
    exchange.advance(after(1))
    exchange.hangup(answer.carrier_call_id, after(5))
    exchange.hangup(answer.carrier_call_id, after(6))

    assert [event.outcome for event in exchange.advance(after(4000))] == [Outcome.CANCELED]


def test_a_hangup_after_the_end_changes_nothing_though_the_end_was_not_yet_told() -> None:
    exchange = Exchange(mix=STEADY)
    placement = a_placement()
    answer = exchange.place(placement, NOW)
    before = exchange.find(placement.call_id, after(45))
    exchange.hangup(answer.carrier_call_id, after(45))

    assert (
        exchange.find(placement.call_id, after(50))
        == before
        == Found(answer.carrier_call_id, tuple(exchange.advance(after(50))))
    )


def test_a_call_ends_in_the_ledger_when_it_ends_though_its_callbacks_are_late_or_missing() -> None:
    for faults in (Faults(callback_late=1), Faults(callback_missing=1), Faults(callback_reordered=1)):
        exchange = Exchange(mix=STEADY, faults=faults)
        exchange.place(a_placement(), NOW)
        exchange.advance(after(40))

        assert [row.outcome for row in exchange.ledger.rows()] == [Outcome.ANSWERED], faults


def test_the_course_of_a_call_does_not_depend_on_earlier_refusals() -> None:
    placement = a_placement()
    calm, stormy = Exchange(), Exchange(faults=Faults(server_error=1))
    for _ in range(3):
        stormy.place(placement, NOW)
    stormy.faults = Faults()
    calm.place(placement, NOW)
    stormy.place(placement, NOW)

    assert calm.find(placement.call_id, after(4000)) == stormy.find(placement.call_id, after(4000))
    assert stormy.faults_shown == {Fault.SERVER_ERROR: 3}


def test_a_second_run_gives_the_same_calls_whatever_the_order() -> None:
    placements = [a_placement() for _ in range(300)]
    forward, backward = Exchange(), Exchange()
    for placement in placements:
        forward.place(placement, NOW)
    for placement in reversed(placements):
        backward.place(placement, NOW)

    for placement in placements:
        assert forward.find(placement.call_id, after(4000)) == backward.find(placement.call_id, after(4000))


def test_calls_that_a_killed_process_left_run_on(tmp_path: Path) -> None:
    placement, ended = a_placement(), a_placement()
    before = Exchange(mix=STEADY, ledger=Ledger(tmp_path / "ledger"))
    before.place(ended, after(-60))
    answer = before.place(placement, NOW, "http://receiver")
    before.advance(after(11))
    before.ledger.close()

    exchange = Exchange(mix=AT_ONCE, ledger=Ledger(tmp_path / "ledger"))
    told = exchange.advance(after(12))
    exchange.hangup(answer.carrier_call_id, after(20))
    told += exchange.advance(after(60))

    assert [(event.call_id, event.type) for event in told] == [(placement.call_id, type) for type in EventType]
    assert told[-1].at == after(20)
    exchange.ledger.close()


def test_the_calls_to_one_phone_take_their_own_courses() -> None:
    exchange = Exchange()
    for _ in range(40):
        exchange.place(a_placement("+14155550123"), NOW)
    exchange.advance(after(4000))

    assert len({row.outcome for row in exchange.ledger.rows()}) > 2


def test_of_a_call_placed_twice_the_last_placement_is_found() -> None:
    exchange = Exchange(mix=STEADY)
    placement = a_placement()
    exchange.place(placement, NOW)
    again = exchange.place(placement, after(100))

    assert exchange.find(placement.call_id, after(100)) == Found(
        again.carrier_call_id, tuple(exchange.advance(after(100))[-1:])
    )


async def test_without_a_clock_the_carrier_stands_still_until_told() -> None:
    told: list[CallEvent] = []
    carrier = SimulatedCarrier(clock=None, sink=told.append, mix=STEADY, faults=Faults(slow_reply=1))
    await carrier.place(a_placement(), NOW)

    assert told == []
    assert carrier.advance(after(10)) == told
    assert [event.type for event in told] == [EventType.RINGING, EventType.ANSWERED]


Step = tuple[str, int, float]
steps = st.lists(
    st.tuples(st.sampled_from(["place", "hangup", "advance"]), st.integers(0, 4), st.floats(0, 40)), max_size=30
)
chances = st.sampled_from([0.0, 0.3])


@given(
    steps=steps,
    seed=st.integers(0, 1000),
    faults=st.builds(
        Faults,
        reset_placed=chances,
        server_error=chances,
        callback_missing=chances,
        callback_repeated=chances,
        callback_reordered=chances,
        callback_late=st.just(0.1),
    ),
)
def test_whatever_happens_every_call_ends_once_and_the_file_knows(steps: list[Step], seed: int, faults: Faults) -> None:
    with TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger")
        exchange = Exchange(mix=Mix(seed=seed), faults=faults, ledger=ledger)
        placements = [a_placement(f"+1415555010{index}") for index in range(5)]
        placed: Counter[int] = Counter()
        now, told = NOW, []
        for what, which, seconds in steps:
            now += timedelta(seconds=seconds)
            told += exchange.advance(now)
            if what == "place":
                placed[which] += bool(exchange.place(placements[which], now).carrier_call_id)
            elif what == "hangup":
                for one in ledger.of_call(placements[which].call_id):
                    exchange.hangup(one.carrier_call_id, now)
        told += exchange.advance(now + timedelta(days=1))

        assert [len(ledger.of_call(one.call_id)) for one in placements] == [placed[index] for index in range(5)]
        assert ledger.live() == []
        calls = [call for placement in placements for call in ledger.of_call(placement.call_id)]
        for call in calls:
            sequences = [event.sequence for event in call.course]
            assert sequences == sorted(set(sequences))
            assert [event.type for event in call.course].count(EventType.ENDED) == 1
        assert Counter(told) == Counter(
            event for call in calls for event in call.course for _ in range(call.reporting.copies)
        )
        ledger.close()
        assert Ledger.read(Path(folder) / "ledger").rows() == ledger.rows()
