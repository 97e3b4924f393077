"""A dialer: one round at a time (`tick`), and the loop that repeats it and waits to be woken (`run`)."""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from agentalk.carriers.carrier import Carrier
from agentalk.dialer.catching_up import CarrierAway, catch_up
from agentalk.dialer.claim import MOST_PER_TURN, Turn, claim
from agentalk.dialer.dispatch import Dispatcher
from agentalk.dialer.reconcile import Reconciler
from agentalk.dialer.turns import NEVER, Agenda, Slots
from agentalk.domain.call import CallEvent
from agentalk.domain.clock import Clock
from agentalk.domain.ids import DecisionId, DialerId, OrgId, uuid7
from agentalk.domain.policy import calendar
from agentalk.domain.policy.presets import presets
from agentalk.operations.campaigns import begin_scheduled, go_on_stopping
from agentalk.store import clock as store_clock
from agentalk.store import dialers, dialing
from agentalk.store.database import HANG_UP, Database, Unavailable

log = structlog.get_logger(__name__)

_POLL_SECONDS = 1.0
_DRAIN_SECONDS = 10.0
_AFTER_A_FAILURE = timedelta(seconds=5)
_AFTER_A_REFUSAL = timedelta(seconds=1)
# Turns of organizations that are taken at a time: while the database works for one, another is worked out.
_SIDE_BY_SIDE = 4
_AT_ONCE = datetime.min.replace(tzinfo=UTC)
_KEEP_FENCED = timedelta(days=1)
# How many decisions a dialer remembers: each day brings new ones.
_MOST_DECISIONS = 10_000
# How far a dialer's clock may be from the database's: two of them then take each other for alive, and hours are kept.
_CLOCK_TOLERANCE = timedelta(seconds=2)


class Fenced(Exception):
    """Another dialer took this one for dead and has its calls. It may not dial again under its id."""


class WrongClock(Exception):
    """This machine's clock and the database's show different times: nobody may be called by a clock that is wrong."""


