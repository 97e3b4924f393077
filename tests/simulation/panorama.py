"""A campaign around the world on virtual time: contacts in eleven zones, called from start to end, and the plot.

Nothing of the engine is replaced: the same dialer, the same statements on a real PostgreSQL, the simulated carrier.
Only the clock is ours, and jumps to whatever is due next.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec

from agentalk.carriers.simulator.inprocess import SimulatedCarrier
from agentalk.carriers.simulator.world import Mix
from agentalk.dialer import Dialer
from agentalk.domain.campaign import Voicemail
from agentalk.domain.consent import Consent, ConsentType
from agentalk.domain.contact import zone_group
from agentalk.domain.ids import OrgId
from agentalk.domain.policy import calendar
from agentalk.domain.policy.hours import next_lawful
from agentalk.domain.policy.model import CallingPolicy, Purpose, effective
from agentalk.domain.retry import RetryPolicy
from agentalk.domain.window import Window, ZoneGroup
from agentalk.store.database import Database
from tests.simulation.plot import Row, draw

# Prefixes of numbers whose zone is beyond doubt, one for each of eleven zones, from east to west.
PLACES = {
    "Pacific/Auckland": "+649300",
    "Australia/Brisbane": "+61731",
    "Asia/Tokyo": "+81352",
    "Asia/Kolkata": "+911123",
    "Africa/Johannesburg": "+271178",
    "Europe/Paris": "+33142",
    "Europe/London": "+442079",
    "America/New_York": "+1212555",
    "America/Chicago": "+1312555",
    "America/Denver": "+1303555",
    "America/Los_Angeles": "+1213555",
}
# Numbers there are below the longest of these prefixes, in each of them.
MOST = 10_000 * len(PLACES)
# A Sunday evening, by UTC: the working week begins in the east.
START = datetime(2026, 3, 1, 18, tzinfo=UTC)
_STEP = timedelta(seconds=15)
_LONGEST = timedelta(days=14)
# Without it an AI may call nobody in the United States.
_CONSENT = Consent(type=ConsentType.EXPRESS, captured_at=START - timedelta(days=30), evidence="signed up")
_WINDOW, _RETRY, _POLICY = Window(), RetryPolicy(), CallingPolicy(purpose=Purpose.INFORMATIONAL)


class Panorama(msgspec.Struct, frozen=True):
    """What became of it: calls by zone, contacts by status, and what it took in both kinds of time."""

    contacts: int
    rows: tuple[Row, ...]
    statuses: Counter[str]
    began: datetime
    ended: datetime
    seconds: float

    @property
    def calls(self) -> int:
        """Placements in the carrier's ledger."""
        return sum(len(row.calls) for row in self.rows)

    @property
    def outside(self) -> int:
        """Those of them outside lawful hours."""
        return sum(row.outside() for row in self.rows)

    def svg(self) -> str:
        """Its plot."""
        days = (self.ended - self.began) / timedelta(days=1)
        return draw(
            f"{self.contacts:,} contacts in {len(self.rows)} time zones",
            f"{self.calls:,} calls in {days:.1f} days of virtual time, run in {self.seconds:,.0f} s; "
            f"{self.outside} outside lawful hours",
            self.rows,
            self.began.replace(minute=0),
            self.ended + timedelta(hours=1),
        )


async def run(dsn: str, contacts: int, *, live: int = 250, seed: int = 1) -> Panorama:
    """Call so many contacts, at most `live` at once, until none is left to call."""
    if contacts > MOST:
        raise SystemExit(f"These places have numbers for {MOST:,} contacts.")
    calendar.load()
    database = Database(dsn, engine=True)
    await database.open()
    try:
        return await _call(database, contacts, live, seed)
    finally:
        await database.close()


async def _call(database: Database, contacts: int, live: int, seed: int) -> Panorama:
    org, began = OrgId(uuid4()), time.perf_counter()
    places = _audience(contacts)
    await _furnish(database, org, places, live)
    carrier = SimulatedCarrier(clock=None, sink=lambda _: None, mix=Mix(seed=seed))
    dialer = Dialer(database, {"simulator": carrier}, slots=live)
    now = START
    while now < START + _LONGEST:
        moment = await dialer.tick(now)
        await dialer.settle()
        if not await _open(database, org):
            break
        coming = [one for one in (moment, carrier.exchange.next_due()) if one is not None]
        # What falls due within a step is done at its end: fewer and larger batches, as a busy engine has them.
        now = max(min(coming, default=START + _LONGEST), now) + _STEP
        for event in carrier.advance(now):
            dialer.hear("simulator", event)
        await dialer.settle()
    calls: dict[str, list[datetime]] = {name: [] for name in places}
    prefixes = {prefix: name for name, prefix in PLACES.items()}
    for placed in carrier.exchange.ledger.rows():
        calls[next(name for prefix, name in prefixes.items() if placed.phone.startswith(prefix))].append(
            placed.placed_at
        )
    async with database.reading() as tx:
        cursor = await tx.execute(
            "SELECT status, count(*) FROM campaign_contacts WHERE organization_id = %s GROUP BY 1", (org,)
        )
        statuses = Counter({str(status): int(count) for status, count in await cursor.fetchall()})
    rows = [
        Row(name, tuple(_windows(zone_group(phones[0], None, None), START, now)), tuple(calls[name]))
        for name, phones in places.items()
    ]
    return Panorama(contacts, tuple(rows), statuses, START, now, time.perf_counter() - began)


