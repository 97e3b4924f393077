"""A world: an organization and its people, several dialers, a carrier, users, and all that goes wrong with them."""

import asyncio
import gc
import hashlib
from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any

import msgspec

from agentalk.carriers.simulator.faults import NO_FAULTS as PERFECT
from agentalk.domain.call import CallEvent
from agentalk.domain.errors import Refusal
from agentalk.domain.ids import CampaignId, DialerId
from agentalk.operations import agents, campaign_contacts, campaigns, carriers, organizations
from agentalk.operations.agents import NewAgent
from agentalk.operations.carriers import CarrierPatch
from agentalk.operations.organizations import NewOrganization
from agentalk.operations.reports import record
from agentalk.store.database import Unavailable
from tests.simulation import rows
from tests.simulation.carrier import Exchange, Trouble
from tests.simulation.database import ActorsDatabase, Server
from tests.simulation.faults import NO_FAULTS, Striker
from tests.simulation.model import Model
from tests.simulation.oracle import History
from tests.simulation.plan import MIX, RETRIES, draw
from tests.simulation.process import LEASE, Process
from tests.simulation.schedule import Actor, Ended, Hand
from tests.simulation.surroundings import determined, listening
from tests.simulation.users import Users
from tests.simulation.watch import Violation, Watch

_DAY = 86_400.0
_DAYS_TO_REST = 0.5
# Seconds between the rounds of dialers at rest: the later the round, the more there is for it to do at once.
_AT_REST = 1800.0
# What is asked in the moment in which calls have been claimed.
_RACES = (
    "pause",
    "pause",
    "stop",
    "opt out",
    "opt out",
    "reset",
    "window",
    "delete",
    "phone",
    "list",
    "list",
    "consent",
)

Entry = tuple[datetime, str, str, str]


class Report(msgspec.Struct, kw_only=True):
    """What came of a seed. `trace` is the whole story: (moment, who, step, what)."""

    seed: int
    start: datetime
    violation: Violation | None
    trace: list[Entry]
    figures: dict[str, int]
    faults: dict[str, int]

    def digest(self) -> str:
        """The same for the same trace."""
        return hashlib.sha256("\n".join(map(line, self.trace)).encode()).hexdigest()[:16]


def line(entry: Entry) -> str:
    """One line of a trace, for a reader."""
    at, who, step, what = entry
    return f"{at:%d %H:%M:%S.%f}"[:-3] + f" {who:<12} {step:<28} {what}"


