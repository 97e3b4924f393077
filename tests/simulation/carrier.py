"""The simulated carrier, with a road between it and each dialer on which things are late or lost."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

import msgspec

from agentalk.carriers.carrier import FindAnswer, Listed, PlaceAnswer, Placement, Unsure
from agentalk.carriers.simulator.faults import Fault
from agentalk.carriers.simulator.inprocess import SimulatedCarrier
from agentalk.carriers.simulator.ledger import Placed
from agentalk.carriers.simulator.world import Mix
from agentalk.domain.call import CallEvent
from agentalk.domain.ids import CallId
from tests.simulation.faults import Striker
from tests.simulation.schedule import ACTOR, Hand

# A request that is on its way for longer has been given up by every network in between; the engine relies on it.
LONGEST_ROAD = 10.0


class Trouble(msgspec.Struct, frozen=True):
    """Chances per request. During an outage nothing is placed and nothing is known."""

    slow_road: float = 0.0
    unsure: float = 0.0
    crash_before_hearing: float = 0.0
    crash_before_reply: float = 0.0


class Exchange:
    """The carrier: one for all dialers, with its ledger. `rang` hears of every placement as it is made."""

    kind = "simulator"

    def __init__(self, hand: Hand, striker: Striker, random: Random, mix: Mix) -> None:
        self.simulated = SimulatedCarrier(clock=None, sink=lambda _: None, mix=mix)
        self.absent_proves_after = timedelta(seconds=LONGEST_ROAD + 5)
        self.trouble = Trouble()
        self.out_until = 0.0
        self.rang: Callable[[Placement, Placed, float], None] = lambda *_: None
        self.report: Callable[[Sequence[CallEvent]], None] = lambda _: None
        # Seconds for which reports are gathered before they are sent together.
        self.gather = 1.0
        self._hand, self._striker, self._random = hand, striker, random
        self._timer: asyncio.TimerHandle | None = None

    async def place(self, placement: Placement, now: datetime) -> PlaceAnswer:
        """As the protocol says."""
        hand, actor, name = self._hand, ACTOR.get(), str(placement.call_id)[-6:]
        sent = hand.loop.virtual
        if self._struck(self.trouble.slow_road, "request slow"):
            await asyncio.sleep(self._random.uniform(0.5, LONGEST_ROAD))
        # Between the dispatcher's last look at the clock and this there is nothing that could take time.
        await hand.gate(f"place {name}", leaves=True)
        if actor in self._striker.mortal and self._striker.chance(self.trouble.crash_before_hearing):
            self._striker.crash(actor, "crash before the carrier heard")
            raise asyncio.CancelledError
        answer = await self._heard(placement, sent)
        if actor in self._striker.mortal and self._striker.chance(self.trouble.crash_before_reply):
            self._striker.crash(actor, "crash before the reply")
            raise asyncio.CancelledError
        await hand.gate(f"reply {name}")
        hand.trace(actor.name, f"reply {name}", type(answer).__name__.lower())
        return answer

    async def _heard(self, placement: Placement, sent: float) -> PlaceAnswer:
        hand = self._hand
        if hand.loop.virtual < self.out_until:
            self._striker.struck["request during an outage"] += 1
            return Unsure("timeout")
        exchange, moment = self.simulated.exchange, hand.now()
        before, slow = len(exchange.ledger), exchange.faults_shown[Fault.SLOW_REPLY]
        answer = await self.simulated.place(placement, moment)
        hand.trace("carrier", f"hears {str(placement.call_id)[-6:]}", placement.phone)
        if len(exchange.ledger) > before:
            self.rang(placement, exchange.ledger.of_call(placement.call_id)[-1], hand.loop.virtual - sent)
        self.wake()
        if exchange.faults_shown[Fault.SLOW_REPLY] > slow:
            await asyncio.sleep(exchange.faults.slow_reply_seconds)
        return answer

    async def find(self, call_id: CallId, now: datetime) -> FindAnswer:
        """As the protocol says; sometimes unsure."""
        await self._hand.gate(f"find {str(call_id)[-6:]}")
        if self._hand.loop.virtual < self.out_until or self._struck(self.trouble.unsure, "find unsure"):
            return Unsure("timeout")
        answer = await self.simulated.find(call_id, self._hand.now())
        self._hand.trace(ACTOR.get().name, f"finds {str(call_id)[-6:]}", type(answer).__name__.lower())
        return answer

    async def placed_since(self, moment: datetime, now: datetime) -> tuple[Listed, ...] | Unsure:
        """As the protocol says: what a dialer asks that finds no other alive."""
        await self._hand.gate("placed since")
        if self._hand.loop.virtual < self.out_until:
            return Unsure("timeout")
        return await self.simulated.placed_since(moment, self._hand.now())

    async def hangup(self, carrier_call_id: str, now: datetime) -> None:
        """As the protocol says."""
        await self._hand.gate(f"hang up {carrier_call_id[-6:]}")
        await self.simulated.hangup(carrier_call_id, self._hand.now())
        self.wake()

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> list[CallEvent]:
        """Never: callbacks come by themselves."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing to close."""

    def wake(self) -> None:
        """See to it that what falls due is reported."""
        due = self.simulated.exchange.next_due()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            # On a grid, so that what happens at about the same time is told together.
            seconds = self._hand.seconds_until(due) + self._hand.loop.virtual
            at = (seconds // self.gather + 1) * self.gather
            self._timer = self._hand.loop.call_at(at, self._tell)

    def _tell(self) -> None:
        self._timer = None
        if events := self.simulated.exchange.advance(self._hand.now()):
            self.report(events)
        self.wake()

    def _struck(self, chance: float, kind: str) -> bool:
        struck = self._striker.chance(chance)
        if struck:
            self._striker.struck[kind] += 1
        return struck
