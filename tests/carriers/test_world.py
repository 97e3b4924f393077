"""The simulated world: the same chances give the same calls, in the proportions that were asked for."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalk.carriers.simulator import world
from agentalk.carriers.simulator.world import AT_ONCE, MAGIC_NUMBERS, SIMULATED, Mix
from agentalk.domain.call import AnsweredBy, CallEvent, EventType, Outcome
from tests.carriers.contract import a_placement

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)


def only(outcome: Outcome, **changes: object) -> Mix:
    return msgspec.structs.replace(Mix(weights={outcome: 1.0}), **changes)


def take_course(mix: Mix, phone: str = "+14155550123", nth: int = 0, **changes: object) -> tuple[CallEvent, ...]:
    return world.course(mix, a_placement(phone, **changes), nth, "sim-1", NOW)


def shape(course: tuple[CallEvent, ...]) -> list[object]:
    """What does not depend on the ids of a run."""
    return [(event.type, event.at, event.outcome, event.transcript, event.ended_reason) for event in course]


def test_the_same_seed_phone_and_number_of_earlier_calls_give_the_same_course() -> None:
    phones = [f"+1415{number}" for number in range(2_000_000, 2_000_200)]
    first = [shape(take_course(Mix(), phone)) for phone in phones]
    again = [shape(take_course(Mix(), phone)) for phone in reversed(phones)]

    assert first == again[::-1]
    assert first != [shape(take_course(Mix(seed=1), phone)) for phone in phones]
    assert first != [shape(take_course(Mix(), phone, nth=1)) for phone in phones]


def test_a_course_is_the_same_on_every_machine_and_in_every_release() -> None:
    outcomes = [take_course(Mix(seed=7), f"+1415{number}")[-1].outcome for number in range(2_000_000, 2_000_006)]

    assert outcomes == [
        Outcome.ANSWERED,
        Outcome.ANSWERED,
        Outcome.VOICEMAIL,
        Outcome.UNREACHABLE,
        Outcome.VOICEMAIL,
        Outcome.NO_ANSWER,
    ]


def test_the_order_of_weights_does_not_matter() -> None:
    forward = Mix()
    backward = msgspec.structs.replace(forward, weights=dict(reversed(forward.weights.items())))
    phones = [f"+1415{number}" for number in range(2_000_000, 2_000_500)]

    assert [take_course(forward, phone)[-1].outcome for phone in phones] == [
        take_course(backward, phone)[-1].outcome for phone in phones
    ]


def test_outcomes_come_in_the_proportions_of_the_mix() -> None:
    mix = Mix(weights={Outcome.ANSWERED: 5, Outcome.VOICEMAIL: 3, Outcome.BUSY: 2, Outcome.FAX: 0})
    calls = 10_000
    seen = Counter(take_course(mix, f"+1{number}")[-1].outcome for number in range(4_150_000_000, 4_150_010_000))

    # Five standard deviations of a share of 10,000 calls are 0.025 at most.
    assert {outcome: seen[outcome] / calls for outcome in seen} == {
        Outcome.ANSWERED: pytest.approx(0.5, abs=0.025),
        Outcome.VOICEMAIL: pytest.approx(0.3, abs=0.025),
        Outcome.BUSY: pytest.approx(0.2, abs=0.025),
    }


@given(
    outcome=st.sampled_from(SIMULATED),
    rings=st.tuples(st.floats(0, 300), st.floats(0, 300)).map(sorted),
    talks=st.tuples(st.floats(0, 300), st.floats(0, 300)).map(sorted),
    longest_ring=st.integers(1, 60),
    seed=st.integers(),
)
def test_every_course_is_a_call_that_could_have_been(
    outcome: Outcome, rings: list[float], talks: list[float], longest_ring: int, seed: int
) -> None:
    mix = only(outcome, ring_seconds=tuple(rings), talk_seconds=tuple(talks), seed=seed)
    course = take_course(mix, ring_seconds=longest_ring)
    *before, end = course

    assert end.type is EventType.ENDED
    assert end.outcome is outcome
    assert end.ended_reason
    assert all(event.outcome is None for event in before)
    assert all(one.at <= other.at and one.sequence < other.sequence for one, other in pairwise(course))
    answered = next((event for event in before if event.type is EventType.ANSWERED), None)
    assert (answered is not None) == (end.answered_by is not None)
    ring_ends = answered.at if answered else end.at
    assert NOW <= ring_ends <= NOW + timedelta(seconds=longest_ring)
    talked = (end.at - ring_ends).total_seconds()
    assert all(0 <= line.at <= talked + 0.005 and line.text for line in end.transcript)
    assert all(one.at <= other.at for one, other in pairwise(end.transcript))


def test_nobody_answers_for_as_long_as_it_may_ring() -> None:
    ringing, end = take_course(only(Outcome.NO_ANSWER), ring_seconds=25)

    assert (end.at - ringing.at).total_seconds() == 25


def test_times_are_kept_to_the_millisecond() -> None:
    course = take_course(only(Outcome.ANSWERED, ring_seconds=(1.2344, 1.2344), talk_seconds=(0, 0)))

    assert course[-1].at == NOW + timedelta(seconds=1.234)


def test_a_conversation_begins_with_the_first_message_and_has_both_speakers() -> None:
    end = take_course(only(Outcome.ANSWERED, talk_seconds=(60, 60)), first_message="Good day!")[-1]

    assert end.answered_by is AnsweredBy.HUMAN
    assert (end.transcript[0].speaker, end.transcript[0].text) == ("agent", "Good day!")
    assert {line.speaker for line in end.transcript} == {"agent", "contact"}


@pytest.mark.parametrize(("message", "left"), [("Please call back.", True), ("", False)])
def test_a_message_is_left_if_there_is_one(message: str, left: bool) -> None:
    end = take_course(only(Outcome.VOICEMAIL), voicemail_message=message)[-1]

    assert end.answered_by is AnsweredBy.VOICEMAIL
    assert end.message_left is left
    assert [line.text for line in end.transcript] == ([message] if left else [])


def test_an_opt_out_is_said_however_short_the_call() -> None:
    end = take_course(only(Outcome.OPTED_OUT, talk_seconds=(1, 1)))[-1]

    assert any("do not call again" in line.text for line in end.transcript)


def test_a_share_of_those_who_answer_asks_for_another_time_and_says_so() -> None:
    mix = only(Outcome.ANSWERED, callbacks=0.25)
    ends = [take_course(mix, f"+1415{number}")[-1] for number in range(2_000_000, 2_001_000)]
    asked = [end for end in ends if end.callback_at is not None]

    assert 200 <= len(asked) <= 300
    assert {end.callback_at for end in asked} <= {NOW + timedelta(hours=n) for n in range(1, 49)}
    assert all("call me again in" in end.transcript[1].text for end in asked)
    assert not any(take_course(Mix(), f"+1415{number}")[-1].callback_at for number in range(2_000_000, 2_000_200))
    assert take_course(only(Outcome.VOICEMAIL, callbacks=1.0))[-1].callback_at is None


def test_who_hangs_up_in_the_middle_was_asked_for_nothing() -> None:
    course = take_course(only(Outcome.ANSWERED, callbacks=1.0, ring_seconds=(0.0, 0.0), talk_seconds=(9.0, 9.0)))
    assert course[-1].callback_at is not None
    assert world.hung_up(course, NOW + timedelta(seconds=3)).callback_at is None


def test_who_is_abandoned_hears_nothing() -> None:
    _, answered, end = take_course(only(Outcome.ABANDONED, talk_seconds=(60, 60)))

    assert end.transcript == ()
    assert (end.at - answered.at).total_seconds() <= 2


def test_at_once_everything_happens_in_the_same_instant() -> None:
    course = take_course(AT_ONCE)

    assert [event.type for event in course] == list(EventType)
    assert {event.at for event in course} == {NOW}


def test_magic_numbers_go_as_documented() -> None:
    for phone, outcome in MAGIC_NUMBERS.items():
        assert take_course(AT_ONCE, phone)[-1].outcome is outcome
        assert f"{phone[-2:]} {outcome}" in (world.__doc__ or "").replace("+150055500", "…")


def test_every_outcome_that_a_carrier_can_see_is_simulated() -> None:
    assert set(Outcome) - set(SIMULATED) == {Outcome.NOT_PLACED, Outcome.CANCELED, Outcome.UNKNOWN}


def test_hanging_up_on_a_machine_leaves_no_message() -> None:
    mix = only(Outcome.VOICEMAIL, ring_seconds=(5, 5), talk_seconds=(30, 30))
    end = world.hung_up(take_course(mix, voicemail_message="Please call back."), NOW + timedelta(seconds=10))

    assert (end.outcome, end.message_left, end.ended_reason) == (Outcome.VOICEMAIL, False, "agent_hangup")


@pytest.mark.parametrize(
    "text",
    [
        '{"weights": {}}',
        '{"weights": {"answered": 0}}',
        '{"weights": {"answered": -1, "busy": 2}}',
        '{"weights": {"canceled": 1}}',
        '{"weights": {"nonsense": 1}}',
        '{"ringSeconds": [3, 2]}',
        '{"talkSeconds": [-1, 2]}',
        '{"talkSeconds": [1]}',
        '{"callbacks": 1.5}',
        '{"callbacks": -0.1}',
        '{"seeds": 1}',
    ],
)
def test_a_mix_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Mix)
