"""How soon orders are obeyed, by real processes: from a start to its first call, from a pause to the last new one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import msgspec

from agentalk.carriers.simulator.ledger import Row
from agentalk.domain.organization import digest, new_secret
from bench.ground import Ground, server
from bench.processes import Program, api, simulator, start_dialer
from bench.report import Figure

MIX = '{"weights": {"answered": 1}, "ringSeconds": [0.1, 0.1], "talkSeconds": [0.1, 0.3]}'
_ROWS = msgspec.json.Decoder(Row)


class Stage:
    """An organization, a carrier, the API and one dialer, each of the programs a process of its own."""

    def __init__(self, ground: Ground, org: UUID, client: httpx.Client, carrier_url: str) -> None:
        self.ground = ground
        self.org = org
        self.dialer = start_dialer(ground.dsn, carrier_url, str(client.base_url).rstrip("/"))
        self._client = client
        self._carrier_url = carrier_url

    @contextmanager
    def another_dialer(self) -> Iterator[Program]:
        """One more, that is ended after use."""
        dialer = start_dialer(self.ground.dsn, self._carrier_url, str(self._client.base_url).rstrip("/"))
        try:
            yield dialer
        finally:
            dialer.end()

    def order(self, campaign: UUID, action: str, **body: str) -> datetime:
        """Start or pause a campaign; when the answer came."""
        self._client.post(f"/api/campaigns/{campaign}/{action}", json=body or None).raise_for_status()
        return datetime.now(UTC)

    def ledger(self) -> list[Row]:
        """What the carrier placed, by its own account."""
        return [
            _ROWS.decode(line) for line in httpx.get(f"{self._carrier_url}/ledger", timeout=60).content.splitlines()
        ]

    def rang(self) -> dict[UUID, datetime]:
        """When the carrier placed each call."""
        return {row.call_id: row.placed_at for row in self.ledger()}

    def until(self, question: str, seconds: float = 30.0) -> None:
        """Wait until the database says yes."""
        give_up = time.monotonic() + seconds
        while not self.ground.one(question):
            if time.monotonic() > give_up:
                raise SystemExit(f"Not within {seconds:.0f} s: {question}")
            time.sleep(0.005)

    def first_calls(self, campaigns: list[UUID]) -> list[datetime]:
        """When each campaign's first call was placed."""
        rang = self.rang()
        rows = self.ground.connection.execute(
            "SELECT campaign_id, id FROM calls WHERE campaign_id = ANY(%s)", (campaigns,)
        ).fetchall()
        return [min(rang[call] for one, call in rows if one == campaign) for campaign in campaigns]


@contextmanager
def stage(dsn: str, mix: str = MIX, contacts: int = 10_000) -> Iterator[Stage]:
    """A stage on an empty database, its dialer up."""
    ground = Ground(dsn)
    org = ground.organization()
    ground.contacts(org, contacts)
    secret = new_secret()
    ground.token(org, digest(secret))
    ground.settle()
    with simulator(mix) as carrier, api(dsn, carrier.url) as web, httpx.Client(base_url=web.url, timeout=30) as client:
        client.headers["Authorization"] = f"Bearer {org}.{secret}"
        on = Stage(ground, org, client, carrier.url)
        try:
            # It says that it is up before it has loaded what it decides by.
            on.until("SELECT count(*) FROM dialers")
            yield on
        finally:
            on.dialer.end()
    ground.close()


async def run(starts: int) -> list[Figure]:
    """So many starts at once and half as many scheduled ones, of a campaign with one contact each; as many pauses."""
    async with server() as dsn:
        with stage(dsn) as on:
            at_once = _starts(on, starts)
            scheduled = _scheduled(on, starts // 2)
            committed, sent, longest = _pauses(on, starts // 2)
    return [
        _spread(f"start → first dial, {starts} starts", at_once, "p99 ≤ 100 ms"),
        _spread(f"scheduled start → first dial, {len(scheduled)} starts", scheduled, "≤ 100 ms"),
        Figure(
            f"pause → last new dial, {starts // 2} pauses",
            f"{committed} calls after a pause's commit",
            f"{sent} requests were on their way, the last for {longest:.0f} ms",
            "",
            "none",
        ),
    ]


def _starts(on: Stage, count: int) -> list[float]:
    campaigns = on.ground.campaigns(on.org, count)
    begun = []
    for n, campaign in enumerate(campaigns):
        on.ground.audience(on.org, campaign, 1, skip=n)
        begun.append(datetime.now(UTC))
        on.order(campaign, "start")
        on.until(f"SELECT count(*) FROM calls WHERE campaign_id = '{campaign}' AND dialed_at IS NOT NULL")
    return _late(begun, on.first_calls(campaigns))


def _scheduled(on: Stage, count: int) -> list[float]:
    campaigns = on.ground.campaigns(on.org, count)
    moments = [datetime.now(UTC) + timedelta(seconds=2 + n * 0.237) for n in range(count)]
    for n, (campaign, moment) in enumerate(zip(campaigns, moments, strict=True)):
        on.ground.audience(on.org, campaign, 1, skip=5_000 + n)
        on.order(campaign, "start", startAt=moment.isoformat())
    for campaign in campaigns:
        on.until(f"SELECT count(*) FROM calls WHERE campaign_id = '{campaign}' AND dialed_at IS NOT NULL")
    return _late(moments, on.first_calls(campaigns))


def _pauses(on: Stage, count: int) -> tuple[int, int, float]:
    """Pauses amid fast dialling: calls committed after one, requests that left after one, the latest in ms."""
    on.ground.contacts(on.org, 50_000, tag="p")
    campaign = on.ground.campaigns(on.org, 1)[0]
    on.ground.audience(on.org, campaign, 50_000, tag="p")
    spans = []
    for _ in range(count):
        before = on.ground.one(f"SELECT count(*) FROM calls WHERE campaign_id = '{campaign}'")
        on.order(campaign, "start")
        on.until(f"SELECT count(*) > {before} FROM calls WHERE campaign_id = '{campaign}' AND dialed_at IS NOT NULL")
        time.sleep(0.2)
        paused = on.order(campaign, "pause")
        time.sleep(0.4)
        spans.append((paused, datetime.now(UTC)))
    rang = on.rang()
    rows = on.ground.connection.execute(
        "SELECT id, dialed_at FROM calls WHERE campaign_id = %s AND dialed_at IS NOT NULL", (campaign,)
    ).fetchall()
    committed = sum(start < dialed < end for _, dialed in rows for start, end in spans)
    late = [(rang[id] - start).total_seconds() * 1000
            for id, _ in rows for start, end in spans if id in rang and start < rang[id] < end]  # fmt: skip
    return committed, len(late), max(late, default=0.0)


def _late(wanted: list[datetime], happened: list[datetime]) -> list[float]:
    return sorted((then - moment).total_seconds() * 1000 for moment, then in zip(wanted, happened, strict=True))


def _spread(what: str, milliseconds: list[float], goal: str) -> Figure:
    p50, p99 = (milliseconds[min(len(milliseconds) - 1, int(len(milliseconds) * share))] for share in (0.5, 0.99))
    return Figure(what, f"p50 {p50:.0f} ms, p99 {p99:.0f} ms", "", "", goal)
