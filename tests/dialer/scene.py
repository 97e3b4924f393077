"""A scene for the engine: an organization with a simulated carrier, on a clock that the test moves."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

import msgspec

from agentalk.carriers.simulator.faults import NO_FAULTS, Faults
from agentalk.carriers.simulator.inprocess import SimulatedCarrier
from agentalk.carriers.simulator.world import Mix
from agentalk.dialer import Dialer
from agentalk.dialer.claim import claim
from agentalk.domain.call import Outcome
from agentalk.domain.campaign import Voicemail
from agentalk.domain.ids import CampaignId, DialerId, OrgId
from agentalk.domain.policy.model import CallingPolicy, DuplicatePhones
from agentalk.domain.retry import RetryPolicy
from agentalk.domain.window import Window
from agentalk.store.database import Database, Tx

NEW_YORK, LONDON, KOLKATA = "America/New_York@US-NY", "Europe/London@GB", "Asia/Kolkata@IN"
ALWAYS = Mix(weights={Outcome.ANSWERED: 1.0}, ring_seconds=(2.0, 2.0), talk_seconds=(10.0, 10.0))

DAYTIME, USUAL, AS_IS = Window(), RetryPolicy(), CallingPolicy()
# As the default is, but that two contacts with one phone are both called.
TWICE = CallingPolicy(duplicate_phones=DuplicatePhones.CALL)
_numbers = itertools.count()


def only(outcome: Outcome) -> Mix:
    """A world in which every call ends alike."""
    return Mix(weights={outcome: 1.0}, ring_seconds=(2.0, 2.0), talk_seconds=(10.0, 10.0))


class Scene:
    """One organization, one carrier, and a dialer or several."""

    def __init__(self, database: Database, now: datetime, mix: Mix, faults: Faults) -> None:
        self.database = database
        self.now = now
        self.org = OrgId(uuid4())
        self.carrier = SimulatedCarrier(clock=None, sink=lambda _: None, mix=mix, faults=faults)
        self.dialer = self.new_dialer()

    def new_dialer(self, **options: Any) -> Dialer:
        return Dialer(self.database, {"simulator": self.carrier}, **options)

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        async with self.database.reading() as tx:
            cursor = await tx.execute(statement, values)
            return await cursor.fetchall() if cursor.description else []

    async def one(self, statement: str, *values: Any) -> Any:
        rows = await self.sql(statement, *values)
        return rows[0][0]

    async def set_up(self, max_concurrency: int, carrier_calls: int, carrier_rate: float) -> None:
        await self.sql(
            "INSERT INTO organizations VALUES (%s, 'scene', %s, %s, %s)",
            self.org, max_concurrency, self.now, self.now,
        )  # fmt: skip
        await self.sql(
            """INSERT INTO carriers (id, organization_id, name, kind, is_default, max_live_calls, calls_per_second,
               created_at, updated_at) VALUES (%s, %s, 'simulator', 'simulator', true, %s, %s, %s, %s)""",
            uuid4(), self.org, carrier_calls, carrier_rate, self.now, self.now,
        )  # fmt: skip

    async def campaign(
        self,
        contacts: Sequence[str] | int = 0,
        *,
        zones: str = NEW_YORK,
        window: Window = DAYTIME,
        retry: RetryPolicy = USUAL,
        max_concurrency: int = 1000,
        rate: float = 10_000,
        priority: int = 0,
        status: str = "active",
        policy: CallingPolicy = AS_IS,
    ) -> CampaignId:
        """A campaign with so many fresh contacts, or with contacts of these phones."""
        agent, campaign = uuid4(), uuid4()
        await self.sql(
            "INSERT INTO agents VALUES (%s, %s, 'agent', 'prompt', 'Hello {{name}}', 'Message', 1, %s, %s)",
            agent, self.org, self.now, self.now,
        )  # fmt: skip
        await self.sql(
            """INSERT INTO campaigns (id, organization_id, name, status, agent_id, max_concurrency, calls_per_second,
               priority, window_hours, retry, voicemail, policy, started_at, created_at, updated_at)
               VALUES (%s, %s, 'campaign', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            campaign, self.org, status, agent, max_concurrency, rate, priority, self.json(window), self.json(retry),
            self.json(Voicemail()), self.json(policy), self.now if status != "draft" else None, self.now, self.now,
        )  # fmt: skip
        id = CampaignId(campaign)
        await self.add(id, contacts, zones=zones)
        return id

    async def add(self, campaign: CampaignId, contacts: Sequence[str] | int, *, zones: str = NEW_YORK) -> list[str]:
        tag = uuid4().hex[:8]
        if isinstance(contacts, int):
            contacts = [f"+1212{next(_numbers):07d}" for _ in range(contacts)]
        ids = [f"{tag}-{i}" for i in range(len(contacts))]
        await self.sql(
            """INSERT INTO contacts (organization_id, id, phone, name, zones, created_at, updated_at)
               SELECT %s, c.id, c.phone, 'Ada', %s, %s, %s FROM unnest(%s::text[], %s::text[]) AS c(id, phone)""",
            self.org, zones, self.now, self.now, ids, list(contacts),
        )  # fmt: skip
        await self.sql(
            """INSERT INTO campaign_contacts (campaign_id, contact_id, organization_id, zones, due_at, added_at)
               SELECT %s, c.id, %s, %s, %s, %s FROM unnest(%s::text[]) AS c(id)""",
            campaign, self.org, zones, self.now, self.now, ids,
        )  # fmt: skip
        return ids

    async def a_list(self, kind: str, *phones: str, **columns: Any) -> None:
        """A do-not-call list with these numbers on it, as if it had been there for long."""
        row = {
            "id": uuid4(),
            "organization_id": self.org,
            "kind": kind,
            "name": kind,
            "created_at": self.now,
            "updated_at": self.now,
            **columns,
        }
        names, places = ", ".join(row), ", ".join(["%s"] * len(row))
        await self.sql(f"INSERT INTO do_not_call_lists ({names}) VALUES ({places})", *row.values())
        for phone in phones:
            await self.sql(
                "INSERT INTO do_not_call_numbers VALUES (%s, %s, %s, %s)", self.org, phone, row["id"], self.now
            )

    async def waiting_for_locks(self, most: int) -> None:
        """Return once so many statements wait for a lock."""
        waiting = "datname = current_database() AND wait_event_type = 'Lock'"
        while await self.one(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}") < most:
            pass

    async def tick(self, dialer: Dialer | None = None) -> datetime | None:
        """One round of a dialer, with all that it set in motion recorded."""
        dialer = dialer or self.dialer
        moment = await dialer.tick(self.now)
        await dialer.settle()
        return moment

    async def pass_time(self, **duration: float) -> None:
        """Let the world move on, and the dialer hear of it."""
        self.now += timedelta(**duration)
        for event in self.carrier.advance(self.now):
            self.dialer.hear("simulator", event)
        await self.dialer.settle()

    async def counts(self, campaign: CampaignId) -> dict[str, int]:
        rows = await self.sql(
            "SELECT status, sum(n)::int FROM campaign_tallies WHERE campaign_id = %s GROUP BY 1 HAVING sum(n) <> 0",
            campaign,
        )
        truth = await self.sql(
            "SELECT status, count(*)::int FROM campaign_contacts WHERE campaign_id = %s GROUP BY 1", campaign
        )
        assert sorted(rows) == sorted(truth), "tallies must equal the rows they count"
        return dict(rows)

    async def status(self, campaign: CampaignId) -> tuple[str, str | None]:
        ((status, phase),) = await self.sql("SELECT status, phase FROM campaigns WHERE id = %s", campaign)
        return status, phase

    async def calls(self, campaign: CampaignId) -> list[tuple[str, str, int, str | None]]:
        """(contact, status, attempt, outcome) of every call, in order of reservation."""
        return await self.sql(
            "SELECT contact_id, status, attempt, outcome FROM calls WHERE campaign_id = %s ORDER BY reserved_at, id",
            campaign,
        )

    def dialer_dispatch_after(
        self, change: LiteralString | Callable[[Tx], Awaitable[Any]], *values: Any, later: timedelta = timedelta()
    ) -> Callable[[], Awaitable[None]]:
        """A round in which a statement, or an operation, commits between the claim and the second check (`later`)."""

        async def round_with_interruption() -> None:
            async with self.database.transaction() as tx:
                turn = await claim(
                    tx, self.org, dialer=await self.registered(), kinds={"simulator"}, slots=100, now=self.now
                )
            assert turn.reservations
            async with self.database.transaction() as tx:
                await (tx.execute(change, values) if isinstance(change, str) else change(tx))
            self.now += later
            assert self.dialer.dispatcher is not None
            await self.dialer.dispatcher.dispatch(self.org, turn, self.now)
            await self.dialer.settle()

        return round_with_interruption

    async def registered(self) -> DialerId:
        """The dialer's id, after a round without organizations."""
        await self.dialer.tick(self.now, [])
        assert self.dialer.id is not None
        return self.dialer.id

    @staticmethod
    def json(value: object) -> str:
        return msgspec.json.encode(value).decode()

    def placements(self) -> list[UUID]:
        """The call ids of all placements: what rang, by the carrier's own ledger."""
        return [line.call_id for line in self.carrier.exchange.ledger.rows()]


@asynccontextmanager
async def scene(
    db: Any,
    now: datetime,
    *,
    mix: Mix = ALWAYS,
    faults: Faults = NO_FAULTS,
    max_concurrency: int = 1000,
    carrier_calls: int = 1000,
    carrier_rate: float = 10_000,
) -> AsyncIterator[Scene]:
    """A scene on a fresh database."""
    async with db() as database:
        stage = Scene(database, now, mix, faults)
        await stage.set_up(max_concurrency, carrier_calls, carrier_rate)
        yield stage
