"""Callbacks: signed, readable by nobody else's pen, and sent until they are taken."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalk.carriers.carrier import BadCallback, ForgedCallback
from agentalk.carriers.simulator.callbacks import Callbacks
from agentalk.carriers.simulator.inprocess import SimulatedCarrier
from agentalk.carriers.simulator.wire import SIGNATURE, read_callback, sign
from agentalk.domain.call import CallEvent, EventType, Outcome
from agentalk.domain.ids import CallId
from tests.carriers.rigs import PATIENCE, SECRET, Receiver

EVENT = CallEvent(
    call_id=CallId(UUID(int=7)),
    carrier_call_id="sim-7",
    type=EventType.ENDED,
    sequence=3,
    at=datetime(2026, 3, 4, 15, 0, tzinfo=UTC),
    outcome=Outcome.BUSY,
)
BODY = msgspec.json.encode([EVENT])


def changed(**fields: object) -> bytes:
    return msgspec.json.encode(msgspec.to_builtins(EVENT) | fields)


def read(body: bytes) -> list[CallEvent]:
    return read_callback(SECRET, {SIGNATURE: sign(SECRET, body)}, body)


def test_a_signed_callback_is_read_whatever_the_case_of_its_header() -> None:
    for name in (SIGNATURE, SIGNATURE.lower(), SIGNATURE.upper()):
        assert read_callback(SECRET, {name: sign(SECRET, BODY)}, BODY) == [EVENT]


def test_one_event_needs_no_array() -> None:
    assert read(msgspec.json.encode(EVENT)) == [EVENT]


def test_a_callback_may_be_asked_for_with_an_offset_or_by_the_clock_on_the_callees_wall() -> None:
    (exact,) = read(changed(callbackAt="2026-03-04T18:00:00+05:30"))
    assert exact.callback_at == datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
    (local,) = read(changed(callbackAt="2026-03-04T18:00:00"))
    assert local.callback_at == datetime(2026, 3, 4, 18)  # noqa: DTZ001


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SIGNATURE: ""},
        {SIGNATURE: "sha256="},
        {SIGNATURE: sign("another secret", BODY)},
        {SIGNATURE: sign(SECRET, BODY + b" ")},
        {SIGNATURE: sign(SECRET, BODY).removeprefix("sha256=")},
        {SIGNATURE: sign(SECRET, BODY).upper()},
        {SIGNATURE: "sha256=ünïcödé"},
        {SIGNATURE: "sha256=\udcff"},
        {"X-Other-Signature": sign(SECRET, BODY)},
    ],
)
def test_a_forged_or_unsigned_callback_is_not_read(headers: dict[str, str]) -> None:
    with pytest.raises(ForgedCallback):
        read_callback(SECRET, headers, BODY)


@given(st.text(), st.binary())
def test_no_guess_is_a_signature(guess: str, body: bytes) -> None:
    with pytest.raises(ForgedCallback):
        read_callback(SECRET, {SIGNATURE: guess}, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[1]",
        b"\xff\xfe",
        b"{}",
        changed(callId="seven"),
        changed(type="exploded"),
        changed(sequence="3"),
        changed(sequence=0),
        changed(sequence=2**31),
        changed(carrierCallId=""),
        changed(carrierCallId="sim\x007"),
        changed(at="2026-03-04T15:00:00"),
        changed(at="yesterday"),
        changed(outcome=None),
        changed(type="ringing"),
        changed(type="ringing", outcome=None, callbackAt="2026-03-04T18:00:00Z"),
        changed(callbackAt="later"),
        changed(transcript=[{"at": 1, "speaker": "agent"}]),
    ],
)
def test_a_garbled_callback_is_signed_and_yet_refused(body: bytes) -> None:
    with pytest.raises(BadCallback):
        read(body)


@given(st.binary())
def test_no_signed_body_breaks_the_reader(body: bytes) -> None:
    with suppress(BadCallback):
        read(body)


def test_the_carrier_in_process_takes_no_callbacks() -> None:
    carrier = SimulatedCarrier(clock=None, sink=lambda _: None)
    with pytest.raises(ForgedCallback):
        carrier.read_callback({SIGNATURE: sign("", BODY)}, BODY)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def received(receiver: Receiver, count: int) -> list[int]:
    """The sequences of so many events, in the order in which they came."""
    events: list[CallEvent] = []
    async with asyncio.timeout(PATIENCE):
        while len(events) < count:
            events += read_callback(SECRET, *await receiver.posts.get())
    return [event.sequence for event in events]


def send(callbacks: Callbacks, receiver: Receiver, *sequences: int) -> None:
    for sequence in sequences:
        callbacks.send(receiver.url, msgspec.structs.replace(EVENT, sequence=sequence))


async def test_events_arrive_in_order_and_together() -> None:
    receiver, callbacks = Receiver(), Callbacks(SECRET)
    await receiver.start()
    send(callbacks, receiver, *range(1, 501))

    assert await received(receiver, 500) == list(range(1, 501))
    await until(lambda: callbacks.sent == 500)
    assert callbacks.waiting == 0
    await callbacks.close()
    await receiver.stop()


async def test_a_receiver_that_fails_gets_them_again_in_order() -> None:
    receiver, callbacks = Receiver(), Callbacks(SECRET)
    receiver.answers.extend([500, 503, 429])
    await receiver.start()
    send(callbacks, receiver, 1, 2)

    assert await received(receiver, 2) == [1, 2]
    assert not receiver.answers
    await callbacks.close()
    await receiver.stop()


async def test_a_receiver_that_restarts_misses_nothing() -> None:
    receiver, callbacks = Receiver(), Callbacks(SECRET)
    await receiver.start()
    send(callbacks, receiver, 1)
    assert await received(receiver, 1) == [1]
    await receiver.stop()
    send(callbacks, receiver, 2, 3)
    await until(lambda: callbacks.retries > 0)
    await receiver.start()

    assert await received(receiver, 2) == [2, 3]
    await callbacks.close()
    await receiver.stop()


async def test_a_receiver_that_refuses_for_good_is_not_asked_again() -> None:
    receiver, callbacks = Receiver(), Callbacks(SECRET)
    receiver.answers.append(410)
    await receiver.start()
    send(callbacks, receiver, 1)
    await until(lambda: callbacks.given_up == 1)
    send(callbacks, receiver, 2)

    assert await received(receiver, 1) == [2]
    await callbacks.close()
    await receiver.stop()


async def test_one_receiver_that_is_down_delays_no_other() -> None:
    down, up, callbacks = Receiver(), Receiver(), Callbacks(SECRET)
    await down.start()
    await down.stop()
    await up.start()
    send(callbacks, down, 1)
    await until(lambda: callbacks.retries > 0)
    send(callbacks, up, 2)

    assert await received(up, 1) == [2]
    await until(lambda: callbacks.waiting == 1)
    await down.start()
    assert await received(down, 1) == [1]
    await callbacks.close()
    await down.stop()
    await up.stop()