class World:
    """One seed's world on one fresh database."""

    def __init__(self, dsn: str, seed: int, days: float, contacts: int) -> None:
        self.seed, self.days, self.contacts = seed, days, contacts
        self.random = Random(f"world {seed}")
        self.plan = draw(self.random)
        self.hand = Hand(seed, self.plan.start)
        self.trace: list[Entry] = []
        self.hand.trace = lambda who, step, what: self.trace.append((self.hand.now(), who, step, what))
        self.striker = Striker(self.hand, Random(f"faults {seed}"))
        self.server = Server(dsn, self.hand, self.striker)
        self.database = ActorsDatabase(self.server)
        mix = msgspec.structs.replace(MIX, seed=seed)
        self.exchange = Exchange(self.hand, self.striker, Random(f"road {seed}"), mix)
        self.violation: Violation | None = None
        self.processes: list[Process] = []
        self.users: list[Users] = []
        self.watch: Watch
        self._gateway = Actor("gateway", self.hand)
        self._beat_at = 0.0

    def run(self) -> Report:
        """Live through it; the report of what came of it."""
        loop = self.hand.loop
        loop.set_exception_handler(lambda _, context: self._unhandled(context))
        gc.disable()  # what a world leaves behind is small, and looking for it takes a tenth of its time
        with determined(self.seed), listening(self._logged):
            try:
                loop.run_until_complete(Actor("world", self.hand).start(self._live()))
            except Ended:
                pass
            finally:
                self._bury()
                gc.enable()
        return Report(
            seed=self.seed,
            start=self.plan.start,
            violation=self.violation,
            trace=self.trace,
            figures=self._figures(),
            faults=dict(sorted({**self.striker.struck, **self._shown()}.items())),
        )

    async def _live(self) -> None:
        await self._set_up()
        plan, hand, loop = self.plan, self.hand, self.hand.loop
        hand.stay, hand.latency, hand.time_passes = plan.stay, self._latency, self._time_passes
        self.server.committed, self.server.woken = self._committed, self._woken
        self.exchange.rang, self.exchange.report = self.watch.rang, self._report
        self.exchange.gather, self.exchange.trouble = plan.gather, plan.trouble
        self.exchange.simulated.exchange.faults = plan.faults
        self.striker.rates = plan.rates
        for process in self.processes:
            self._begin(process)
        end = loop.time() + self.days * _DAY
        for _ in range(plan.acts):
            # Half of them in a moment in which dialers have their rounds.
            at = self.random.uniform(60, end)
            loop.call_at(at if self.random.random() < 0.5 else at // plan.grid * plan.grid, self._act)
        for _ in range(plan.outages):
            loop.call_at(self.random.uniform(60, end), self._outage)
        await self._until(end)
        await self._come_to_rest()

    async def _come_to_rest(self) -> None:
        """No more faults, no more users: everything finds its end, and nobody is forgotten."""
        self.hand.trace("world", "faults off", "")
        self.striker.rates = NO_FAULTS
        for users in self.users:
            users.quiet = True
        self.exchange.simulated.exchange.faults, self.exchange.trouble = PERFECT, Trouble()
        self.exchange.gather = 60.0
        loop = self.hand.loop
        end = loop.time() + _DAYS_TO_REST * _DAY
        while loop.time() < end and self.server.control.rows(rows.OPEN)[0][0]:
            await self._until(loop.time() + 3 * 3600)
        self.watch.nobody_starves()
        for home, campaign in [(each.model, one) for each in self.users for one in each.model.campaigns.values()]:
            try:
                await self.database.run(campaigns.pause, home.org, campaign.id, self.hand.now())
            except Refusal:
                continue
        await self._until(loop.time() + 3 * 3600)
        self.watch.at_rest()

    async def _until(self, moment: float) -> None:
        done = self.hand.loop.create_future()
        self.hand.loop.call_at(moment, done.set_result, None)
        await done

    async def _set_up(self) -> None:
        for i in range(self.plan.organizations):
            await self._organization("pq"[i], self.contacts // self.plan.organizations)
        plan, models = self.plan, [users.model for users in self.users]
        ledger = self.exchange.simulated.exchange.ledger
        self.watch = Watch(self.hand, self.server.control, models, ledger)
        self.watch.fail, self.watch.all_known = self._fail, plan.outages == 0
        self.processes = [
            Process(
                self.hand,
                f"dialer-{i + 1}",
                self.database,
                {"simulator": self.exchange},
                plan.slots,
                self._grid,
                self._next_check,
                {model.org for model in models},
            )
            for i in range(plan.dialers)
        ]

    async def _organization(self, letter: str, people: int) -> None:
        plan, now, random = self.plan, self.hand.now(), self.random
        async with self.database.transaction() as tx:
            org = (await organizations.create(tx, NewOrganization(name="Acme", max_concurrency=plan.org_most), now)).id
            (carrier,), _ = await carriers.page(tx, org, 1, 0)
            patch = CarrierPatch(max_live_calls=plan.carrier_most, calls_per_second=plan.carrier_rate)
            await carriers.change(tx, org, carrier.id, patch, None, now)
            agent = await agents.create(tx, org, NewAgent(name="Agent", first_message="Hello {{name}}"), now)
        model = Model(letter, org, agent.id, History(plan.org_most), History(plan.carrier_most))
        known = random.sample(self.users[0].phones, people // 8) if self.users else ()
        users = Users(self.hand, self.server, model, Random(f"users {letter} {self.seed}"), known)
        self.users.append(users)
        for i in range(plan.campaigns):
            await users.campaign(self.database, f"campaign-{letter}{i + 1}", plan.rate, random.choice(RETRIES))
        async with self.database.transaction() as tx:
            await users.lists(tx)
            ids = await users.crowd(tx, people)
            for campaign in model.campaigns.values():
                some = random.sample(ids, 2 * len(ids) // (plan.campaigns + 1))
                await campaign_contacts.add(tx, org, campaign.id, some, now)
                if random.random() < 0.85:
                    await campaigns.start(tx, org, campaign.id, None, now)

    def _act(self, kind: str | None = None, campaign: CampaignId | None = None) -> None:
        if campaign is None:
            self.random.choice(self.users).act(kind)
            return
        for users in self.users:
            if campaign in users.model.campaigns:
                users.act(kind, users.model.campaigns[campaign])

    def _begin(self, process: Process) -> None:
        process.live()
        actor = process.actor
        self.striker.mortal[actor] = None
        actor.died = lambda: self._died(process)

    def _died(self, process: Process) -> None:
        self.striker.mortal.pop(process.actor)
        if self.violation is None:
            self.hand.loop.call_later(self.random.uniform(1, 120), self._begin, process)

    def _outage(self) -> None:
        seconds = self.random.choice((30.0, 300.0, 1500.0))
        self.hand.trace("carrier", "away", f"for {seconds:.0f} s")
        self.striker.struck["carrier outage"] += 1
        self.exchange.out_until = self.hand.loop.time() + seconds

    def _latency(self) -> float:
        lot, most = self.hand.random.random(), self.plan.latency
        # Now and then one stands still while the others do all they have to do.
        return 0.0 if lot < 0.8 or not most else most * lot if lot < 0.98 else self.hand.random.uniform(0.5, 4.0)

    def _grid(self) -> float:
        lot = self.random.random()
        if self.users[0].quiet:
            return _AT_REST
        return 0.0 if lot < 0.03 else self.plan.grid if lot < self.plan.diligence else 2 * self.plan.grid

    def _next_check(self, dialer: DialerId | None) -> datetime | None:
        moment: datetime | None = self.server.control.rows(rows.NEXT_CHECK, dialer=dialer)[0][0]
        return moment

    def _time_passes(self, now: datetime) -> None:
        """Dialers beat while nothing else is due: without it every pause of the world would be their death."""
        if self.hand.loop.virtual < self._beat_at + LEASE.total_seconds() / 3:
            return
        self._beat_at = self.hand.loop.virtual
        living = [
            process.dialer.id
            for process in self.processes
            if process.dialer and process.dialer.id and not process.actor.dead
            and process.actor.frozen_until <= self.hand.loop.virtual
        ]  # fmt: skip
        beaten = {row[0] for row in self.server.control.rows(rows.BEAT, dialers=living, now=now)}
        for process in self.processes:
            process.beat(beaten, now)

    def _committed(self, actor: Actor, said: Sequence[str]) -> None:
        self.watch.committed(actor, said)
        if "reserve" in said and self.striker.chance(self.plan.races):
            claimed = self.server.control.rows(rows.CLAIMED)
            if claimed:
                self._act(self.random.choice(_RACES), self.random.choice(claimed)[0])

    def _woken(self, text: str) -> None:
        for process in self.processes:
            # Not everybody hears of it: a round comes all the same.
            if self.random.random() < self.plan.heard:
                process.hear_of(text)

    def _report(self, events: Sequence[CallEvent]) -> None:
        if self.plan.to_gateway:
            self._gateway.begin(self._callbacks(events))
            return
        hearing = [process for process in self.processes if not process.actor.dead]
        one = self.random.choice(hearing) if hearing else None
        for event in events:
            if one is not None:
                # Most come together, some by another way.
                (one if self.random.random() < 0.9 else self.random.choice(hearing)).hear(event)

    async def _callbacks(self, events: Sequence[CallEvent]) -> None:
        """As the gateway records them, and the carrier repeats what was not taken."""
        for _ in range(5):
            try:
                await self.database.run(record, "simulator", events, self.hand.now(), self.random.random)
            except Unavailable:
                await asyncio.sleep(1)
            else:
                return

    def _logged(self, level: str, sentence: str, error: BaseException | None) -> None:
        self.hand.trace("log", level, sentence)
        if sentence.startswith("calls are stuck"):
            return  # an alarm that is meant to ring while the carrier is away
        if level in ("error", "critical") and not isinstance(error, (*Unavailable, asyncio.CancelledError)):
            self._fail(Violation("nothing unexpected happens", f"{sentence}: {error!r}"))

    def _unhandled(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, (*Unavailable, asyncio.CancelledError)):
            self._fail(Violation("nothing unexpected happens", f"{context.get('message')}: {error!r}"))

    def _fail(self, violation: Violation) -> None:
        if self.violation is None:
            self.violation = self.hand.failure = violation
            self.hand.trace("VIOLATION", "", str(violation))
            self.hand.loop.call_soon(lambda: None)

    def _bury(self) -> None:
        """End everything that still waits."""
        loop = self.hand.loop
        self.hand.failure = None
        left = asyncio.all_tasks(loop)
        for process in self.processes:
            process.actor.died = lambda: None
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.server.close()
        loop.close()

    def _shown(self) -> dict[str, int]:
        return {fault.value: times for fault, times in self.exchange.simulated.exchange.faults_shown.items()}

    def _figures(self) -> dict[str, int]:
        return {
            "placements": len(self.exchange.simulated.exchange.ledger),
            "steps": self.hand.steps,
            "statements": self.server.statements,
            "interleavings": self.hand.switches,
            "waits for locks": self.hand.waits,
            "checks of all rows": self.watch.checks if hasattr(self, "watch") else 0,
            "lives of dialers": sum(process.lives for process in self.processes),
        }