class Dialer:
    """Calls the contacts of active campaigns through `carriers` (by kind), holding at most `slots` live calls.

    A dialer without a heartbeat for `lease` is taken for dead by the others. All times are the caller's `now`.
    """

    def __init__(
        self,
        database: Database,
        carriers: Mapping[str, Carrier],
        *,
        id: DialerId | None = None,
        slots: int = 1000,
        lease: timedelta = timedelta(seconds=10),
    ) -> None:
        self.id = id
        self._database = database
        self._carriers = carriers
        self._slots = slots
        self._lease = lease
        self._beat_at: datetime | None = None
        self._agenda = Agenda()
        # Decisions that are kept: no need to keep them in each turn.
        self._decisions: set[DecisionId] = set()
        self._next_check: datetime | None = None
        self._next_start = NEVER
        self._is_stopping = True
        # Somebody could use places that others, side by side, were given and had no use for.
        self._places_left = False
        self.dispatcher: Dispatcher | None = None
        self._reconciler: Reconciler | None = None
        self._clock: Clock | None = None
        self._wake = asyncio.Event()

    def hear(self, kind: str, event: CallEvent) -> None:
        """Take an event from an in-process carrier of `kind`."""
        if self.dispatcher is not None:
            self.dispatcher.hear(kind, event, self._present(event.at))

    async def tick(self, now: datetime, orgs: Collection[OrgId] | None = None) -> datetime | None:
        """One round at `now` over `orgs` (None: all that have work); the next moment at which something is due.

        Raises `Fenced` if another dialer took over, `WrongClock`, and before the first round `CarrierAway`. Requests to
        carriers may still be under way on return: `settle`.
        """
        await self._beat(now)
        begun = await self._begin_scheduled(now)
        if orgs is not None:
            # Who was woken waits for no housekeeping.
            await self._take_turns(list(dict.fromkeys([*begun, *orgs])), now)
        if self._is_stopping or orgs is None:
            self._is_stopping = await self._database.run(go_on_stopping)
        if self._next_check is None or self._next_check <= now or orgs is None:
            self._next_check = await self._reconcile(now)
        if orgs is None:
            await self._take_turns(await self._list(now), now)
        return None if self._earliest == NEVER else self._earliest

    async def settle(self) -> None:
        """Wait until every request under way is answered and recorded."""
        if self._reconciler is not None:
            await self._reconciler.settle()
        if self.dispatcher is not None:
            await self.dispatcher.settle()

    async def run(self, clock: Clock, stop: asyncio.Event) -> None:
        """Tick until `stop` is set, then drain: nothing new is dialled, what is under way is recorded."""
        self._clock = clock
        # Loaded within a turn, they would hold up a transaction.
        await asyncio.to_thread(calendar.load)
        await asyncio.to_thread(presets)
        wake = self._wake

        def heard(text: str) -> None:
            if text not in (HANG_UP, ""):
                with contextlib.suppress(ValueError):  # others may use the channel
                    self._agenda.wake(OrgId(UUID(text)), clock.now())
            else:
                self._next_check = None
                if text != HANG_UP:
                    self._agenda.look_at_all()
            wake.set()

        background = [
            asyncio.create_task(self._database.listen(heard)),
            asyncio.create_task(self._keep_alive(clock)),
            asyncio.create_task(_forward(stop, wake)),
        ]
        rounds = asyncio.create_task(self._repeat(clock, stop, wake))
        try:
            # What runs beside the rounds does not end before them, unless it fails: then the dialer does.
            await asyncio.wait({rounds, *background[:2]}, return_when=asyncio.FIRST_COMPLETED)
            for task in (rounds, *background[:2]):
                if task.done():
                    task.result()
            await self._retire(clock.now())
        finally:
            for task in (rounds, *background):
                task.cancel()
            await asyncio.gather(rounds, *background, return_exceptions=True)

    async def _repeat(self, clock: Clock, stop: asyncio.Event, wake: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        list_at = 0.0
        while not stop.is_set():
            wake.clear()
            now = clock.now()
            try:
                await self.tick(now, self._agenda.due(now, loop.time()))
                if loop.time() >= list_at:
                    list_at = loop.time() + _POLL_SECONDS
                    self._next_check, self._is_stopping = None, True
                    await self._list(clock.now())
            except Unavailable:
                log.warning("database away, the dialer waits")
                list_at = 0.0
                self._agenda.look_at_all()
                await _wait(stop, _POLL_SECONDS)
                continue
            except CarrierAway as away:
                log.warning("the dialer waits for its carrier", reason=str(away))
                list_at = 0.0
                await _wait(stop, _POLL_SECONDS)
                continue
            seconds = (self._earliest - clock.now()).total_seconds() / clock.speed
            await _wait(wake, 0 if self._agenda.behind else min(seconds, list_at - loop.time()))

    @property
    def _earliest(self) -> datetime:
        if self._is_stopping or self._places_left:
            return _AT_ONCE
        return min(self._agenda.earliest, self._next_check or NEVER, self._next_start)

    async def _list(self, now: datetime) -> list[OrgId]:
        """The organizations that have work; what else was on the agenda, and is not due, is forgotten."""
        async with self._database.reading() as tx:
            orgs = await dialing.organizations_with_work(tx)
        self._agenda.keep(orgs, self._present(now))
        return orgs

    async def _take_turns(self, orgs: Collection[OrgId], now: datetime) -> None:
        """Give these organizations their turns, some side by side, after those that wait for a place."""
        self._places_left = False
        if self.id is None or self.dispatcher is None or not (orgs or self._agenda.starved):
            return
        if not self.dispatcher.has_room:
            for org in orgs:
                self._agenda.postpone(org)
            return
        async with self._database.reading() as tx:
            free = self._slots - await dialing.live_of_dialer(tx, self.id)
        queue = list(dict.fromkeys([*self._agenda.starved, *orgs]))
        slots = Slots(min(free, self.dispatcher.room), min(_SIDE_BY_SIDE, len(queue)))
        waiting, asked = iter(queue), frozenset(orgs)

        async def work() -> None:
            for org in waiting:
                lent = await slots.lend(MOST_PER_TURN)
                # Who only waits for a place has no use of a turn without one, and waits on.
                used = await self._come_again(org, lent, self._present(now)) if lent or org in asked else 0
                slots.give_back(lent, used)

        done = await asyncio.gather(*(work() for _ in range(_SIDE_BY_SIDE)), return_exceptions=True)
        for error in done:
            if error is not None:
                raise error
        self._places_left = slots.free > 0 and bool(self._agenda.starved)

    def _present(self, now: datetime) -> datetime:
        """The present moment within what began at `now`: a round over many organizations takes its time."""
        return self._clock.now() if self._clock else now

    async def _beat(self, now: datetime) -> None:
        if self._beat_at is not None and abs(now - self._beat_at) < self._lease / 5:
            return
        await self._compare_clocks(now)
        if self._beat_at is None:
            self.id = self.id or DialerId(uuid7(now))
            await catch_up(self._database, self._carriers, now, now - self._lease)
            self.dispatcher = Dispatcher(
                self._database, self._carriers, self.id, self._lease, self._present, self._wake.set
            )
            self._reconciler = Reconciler(self._database, self._carriers, self.dispatcher, self.id)
            await self._database.run(dialers.register, self.id, now)
            self._beat_at = now
            await self._database.run(dialers.prune, now - _KEEP_FENCED)
        elif self.id is None or not await self._database.run(dialers.beat, self.id, now):
            raise Fenced(f"Dialer {self.id} was taken for dead, and its calls have passed to another.")
        self._beat_at = now

    async def _compare_clocks(self, now: datetime) -> None:
        if self._clock is None or not self._clock.is_wall:
            return
        async with self._database.reading() as tx:
            theirs = await store_clock.database_time(tx)
        if not now - _CLOCK_TOLERANCE <= theirs <= self._clock.now() + _CLOCK_TOLERANCE:
            seconds = abs((theirs - self._clock.now()).total_seconds())
            raise WrongClock(
                f"This machine's clock and the database's are {seconds:.0f} s apart. Nobody is called from here until"
                " they agree: set the clock that is wrong."
            )

    async def _keep_alive(self, clock: Clock) -> None:
        """Beat also while a round lasts long. That the dialer is fenced is for the next round to find."""
        while True:
            await clock.sleep(self._lease / 5)
            if self._beat_at is not None:
                with contextlib.suppress(Fenced, WrongClock, *Unavailable):
                    await self._beat(clock.now())

    async def _begin_scheduled(self, now: datetime) -> list[OrgId]:
        """Start the campaigns whose time has come; whose they are."""
        self._next_start = await self._next_scheduled()
        if self._next_start > now:
            return []
        begun = await self._database.run(begin_scheduled, now)
        self._next_start = await self._next_scheduled()
        return [org for org, _ in begun]

    async def _next_scheduled(self) -> datetime:
        async with self._database.reading() as tx:
            return await dialing.next_scheduled(tx) or NEVER

    async def _reconcile(self, now: datetime) -> datetime:
        if self._reconciler is None:
            return NEVER
        await self._reconciler.take_over(now, now - self._lease)
        return await self._reconciler.check(now) or NEVER

    async def _come_again(self, org: OrgId, slots: int, now: datetime) -> int:
        """Take an organization's turn; how many places it used. One that fails is no other organization's concern."""
        self._agenda.begin(org, now, asyncio.get_running_loop().time())
        try:
            turn = await self._turn(org, slots, now)
        except Unavailable:
            self._agenda.end(org, now)
            raise
        except Exception:
            log.exception("an organization's turn failed", organization=str(org))
            # Perhaps the database is another one than it was.
            self._decisions.clear()
            self._agenda.end(org, now + _AFTER_A_FAILURE)
            return slots
        self._agenda.end(org, turn.come_again)
        if slots:
            self._agenda.fed(org)
        if turn.hungry:
            self._agenda.starve(org)
        return len(turn.reservations)

    async def _turn(self, org: OrgId, slots: int, now: datetime) -> Turn:
        if self.id is None or self.dispatcher is None:
            raise RuntimeError("a dialer registers before it dials")
        turn = await self._database.run(
            claim,
            org,
            dialer=self.id,
            kinds=self._carriers.keys(),
            slots=slots,
            now=now,
            decisions=self._decisions,
        )
        if len(self._decisions) > _MOST_DECISIONS:
            self._decisions.clear()
        self._decisions |= turn.decisions
        if turn.reservations:
            passed = await self.dispatcher.dispatch(org, turn, self._present(now))
            if passed < len(turn.reservations):
                # What was given back is looked at again soon, and not at once: what refused it may last.
                self._agenda.end(org, now + _AFTER_A_REFUSAL)
        return turn

    async def _retire(self, now: datetime) -> None:
        if self._reconciler is None or self.dispatcher is None or self.id is None:
            return
        self._reconciler.drop()
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self.dispatcher.settle()
        except TimeoutError:
            log.warning("requests are still under way; another dialer will find out what became of them")
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._database.run(dialers.retire, self.id, now)
        except Unavailable:
            log.warning("the dialer could not sign off; its calls pass over when its lease ends")


async def _forward(stop: asyncio.Event, wake: asyncio.Event) -> None:
    await stop.wait()
    wake.set()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
