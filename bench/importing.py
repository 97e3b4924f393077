"""Importing contacts from a CSV file over HTTP and adding them to a campaign, against COPY, upsert and link by hand."""

import time
from statistics import median
from uuid import UUID

import httpx
import msgspec

from agentalk.domain.organization import digest, new_secret
from bench.ground import Ground, server
from bench.processes import api, forget_peak, memory
from bench.report import Figure

ROUNDS = 3
# Real area codes: numbers whose zones have to be looked up, and whose whole plan is searched for them.
_AREAS = ("212", "312", "303", "415", "206", "617", "512", "404", "702", "305")
_BARE = (
    """INSERT INTO contacts (organization_id, id, phone, name, zones, attributes, created_at, updated_at)
       SELECT %(org)s, id, phone, name, 'America/New_York', jsonb_build_object('plan', plan), %(now)s, %(now)s
       FROM given ORDER BY id
       ON CONFLICT (organization_id, id) DO UPDATE SET phone = excluded.phone, name = excluded.name""",
    """INSERT INTO campaign_contacts (campaign_id, contact_id, organization_id, zones, due_at, added_at)
       SELECT %(campaign)s, c.id, c.organization_id, c.zones, %(now)s, %(now)s
       FROM given JOIN contacts c ON c.organization_id = %(org)s AND c.id = given.id""",
)


async def run(count: int) -> list[Figure]:
    """`count` new contacts a round, each with a name and an attribute; the memory that a tenth and the whole take."""
    async with server() as dsn:
        ground = Ground(dsn)
        org = ground.organization()
        secret = new_secret()
        ground.token(org, digest(secret))
        campaigns = iter(ground.campaigns(org, 2 * ROUNDS + 1))
        ground.settle()
        ours, least = [], []
        with api(dsn) as web, httpx.Client(base_url=web.url, timeout=120) as client:
            client.headers["Authorization"] = f"Bearer {org}.{secret}"
            _import(client, next(campaigns), "w", 1_000)
            few = _memory_of(web.pid, client, "few", count // 10)
            many = _memory_of(web.pid, client, "many", count)
            for i in range(ROUNDS):
                ours.append(_import(client, next(campaigns), f"o{i}", count))
                least.append(_bare(ground, org, next(campaigns), f"b{i}", count))
        ground.close()
    took, bare = median(ours), median(least)
    return [
        Figure(
            f"import {count:,} contacts from CSV over HTTP, and add them to a campaign",
            f"{took:.2f} s, {count / took:,.0f} rows/s",
            f"bare COPY, upsert, link: {bare:.2f} s, {count / bare:,.0f} rows/s",
            f"{took / bare:.2f} ×",
            "≥ 9,000 rows/s",
        ),
        Figure(
            f"  memory over idle, {count // 10:,} rows against {count:,}",
            f"{few:.0f} MB, {many:.0f} MB",
            "",
            "",
            "does not grow with the file",
        ),
    ]


def _rows(tag: str, count: int) -> list[tuple[str, str, str, str]]:
    return [
        (f"{tag}-{n}", f"+1{_AREAS[n % 10]}{200 + n // 10 % 790:03d}{n * 7919 % 10_000:04d}", f"Ada {n}", "pro")
        for n in range(count)
    ]


def _file(tag: str, count: int) -> bytes:
    return "\n".join(["id,phone,name,plan", *(",".join(row) for row in _rows(tag, count))]).encode()


def _import(client: httpx.Client, campaign: UUID, tag: str, count: int) -> float:
    body = _file(tag, count)
    ids = msgspec.json.encode({"contactIds": [row[0] for row in _rows(tag, count)]})
    began = time.perf_counter()
    _send(client, body, count)
    url = f"/api/campaigns/{campaign}/contacts"
    added = client.post(url, content=ids, headers={"Content-Type": "application/json"}).raise_for_status().json()
    took = time.perf_counter() - began
    if added["added"] != count:
        raise SystemExit(f"Not the answer that was asked for: {added}")
    return took


def _send(client: httpx.Client, body: bytes, count: int) -> None:
    answer = client.post("/api/contacts/import", content=body, headers={"Content-Type": "text/csv"})
    if answer.raise_for_status().json()["created"] != count:
        raise SystemExit(f"Not the answer that was asked for: {answer.text[:1000]}")


def _memory_of(pid: int, client: httpx.Client, tag: str, count: int) -> float:
    body = _file(tag, count)
    idle = memory(pid)
    forget_peak(pid)
    _send(client, body, count)
    return memory(pid, peak=True) - idle


def _bare(ground: Ground, org: UUID, campaign: UUID, tag: str, count: int) -> float:
    rows = _rows(tag, count)
    began = time.perf_counter()
    with ground.connection.transaction(), ground.connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE given (id text, phone text, name text, plan text) ON COMMIT DROP")
        with cursor.copy("COPY given FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        for statement in _BARE:
            cursor.execute(statement, {"org": org, "campaign": campaign, "now": ground.now})
    return time.perf_counter() - began
