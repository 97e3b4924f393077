"""The in-process carrier's timer: it calls the sink when events fall due, and lets no sink spoil it for the others."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from agentalk.carriers.carrier import Accepted
from agentalk.carriers.simulator.faults import NO_FAULTS
from agentalk.carriers.simulator.inprocess import SimulatedCarrier
from agentalk.carriers.simulator.ledger import Ledger
from agentalk.carriers.simulator.world import AT_ONCE, Mix
from agentalk.domain.call import CallEvent, Outcome
from agentalk.domain.clock import Clock
from tests.carriers.contract import RINGS_ON, TALKS_ON, a_placement, place
from tests.carriers.rigs import PATIENCE, InProcess


async def test_no_event_comes_before_place_has_returned() -> None:
    told: list[CallEvent] = []
    clock = Clock()
    carrier = SimulatedCarrier(clock=clock, sink=told.append, mix=AT_ONCE)

    assert isinstance(await carrier.place(a_placement(), clock.now()), Accepted)
    assert told == []
    await carrier.close()


async def test_a_sink_that_fails_loses_its_own_event_alone() -> None:
    told: list[int] = []
    complaints: list[dict[str, Any]] = []
    all_told = asyncio.Event()

    def sink(event: CallEvent) -> None:
        told.append(event.sequence)
        if event.sequence == 3:
            all_told.set()
        if event.sequence == 1:
            raise RuntimeError("the sink is broken")

    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    clock = Clock()
    carrier = SimulatedCarrier(clock=clock, sink=sink, mix=AT_ONCE)
    await carrier.place(a_placement(), clock.now())
    async with asyncio.timeout(PATIENCE):
        await all_told.wait()

    assert told == [1, 2, 3]
    assert [str(complaint["exception"]) for complaint in complaints] == ["the sink is broken"]
    await carrier.close()


async def test_a_later_call_that_falls_due_sooner_is_told_sooner() -> None:
    rig = InProcess(RINGS_ON, NO_FAULTS)
    await place(rig, slow := a_placement())
    assert (await rig.event()).call_id == slow.call_id
    rig.carrier.exchange.mix = Mix(weights={Outcome.ANSWERED: 1}, ring_seconds=(0.05, 0.05), talk_seconds=(0.05, 0.05))
    await place(rig, quick := a_placement())

    assert [(await rig.event()).call_id for _ in range(3)] == [quick.call_id] * 3
    await rig.carrier.close()


async def test_a_fast_world_takes_less_of_our_time() -> None:
    told: asyncio.Queue[CallEvent] = asyncio.Queue()
    clock = Clock(speed=36_000)
    carrier = SimulatedCarrier(clock=clock, sink=told.put_nowait, mix=TALKS_ON)
    await carrier.place(a_placement(), clock.now())
    async with asyncio.timeout(PATIENCE):
        events = [await told.get() for _ in range(3)]

    assert events[2].at - events[0].at == timedelta(hours=1)
    await carrier.close()


async def test_calls_that_an_earlier_process_left_are_told_without_being_asked(tmp_path: Path) -> None:
    clock = Clock()
    left = SimulatedCarrier(clock=None, sink=lambda _: None, mix=TALKS_ON, ledger=Ledger(tmp_path / "ledger"))
    await left.place(placement := a_placement(), clock.now())
    left.exchange.ledger.close()

    told: asyncio.Queue[CallEvent] = asyncio.Queue()
    carrier = SimulatedCarrier(clock=clock, sink=told.put_nowait, ledger=Ledger(tmp_path / "ledger"))
    async with asyncio.timeout(PATIENCE):
        assert [(await told.get()).call_id for _ in range(2)] == [placement.call_id] * 2
    await carrier.close()
    carrier.exchange.ledger.close()


async def test_a_closed_carrier_tells_nothing_more() -> None:
    told: list[CallEvent] = []
    clock = Clock()
    carrier = SimulatedCarrier(clock=clock, sink=told.append, mix=AT_ONCE)
    await carrier.place(a_placement(), clock.now())
    await carrier.close()
    for _ in range(5):
        await asyncio.sleep(0)

    assert told == []
