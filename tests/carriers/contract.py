"""What every carrier does, whatever its form: rules, each run against every form by `test_contract.py`.

A rule is handed `carry`, which opens a carrier in a world that behaves as the rule needs it.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from itertools import count
from typing import Protocol
from uuid import uuid4

from agentalk.carriers.carrier import Absent, Accepted, Carrier, Found, Placement, Refused, Unsure
from agentalk.carriers.simulator.faults import NO_FAULTS, Faults
from agentalk.carriers.simulator.world import AT_ONCE, Mix
from agentalk.domain.call import AnsweredBy, CallEvent, EventType, Outcome
from agentalk.domain.clock import Clock
from agentalk.domain.ids import CallId

FOREVER = (3600.0, 3600.0)
NO_TIME = (0.0, 0.0)
RINGS_ON = Mix(weights={Outcome.ANSWERED: 1}, ring_seconds=FOREVER, talk_seconds=NO_TIME)
TALKS_ON = Mix(weights={Outcome.ANSWERED: 1}, ring_seconds=NO_TIME, talk_seconds=FOREVER)

_phones = count(1_000_000)


def a_placement(phone: str = "", **changes: object) -> Placement:
    """A call to somebody who was not called before."""
    fields = {
        "call_id": CallId(uuid4()),
        "phone": phone or f"+1415{next(_phones)}",
        "caller_id": "+14155550100",
        "ring_seconds": 3600,
        "first_message": "Hello, this is Ada's assistant.",
        "voicemail_message": "",
    }
    return Placement(**(fields | changes))  # type: ignore[arg-type]


class Rig(Protocol):
    """A carrier at work."""

    @property
    def carrier(self) -> Carrier:
        """In the form to be tested."""

    @property
    def clock(self) -> Clock:
        """The world's."""

    async def event(self) -> CallEvent:
        """The next event that the carrier reports."""

    async def rings(self, call_id: CallId) -> int:
        """How often the carrier's own ledger says that this call rang."""

    async def misbehave(self, faults: Faults) -> None:
        """From the next call on."""


Carry = Callable[[Mix, Faults], AbstractAsyncContextManager[Rig]]
Rule = Callable[[Carry], Awaitable[None]]


async def place(rig: Rig, placement: Placement) -> Accepted:
    answer = await rig.carrier.place(placement, rig.clock.now())
    assert isinstance(answer, Accepted), answer
    return answer


async def find(rig: Rig, placement: Placement) -> Found:
    found = await rig.carrier.find(placement.call_id, rig.clock.now())
    assert isinstance(found, Found), found
    return found


async def a_call_is_reported_from_ring_to_end(carry: Carry) -> None:
    placement = a_placement()
    async with carry(AT_ONCE, NO_FAULTS) as rig:
        accepted = await place(rig, placement)
        events = [await rig.event() for _ in range(3)]

    assert [event.type for event in events] == [EventType.RINGING, EventType.ANSWERED, EventType.ENDED]
    assert [event.sequence for event in events] == [1, 2, 3]
    assert {(event.call_id, event.carrier_call_id) for event in events} == {
        (placement.call_id, accepted.carrier_call_id)
    }
    assert [event.outcome for event in events] == [None, None, Outcome.ANSWERED]
    end = events[-1]
    assert end.answered_by is AnsweredBy.HUMAN
    assert end.ended_reason in ("agent_hangup", "callee_hangup")
    assert end.transcript[0].text == placement.first_message


async def a_call_can_be_found_with_its_events_so_far(carry: Carry) -> None:
    placement = a_placement()
    async with carry(TALKS_ON, NO_FAULTS) as rig:
        accepted = await place(rig, placement)
        reported = (await rig.event(), await rig.event())

        assert await find(rig, placement) == Found(accepted.carrier_call_id, reported)


async def a_call_that_was_never_placed_is_absent(carry: Carry) -> None:
    async with carry(AT_ONCE, NO_FAULTS) as rig:
        assert await rig.carrier.find(CallId(uuid4()), rig.clock.now()) == Absent()


async def hangup_before_the_answer_cancels(carry: Carry) -> None:
    placement = a_placement()
    async with carry(RINGS_ON, NO_FAULTS) as rig:
        accepted = await place(rig, placement)
        ringing = await rig.event()
        await rig.carrier.hangup(accepted.carrier_call_id, rig.clock.now())
        end = await rig.event()

        assert (ringing.type, end.type) == (EventType.RINGING, EventType.ENDED)
        assert (end.outcome, end.answered_by, end.transcript) == (Outcome.CANCELED, None, ())
        assert (await find(rig, placement)).events == (ringing, end)


async def hangup_in_a_conversation_ends_it(carry: Carry) -> None:
    placement = a_placement()
    async with carry(TALKS_ON, NO_FAULTS) as rig:
        accepted = await place(rig, placement)
        await rig.event()
        answered = await rig.event()
        await rig.carrier.hangup(accepted.carrier_call_id, rig.clock.now())
        end = await rig.event()

    assert (end.outcome, end.answered_by, end.ended_reason) == (Outcome.ANSWERED, AnsweredBy.HUMAN, "agent_hangup")
    assert end.sequence > answered.sequence
    assert all(line.at <= (end.at - answered.at).total_seconds() for line in end.transcript)


async def hangup_of_a_call_that_is_over_or_unknown_changes_nothing(carry: Carry) -> None:
    placement = a_placement()
    async with carry(AT_ONCE, NO_FAULTS) as rig:
        accepted = await place(rig, placement)
        events = [await rig.event() for _ in range(3)]
        await rig.carrier.hangup(accepted.carrier_call_id, rig.clock.now())
        await rig.carrier.hangup("nobody / knows ?this", rig.clock.now())

        assert (await find(rig, placement)).events == tuple(events)


