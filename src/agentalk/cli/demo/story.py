"""The demo, step by step: through the HTTP API as anyone would, and then the ledger as the judge."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from agentalk.cli.client import Client, Record
from agentalk.cli.demo.day import RETRY, WINDOW, Next, at_rest, due, outlook
from agentalk.cli.exits import Failure
from agentalk.cli.importing import Import
from agentalk.cli.looks import Look, Watcher
from agentalk.domain.clock import Clock
from agentalk.domain.contact import Address, zone_group
from agentalk.domain.window import ZoneGroup
from agentalk.wiring.carriers import Rang

LOOK_SECONDS = 0.2
# Somebody is due, and for so long nothing happened: the demo has failed.
_STUCK_SECONDS = 20.0
_FEW = 400
AGENT = {
    "name": "Renewals",
    "prompt": "You call members of a club whose membership ends soon. Be brief, kind and clear.",
    "firstMessage": "Hello {{name}}, this is the assistant of the Riverside Club. Do you have a minute?",
    "voicemailMessage": "Hello {{name}}, the Riverside Club called about your membership. We will try again.",
}


@dataclass(kw_only=True)
class Ending:
    """How the campaign stood when it came to rest, and what the carrier's ledger says of it."""

    imported: Import
    added: Record
    campaign: Record
    contacts: list[Record]
    calls: list[Record]
    coming: list[Next]
    began: datetime
    ended: datetime
    seconds: float
    sample: Record | None = None
    faults: list[str] = field(default_factory=list)


class Story:
    """One run of the demo."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._zones: dict[str, ZoneGroup] = {}
        self.names: dict[str, str] = {}
        self.campaign = ""
        self.coming: list[Next] = []
        self.began = clock.now()
        self._began_at = time.monotonic()

    async def prepare(self, how_many: int) -> Record:
        """Create agent and campaign, and add every contact; what became of those added."""
        carrier = (await self._client.get("/api/carriers"))["data"][0]
        await self._client.patch(f"/api/carriers/{carrier['id']}", {"callsPerSecond": max(10, _pace(how_many))})
        agent = await self._client.post("/api/agents", AGENT)
        ids = []
        async for contact in self._client.pages("/api/contacts"):
            ids.append(contact["id"])
            self.names[contact["id"]] = contact["name"] or contact["id"]
            address = contact["address"] and msgspec.convert(contact["address"], Address)
            self._zones[contact["id"]] = zone_group(contact["phone"], contact["timeZone"], address)
        campaign = await self._client.post("/api/campaigns", _campaign(agent["id"], how_many))
        self.campaign = campaign["id"]
        return await self._client.post(f"/api/campaigns/{self.campaign}/contacts", {"contactIds": ids})

    async def call(self) -> AsyncIterator[Look]:
        """Start the campaign and look at it until it comes to rest. Raises `Failure` if it gets stuck."""
        await self._client.post(f"/api/campaigns/{self.campaign}/start")
        self.began, self._began_at = self._clock.now(), time.monotonic()
        watcher = Watcher(self._client, self.campaign)
        moved, moved_at = None, time.monotonic()
        while True:
            look = await watcher.look()
            yield look
            if look.counts["calling"] == 0 and await self._rests(look):
                return
            state = (look.counts, look.calls_total)
            if state != moved:
                moved, moved_at = state, time.monotonic()
            elif time.monotonic() - moved_at > _STUCK_SECONDS and (late := due(self.coming, self._clock.now())):
                raise Failure(f"The demo is stuck: {len(late)} contacts are due, and nobody is called.")
            await asyncio.sleep(LOOK_SECONDS)

    async def _rests(self, look: Look) -> bool:
        now = self._clock.now()
        waiting = [one async for one in self._contacts("waiting")] if look.counts["waiting"] else []
        pending = [one async for one in self._contacts("pending")] if look.counts["pending"] else []
        self.coming = outlook(waiting, [one["contactId"] for one in pending], self._zones, now)
        # Between two requests a call may have begun: only a whole that adds up is judged.
        whole = len(self.coming) == look.counts["waiting"] + look.counts["pending"]
        return whole and at_rest(self.coming, now)

    async def end(self, imported: Import, added: Record, rang: Sequence[Rang]) -> Ending:
        """What came of it, once it rests. The campaign is paused, lest it go on where the data is served next."""
        ended, seconds = self._clock.now(), time.monotonic() - self._began_at
        campaign = await self._client.post(f"/api/campaigns/{self.campaign}/pause") if self.coming else None
        calls = [call async for call in self._client.pages(f"/api/campaigns/{self.campaign}/calls")]
        return Ending(
            imported=imported,
            added=added,
            campaign=campaign or await self._client.get(f"/api/campaigns/{self.campaign}"),
            contacts=[one async for one in self._contacts(None)],
            calls=calls,
            coming=self.coming,
            began=self.began,
            ended=ended,
            seconds=seconds,
            sample=await self._sample(calls),
            faults=judge(calls, rang),
        )

    async def pause(self) -> None:
        """Leave nothing running behind."""
        if self.campaign:
            await self._client.post(f"/api/campaigns/{self.campaign}/pause")

    async def _sample(self, calls: Sequence[Record]) -> Record | None:
        """The longest conversation, with what was said and the contact's name."""
        talked = [call for call in calls if call["outcome"] == "answered"]
        if not talked:
            return None
        longest = max(talked, key=lambda call: call["durationSeconds"] or 0)
        call = await self._client.get(f"/api/calls/{longest['id']}")
        return {**call, "name": self.names.get(call["contactId"])}

    async def _contacts(self, status: str | None) -> AsyncIterator[Record]:
        async for one in self._client.pages(f"/api/campaigns/{self.campaign}/contacts", status=status):
            yield one


def judge(calls: Sequence[Record], rang: Sequence[Rang]) -> list[str]:
    """What the ledger of this run holds against the engine: nothing, if it kept its promise."""
    known = {call["id"]: call for call in calls}
    rings = Counter(str(ring.call_id) for ring in rang)
    attempts = Counter((known[id]["contactId"], known[id]["attempt"]) for id in rings if id in known)
    strangers = sorted(rings.keys() - known.keys())
    unheard = [id for id, call in known.items() if call["answeredAt"] and id not in rings]
    return [
        *(f"call {id} was placed {times} times" for id, times in rings.items() if times > 1),
        *(
            f"attempt {n} at {contact} was dialled {times} times"
            for (contact, n), times in attempts.items()
            if times > 1
        ),
        *(f"call {id} is in the carrier's ledger and not in ours" for id in strangers),
        *(f"call {id} was answered and is not in the carrier's ledger" for id in unheard),
    ]


def _pace(how_many: int) -> float:
    """Calls a second of the simulated day."""
    # A few are called one by one within ten minutes, to watch. Many are called as fast as may be: in a fast day a tick
    # lasts seconds, and lets through a tenth of a second's calls.
    return max(0.25, how_many / 600) if how_many <= _FEW else how_many / 20


def _campaign(agent: str, how_many: int) -> Record:
    slots = [{"day": slot.day.value, "start": slot.start, "end": slot.end} for slot in WINDOW.slots]
    return {
        "name": "Membership renewals",
        "agentId": agent,
        "callerIds": ["+12025550143"],
        "callsPerSecond": _pace(how_many),
        "maxConcurrency": 100,
        "window": {"timeZoneMode": "contact", "slots": slots},
        "retry": RETRY,
        "voicemail": {"action": "leave_message"},
    }
