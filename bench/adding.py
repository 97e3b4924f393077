"""Adding contacts to a campaign over HTTP, against the bare statement that inserts the same rows."""

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
# What one would write by hand: no summary, no unknown ids; the same table with its indexes, keys and trigger.
_BARE = """INSERT INTO campaign_contacts (campaign_id, contact_id, organization_id, zones, due_at, added_at)
SELECT %(campaign)s, c.id, c.organization_id, c.zones, %(now)s, %(now)s
FROM unnest(%(ids)s::text[]) AS asked(id) JOIN contacts c ON c.organization_id = %(org)s AND c.id = asked.id"""
_BARE_RESET = f"""{_BARE} ON CONFLICT (campaign_id, contact_id) DO UPDATE SET status = 'pending', attempts = 0"""


async def run(count: int) -> list[Figure]:
    """`count` ids in one request: all new, then, when all have been called, all again."""
    async with server() as dsn:
        ground = Ground(dsn)
        org = ground.organization()
        ground.contacts(org, count)
        secret = new_secret()
        ground.token(org, digest(secret))
        ground.settle()
        ids = [f"c-{n}" for n in range(1, count + 1)]
        body = msgspec.json.encode({"contactIds": ids})
        times: dict[str, list[float]] = {"new": [], "reset": [], "bare": [], "bare reset": []}
        with api(dsn) as web, httpx.Client(timeout=120) as client:
            url, pid = web.url, web.pid
            client.headers["Authorization"] = f"Bearer {org}.{secret}"
            _post(
                client, f"{url}/api/campaigns/{ground.campaigns(org, 1)[0]}/contacts", b'{"contactIds": []}', "new", 0
            )
            idle = memory(pid)
            forget_peak(pid)
            for campaign, bare_campaign in zip(*[iter(ground.campaigns(org, 2 * ROUNDS))] * 2, strict=True):
                path = f"{url}/api/campaigns/{campaign}/contacts"
                times["new"].append(_post(client, path, body, "new", count))
                times["bare"].append(_bare(ground, _BARE, org, bare_campaign, ids))
                ground.call_everyone(campaign, bare_campaign)
                times["reset"].append(_post(client, path, body, "reset", count))
                times["bare reset"].append(_bare(ground, _BARE_RESET, org, bare_campaign, ids))
            over = memory(pid, peak=True) - idle
        ground.close()
    took = {name: median(each) for name, each in times.items()}
    return [
        Figure(
            f"add {count:,} new contacts over HTTP",
            f"{took['new']:.2f} s, {count / took['new']:,.0f} rows/s",
            f"bare INSERT: {took['bare']:.2f} s",
            f"{took['new'] / took['bare']:.2f} ×",
            "≤ 1.5 ×",
        ),
        Figure(
            f"reset {count:,} contacts over HTTP",
            f"{took['reset']:.2f} s, {count / took['reset']:,.0f} rows/s",
            f"bare upsert: {took['bare reset']:.2f} s",
            f"{took['reset'] / took['bare reset']:.2f} ×",
            "≤ 1.5 ×",
        ),
        Figure("  memory over idle", f"{over:.0f} MB", "", "", "≤ 150 MB"),
    ]


def _post(client: httpx.Client, url: str, body: bytes, name: str, count: int) -> float:
    began = time.perf_counter()
    answer = client.post(url, content=body, headers={"Content-Type": "application/json"}).raise_for_status().json()
    took = time.perf_counter() - began
    if answer["added" if name == "new" else "reset"] != count:
        raise SystemExit(f"Not the answer that was asked for: {answer}")
    return took


def _bare(ground: Ground, statement: str, org: UUID, campaign: UUID, ids: list[str]) -> float:
    began = time.perf_counter()
    ground.connection.execute(statement, {"org": org, "campaign": campaign, "ids": ids, "now": ground.now})
    return time.perf_counter() - began
