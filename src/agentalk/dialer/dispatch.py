"""From a reservation to the carrier: the second check, the `dialing` commit, the request, and what came of it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never

import structlog

from agentalk.carriers.carrier import Accepted, Carrier, PlaceAnswer, Placement, Refused, Unsure
from agentalk.dialer.brake import Brake
from agentalk.dialer.claim import Turn
from agentalk.dialer.second_check import commit
from agentalk.domain.agent import render
from agentalk.domain.call import Bound, Doubtful, NotPlaced, Report
from agentalk.domain.ids import DialerId, OrgId
from agentalk.operations.reports import record
from agentalk.store.batch import Batch
from agentalk.store.claims import Reservation
from agentalk.store.database import Database, Unavailable
from agentalk.store.dialing import ActiveCampaign

log = structlog.get_logger(__name__)

# Seconds of real time. A process that slept this long between the commit and the request sends nothing: by now another
# dialer may have taken the call for lost.
_HESITATION = 4.0
_RETRY_SECONDS = 0.5
# Who is committed as `dialing` is called, whatever is ordered a moment later: a slow carrier must not have many wait.
MOST_UNDER_WAY = 300


class Dispatcher:
    """Places reserved calls, each at most once, and records every report about them.

    `present` gives the present moment within what began at another one: a carrier may be long in answering. `on_room`
    is told when there is room for more requests.
    """

    def __init__(
        self,
        database: Database,
        carriers: Mapping[str, Carrier],
        dialer: DialerId,
        lease: timedelta,
        present: Callable[[datetime], datetime],
        on_room: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._carriers = carriers
        self._dialer = dialer
        self._lease = lease
        self._present = present
        self._on_room = on_room
        self._brake = Brake(database)
        self._tasks: set[asyncio.Task[None]] = set()
        self._recorders = {kind: Batch(self._recorder(kind)) for kind in carriers}

    async def dispatch(self, org: OrgId, turn: Turn, now: datetime) -> int:
        """Commit the reservations that pass the second check as `dialing`, and send them on; release the rest.

        How many passed.
        """
        # Counted from before the commit: a process may be put to sleep while it waits for the commit's answer.
        deadline = asyncio.get_running_loop().time() + _HESITATION
        passed = await self._database.run(
            commit, org, turn.reservations, dialer=self._dialer, lease=self._lease, now=now
        )
        for reservation in turn.reservations:
            if reservation.id in passed:
                placement = _placement(reservation, turn.campaigns[reservation.campaign_id])
                task = asyncio.create_task(self._place(org, reservation.carrier, placement, deadline, now))
                self._tasks.add(task)
                task.add_done_callback(self._answered)
        return len(passed)

    @property
    def room(self) -> int:
        """How many more requests may be under way."""
        return MOST_UNDER_WAY - len(self._tasks)

    @property
    def has_room(self) -> bool:
        """Whether there is room enough for a turn to be worth its cost."""
        return len(self._tasks) <= MOST_UNDER_WAY // 2

    async def record(self, kind: str, report: Report, now: datetime) -> None:
        """Record a report together with others; returns once it is committed."""
        await self._recorders[kind].add((report, now))

    def hear(self, kind: str, report: Report, now: datetime) -> None:
        """As `record`, without waiting."""
        self._recorders[kind].put((report, now)).add_done_callback(_complain)

    async def settle(self) -> None:
        """Wait until every request is answered and every report recorded."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        for recorder in self._recorders.values():
            await recorder.drain()

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if len(self._tasks) == MOST_UNDER_WAY // 2:
            self._on_room()

    async def _place(self, org: OrgId, kind: str, placement: Placement, deadline: float, now: datetime) -> None:
        if asyncio.get_running_loop().time() > deadline:
            self.hear(kind, Doubtful(placement.call_id, now), now)
            return
        try:
            answer: PlaceAnswer = await self._carriers[kind].place(placement, now)
        except Exception:
            log.exception("carrier adapter failed", carrier=kind, call=str(placement.call_id))
            answer = Unsure("adapter_failed")
        sent_at, now = now, self._present(now)
        match answer:
            case Accepted():
                report: Report = Bound(placement.call_id, answer.carrier_call_id)
            case Refused():
                report = NotPlaced(placement.call_id, now, answer.reason, for_good=not answer.slow_down)
            case Unsure():
                report = Doubtful(placement.call_id, now)
            case _:
                assert_never(answer)
        self.hear(kind, report, now)
        await self._brake.answered(org, kind, answer, sent_at, now)

    def _recorder(self, kind: str) -> Callable[[Sequence[tuple[Report, datetime]]], Awaitable[list[None]]]:
        async def work(received: Sequence[tuple[Report, datetime]]) -> list[None]:
            reports = [report for report, _ in received]
            now = max(moment for _, moment in received)
            # While the database is away the reports wait here: nobody else knows them.
            while True:
                try:
                    await self._database.run(record, kind, reports, now, random.random)
                    return [None] * len(received)
                except Unavailable:
                    log.warning("database away, reports wait", reports=len(received))
                    await asyncio.sleep(_RETRY_SECONDS)

        return work


def _complain(recorded: asyncio.Future[None]) -> None:
    if not recorded.cancelled() and (error := recorded.exception()):
        # The call is not lost: its carrier will be asked about it.
        log.error("report not recorded", exc_info=error)


def _placement(reservation: Reservation, campaign: ActiveCampaign) -> Placement:
    def spoken(template: str) -> str:
        return render(template, reservation.name, reservation.attributes)

    policy = campaign.rules.policy
    # That an AI speaks, and for whom, is said before all else, to a machine too.
    disclosed = render(policy.disclosure, reservation.name, {"organization": campaign.organization})
    message = spoken(campaign.voicemail_message) if campaign.leave_message else ""
    return Placement(
        call_id=reservation.id,
        phone=reservation.phone,
        caller_id=reservation.caller_id,
        ring_seconds=policy.min_ring_seconds,
        first_message=f"{disclosed} {spoken(campaign.first_message)}".strip(),
        voicemail_message=message and f"{disclosed} {message}",
    )