def table(panorama: Panorama) -> str:
    """Its figures as a table."""
    lines = [f"{'zone':<22} {'calls':>8} {'outside':>8}"]
    lines += [f"{row.name:<22} {len(row.calls):>8,} {row.outside():>8}" for row in panorama.rows]
    statuses = ", ".join(f"{count:,} {status}" for status, count in panorama.statuses.most_common())
    lines.append(f"{panorama.calls:,} calls to {panorama.contacts:,} contacts: {statuses}")
    took = panorama.ended - panorama.began
    lines.append(
        f"{took} of virtual time in {panorama.seconds:.0f} s: {panorama.calls / panorama.seconds:,.0f} calls/s"
    )
    return "\n".join(lines)


def _audience(contacts: int) -> dict[str, list[str]]:
    """Phones by zone, each a number that can be dialled."""
    share = -(-contacts // len(PLACES))
    phones: dict[str, list[str]] = {}
    for name, prefix in PLACES.items():
        length = _LENGTHS.get(prefix[:3], 12)
        width = length - len(prefix)
        phones[name] = [f"{prefix}{i:0{width}d}" for i in range(min(share, contacts - share * len(phones)))]
    return phones


# Characters of a number in E.164, by the beginning of it.
_LENGTHS = {"+64": 11, "+61": 12, "+81": 12, "+91": 13, "+27": 12, "+33": 12, "+44": 13}


def _windows(group: ZoneGroup, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    inforce = effective(CallingPolicy(), _POLICY)
    moment = start
    while moment < end and (opening := next_lawful(_WINDOW, inforce, group, moment)):
        yield opening
        moment = opening[1]


async def _open(database: Database, org: OrgId) -> bool:
    async with database.reading() as tx:
        cursor = await tx.execute(
            "SELECT EXISTS (SELECT FROM campaigns WHERE organization_id = %s AND status = 'active')", (org,)
        )
        row = await cursor.fetchone()
    return bool(row and row[0])


async def _furnish(database: Database, org: OrgId, places: Mapping[str, Sequence[str]], live: int) -> None:
    """An organization, a carrier that limits nothing, and an active campaign with all of them."""
    agent, campaign = uuid4(), uuid4()
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO organizations VALUES (%s, 'panorama', %s, %s, %s)", (org, live, START, START))
        await tx.execute(
            """INSERT INTO carriers (id, organization_id, name, kind, is_default, max_live_calls, calls_per_second,
               created_at, updated_at) VALUES (%s, %s, 'simulator', 'simulator', true, %s, 100000, %s, %s)""",
            (uuid4(), org, live, START, START),
        )
        await tx.execute(
            "INSERT INTO agents VALUES (%s, %s, 'agent', 'prompt', 'Hello {{name}}', '', 1, %s, %s)",
            (agent, org, START, START),
        )
        await tx.execute(
            """INSERT INTO campaigns (id, organization_id, name, status, agent_id, max_concurrency, calls_per_second,
               priority, window_hours, retry, voicemail, policy, started_at, created_at, updated_at)
               VALUES (%s, %s, 'panorama', 'active', %s, %s, 100000, 0, %s, %s, %s, %s, %s, %s, %s)""",
            (campaign, org, agent, live, _json(_WINDOW), _json(_RETRY), _json(Voicemail()), _json(_POLICY), START,
             START, START),
        )  # fmt: skip
        for phones in places.values():
            group = zone_group(phones[0], None, None)
            await tx.execute(
                """INSERT INTO contacts (organization_id, id, phone, name, zones, consent, created_at, updated_at)
                   SELECT %s, phone, phone, 'Ada', %s, %s, %s, %s FROM unnest(%s::text[]) AS c(phone)""",
                (org, group, _json(_CONSENT), START, START, list(phones)),
            )
            await tx.execute(
                """INSERT INTO campaign_contacts (campaign_id, contact_id, organization_id, zones, due_at, added_at)
                   SELECT %s, phone, %s, %s, %s, %s FROM unnest(%s::text[]) AS c(phone)""",
                (campaign, org, group, START, START, list(phones)),
            )


def _json(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()
