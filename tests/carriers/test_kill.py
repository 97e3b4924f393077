"""What rang is known after a kill of the simulator, to the call whose reply never went out."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from agentalk.carriers.carrier import Absent, Accepted, Placement, Refused, Unsure
from agentalk.carriers.simulator.faults import NO_FAULTS, Faults
from agentalk.carriers.simulator.ledger import Ledger
from agentalk.carriers.simulator.world import AT_ONCE, Mix
from agentalk.domain.call import Outcome
from agentalk.domain.clock import Clock
from tests.carriers.contract import TALKS_ON, a_placement, find, place
from tests.carriers.rigs import PATIENCE, SECRET, OverHttp, Receiver

PROGRAM = """
import sys
from pathlib import Path
import msgspec
from agentalk.carriers.simulator.server import run
from agentalk.carriers.simulator.faults import Faults
from agentalk.carriers.simulator.world import Mix
from agentalk.domain.clock import Clock

ledger, secret, mix, faults = sys.argv[1:]
run(
    host="127.0.0.1", port=0, clock=Clock(), ledger=Path(ledger), secret=secret,
    mix=msgspec.json.decode(mix, type=Mix), faults=msgspec.json.decode(faults, type=Faults),
    announce=lambda url: print(url, flush=True),
)
"""


class Process:
    """A simulator of its own that can be killed and started again on the same ledger."""

    def __init__(self, ledger: Path, mix: Mix, faults: Faults) -> None:
        self.ledger = ledger
        arguments = [str(ledger), SECRET, msgspec.json.encode(mix).decode(), msgspec.json.encode(faults).decode()]
        command = [sys.executable, "-c", PROGRAM, *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()

    def stop(self, how: signal.Signals) -> int:
        self._process.send_signal(how)
        code = self._process.wait(PATIENCE)
        assert self._process.stdout
        self._process.stdout.close()
        return code


async def test_what_rang_survives_a_kill(tmp_path: Path) -> None:
    """A call that is over, one in conversation, and one whose reply was never sent."""
    over, talking, unanswered = a_placement("+15005550003"), a_placement(), a_placement()
    receiver = Receiver()
    await receiver.start()
    process = Process(tmp_path / "ledger", TALKS_ON, NO_FAULTS)
    rig = OverHttp(process.url, receiver, Clock(), timeout=PATIENCE)
    for placement in (over, talking):
        await place(rig, placement)
    before = {(event.call_id, event.sequence) for event in [await rig.event() for _ in range(3)]}
    await rig.misbehave(Faults(accept_then_timeout=1))
    hanging = asyncio.create_task(rig.carrier.place(unanswered, rig.clock.now()))
    for _ in range(2):
        before.add(((event := await rig.event()).call_id, event.sequence))
    assert process.stop(signal.SIGKILL) == -signal.SIGKILL
    assert await hanging == Unsure("connection_lost")
    await rig.close()

    process = Process(tmp_path / "ledger", AT_ONCE, NO_FAULTS)
    rig = OverHttp(process.url, receiver, Clock(), timeout=PATIENCE)
    found = [await find(rig, placement) for placement in (over, talking, unanswered)]
    assert {(event.call_id, event.sequence) for one in found for event in one.events} == before
    assert [one.events[-1].outcome for one in found] == [Outcome.BUSY, None, None]
    assert await rig.carrier.find(a_placement().call_id, rig.clock.now()) == Absent()

    told_again = {(event.call_id, event.sequence) for event in [await rig.event() for _ in range(4)]}
    assert told_again == {(one.call_id, sequence) for one in (talking, unanswered) for sequence in (1, 2)}
    await rig.carrier.hangup(found[1].carrier_call_id, rig.clock.now())
    end = await rig.event()
    assert (end.call_id, end.outcome) == (talking.call_id, Outcome.ANSWERED)
    assert [await rig.rings(one.call_id) for one in (over, talking, unanswered)] == [1, 1, 1]
    await rig.close()
    process.stop(signal.SIGTERM)
    await receiver.stop()

    rows = Ledger.read(tmp_path / "ledger").rows()
    assert [row.outcome for row in rows] == [Outcome.BUSY, Outcome.ANSWERED, None]


async def test_every_call_that_was_accepted_is_in_the_ledger_of_a_killed_simulator(tmp_path: Path) -> None:
    receiver = Receiver()
    await receiver.start()
    process = Process(tmp_path / "ledger", AT_ONCE, NO_FAULTS)
    rig = OverHttp(process.url, receiver, Clock(), timeout=PATIENCE)
    placements = [a_placement() for _ in range(400)]
    answers = {}

    async def keep_placing(share: list[Placement]) -> None:
        for placement in share:
            answers[placement.call_id] = await rig.carrier.place(placement, rig.clock.now())

    placing = asyncio.gather(*(keep_placing(placements[start::8]) for start in range(8)))
    for _ in range(60):
        await rig.event()
    process.stop(signal.SIGKILL)
    await placing
    await rig.close()
    await receiver.stop()

    rang = {row.call_id for row in Ledger.read(tmp_path / "ledger").rows()}
    accepted = {call_id for call_id, answer in answers.items() if isinstance(answer, Accepted)}
    refused = {call_id for call_id, answer in answers.items() if isinstance(answer, Refused)}
    assert accepted
    assert accepted <= rang
    assert not refused & rang
