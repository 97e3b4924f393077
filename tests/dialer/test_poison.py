"""A report that cannot be recorded holds up no other: not the call's end, and not another call."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from agentalk.carriers.carrier import FindAnswer, Found
from agentalk.carriers.simulator.faults import Faults
from agentalk.dialer import Dialer
from agentalk.domain.call import Utterance
from agentalk.domain.ids import CallId
from tests.conftest import NOW
from tests.dialer.scene import Scene, scene
from tests.dialer.test_reconcile import Hanging


class Poisoned(Hanging):
    """A carrier whose account of one call holds what no database takes."""

    def __init__(self, stage: Scene, poisoned: str) -> None:
        super().__init__(stage)
        self.go_on.set()
        self.poisoned = poisoned

    async def find(self, call_id: CallId, now: datetime) -> FindAnswer:
        known = await super().find(call_id, now)
        if isinstance(known, Found) and str(call_id) == self.poisoned:
            spoilt = (Utterance(at=0.0, speaker="contact", text="\0"),)
            events = tuple(msgspec.structs.replace(event, transcript=spoilt) for event in known.events)
            return msgspec.structs.replace(known, events=events)
        return known


async def test_a_report_that_cannot_be_recorded_keeps_no_call_from_its_end(db: Any) -> None:
    async with scene(db, NOW, faults=Faults(callback_missing=1.0)) as stage:
        carrier = Poisoned(stage, "")
        dialer = Dialer(stage.database, {"simulator": carrier})
        campaign = await stage.campaign(2)
        await stage.tick(dialer)
        carrier.poisoned = str(await stage.one("SELECT min(id::text) FROM calls"))
        stage.now += timedelta(seconds=61)
        stage.carrier.advance(stage.now)
        await stage.tick(dialer)

        assert await stage.counts(campaign) == {"completed": 1, "calling": 1}
        stage.now += timedelta(hours=2)
        await stage.tick(dialer)
        outcomes = {outcome for *_, outcome in await stage.calls(campaign)}
        assert outcomes == {"answered", "unknown"}