async def a_call_placed_twice_rings_twice(carry: Carry) -> None:
    placement = a_placement()
    async with carry(AT_ONCE, NO_FAULTS) as rig:
        accepted = {(await place(rig, placement)).carrier_call_id for _ in range(2)}
        events = [await rig.event() for _ in range(6)]

        assert {event.carrier_call_id for event in events} == accepted
        assert len(accepted) == 2
        assert await rig.rings(placement.call_id) == 2


async def a_storm_of_requests_is_refused_and_asks_to_slow_down(carry: Carry) -> None:
    placement = a_placement()
    async with carry(AT_ONCE, Faults(too_many_requests=1)) as rig:
        answer = await rig.carrier.place(placement, rig.clock.now())

        assert answer == Refused("too_many_requests", slow_down=True)
        assert await rig.carrier.find(placement.call_id, rig.clock.now()) == Absent()


async def a_bad_request_is_refused_for_good(carry: Carry) -> None:
    placement = a_placement()
    async with carry(AT_ONCE, Faults(bad_request=1)) as rig:
        assert await rig.carrier.place(placement, rig.clock.now()) == Refused("bad_request")
        assert await rig.rings(placement.call_id) == 0


async def a_phone_that_is_none_is_refused(carry: Carry) -> None:
    async with carry(AT_ONCE, NO_FAULTS) as rig:
        for phone in ("4155550100", "+0155550100", "+1415555O100", "+14155550100\n", "+1234567890123456"):
            assert await rig.carrier.place(a_placement(phone), rig.clock.now()) == Refused("bad_request")


async def whoever_is_unsure_learns_by_asking_that_it_rang(carry: Carry) -> None:
    for faults in (Faults(server_error_placed=1), Faults(reset_placed=1), Faults(accept_then_timeout=1)):
        placement = a_placement()
        async with carry(AT_ONCE, faults) as rig:
            assert isinstance(await rig.carrier.place(placement, rig.clock.now()), Unsure), faults
            events = tuple([await rig.event() for _ in range(3)])

            assert (await find(rig, placement)).events == events
            assert await rig.rings(placement.call_id) == 1


async def whoever_is_unsure_learns_by_asking_that_it_did_not_ring(carry: Carry) -> None:
    for faults in (Faults(server_error=1), Faults(reset=1)):
        placement = a_placement()
        async with carry(AT_ONCE, faults) as rig:
            assert isinstance(await rig.carrier.place(placement, rig.clock.now()), Unsure), faults
            assert await rig.carrier.find(placement.call_id, rig.clock.now()) == Absent()


async def a_slow_reply_may_come_after_the_events(carry: Carry) -> None:
    placement = a_placement()
    async with carry(AT_ONCE, Faults(slow_reply=1, slow_reply_seconds=0.2)) as rig:
        accepted = await place(rig, placement)

        assert (await rig.event()).carrier_call_id == accepted.carrier_call_id


async def repeated_callbacks_repeat_the_same_events(carry: Carry) -> None:
    async with carry(AT_ONCE, Faults(callback_repeated=1, callback_copies=4)) as rig:
        await place(rig, a_placement())
        events = [await rig.event() for _ in range(12)]

    assert [event.sequence for event in events] == [1] * 4 + [2] * 4 + [3] * 4
    assert all(events[first : first + 4] == [events[first]] * 4 for first in (0, 4, 8))


async def reordered_callbacks_come_backwards(carry: Carry) -> None:
    async with carry(AT_ONCE, Faults(callback_reordered=1)) as rig:
        await place(rig, a_placement())

        assert [(await rig.event()).sequence for _ in range(3)] == [3, 2, 1]


async def late_callbacks_say_when_it_happened(carry: Carry) -> None:
    async with carry(AT_ONCE, Faults(callback_late=1, callback_late_seconds=0.2)) as rig:
        before = rig.clock.now()
        await place(rig, a_placement())
        after = rig.clock.now()
        event = await rig.event()

        assert before <= event.at <= after
        assert (rig.clock.now() - event.at).total_seconds() >= 0.2


async def missing_callbacks_leave_the_truth_to_be_asked_for(carry: Carry) -> None:
    silent, loud = a_placement(), a_placement()
    async with carry(AT_ONCE, Faults(callback_missing=1)) as rig:
        await place(rig, silent)
        await rig.misbehave(NO_FAULTS)
        await place(rig, loud)

        assert {(await rig.event()).call_id for _ in range(3)} == {loud.call_id}
        assert [event.sequence for event in (await find(rig, silent)).events] == [1, 2, 3]


RULES: list[Rule] = [
    a_call_is_reported_from_ring_to_end,
    a_call_can_be_found_with_its_events_so_far,
    a_call_that_was_never_placed_is_absent,
    hangup_before_the_answer_cancels,
    hangup_in_a_conversation_ends_it,
    hangup_of_a_call_that_is_over_or_unknown_changes_nothing,
    a_call_placed_twice_rings_twice,
    a_storm_of_requests_is_refused_and_asks_to_slow_down,
    a_bad_request_is_refused_for_good,
    a_phone_that_is_none_is_refused,
    whoever_is_unsure_learns_by_asking_that_it_rang,
    whoever_is_unsure_learns_by_asking_that_it_did_not_ring,
    a_slow_reply_may_come_after_the_events,
    repeated_callbacks_repeat_the_same_events,
    reordered_callbacks_come_backwards,
    late_callbacks_say_when_it_happened,
    missing_callbacks_leave_the_truth_to_be_asked_for,
]
