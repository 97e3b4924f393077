"""Listing campaigns: against the least that answers the same, and with a million contacts against none."""

from statistics import median
from uuid import UUID

from agentalk.domain.organization import digest, new_secret
from bench.ground import Ground, server
from bench.processes import Load, api, bare, wrk
from bench.report import Figure

ROUNDS = 3
CAMPAIGNS = 1_000


async def run(contacts: int) -> list[Figure]:
    """1,000 campaigns; then `contacts` contacts in the newest fifty, which are those that are listed."""
    async with server() as dsn:
        ground = Ground(dsn)
        org = ground.organization()
        ground.campaigns(org, CAMPAIGNS)
        secret = new_secret()
        ground.token(org, digest(secret))
        ground.settle()
        with api(dsn) as web, bare(dsn, str(org), digest(secret)) as bare_url:
            token = f"{org}.{secret}"
            path = f"{web.url}/api/campaigns?limit=50"
            wrk(path, token, 2)
            wrk(bare_url, token, 2)
            empty = _turns(path, bare_url, token)
            _fill(ground, org, contacts)
            wrk(path, token, 2)
            full = _turns(path, bare_url, token)
        ground.close()
    ours, least = [median(load.rate for load in loads) for loads in full]
    alone = median(load.rate for load in empty[0])
    tail = median(load.p99 / load.p50 for load in full[0])
    p99 = median(load.p99 for load in full[0])
    return [
        Figure(
            f"list 50 of {CAMPAIGNS:,} campaigns, {contacts:,} contacts in them",
            f"{ours:,.0f} requests/s, p99 {p99:.1f} ms",
            f"bare ASGI app, same statements: {least:,.0f}/s",
            f"{ours / least:.0%}",
            "≥ 60 %",
        ),
        Figure("  its p99 against its p50, 8 connections", "", "", f"{tail:.1f} ×", "≤ 3 ×"),
        Figure(
            f"  without contacts against with {contacts:,}",
            f"{alone:,.0f} → {ours:,.0f} requests/s",
            "",
            f"{alone / ours:.2f} ×",
            "≤ 1.2 ×",
        ),
    ]


def _turns(path: str, bare_url: str, token: str) -> tuple[list[Load], list[Load]]:
    pairs = [(wrk(path, token), wrk(bare_url, token)) for _ in range(ROUNDS)]
    return [ours for ours, _ in pairs], [least for _, least in pairs]


def _fill(ground: Ground, org: UUID, contacts: int) -> None:
    each = contacts // 50
    ground.contacts(org, each)
    newest = ground.newest(org, 50)
    for campaign in newest:
        ground.audience(org, campaign, each)
    ground.fold()
    ground.settle()
