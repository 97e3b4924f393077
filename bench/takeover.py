"""A dialer killed in the middle of its calls: how soon another has them, and what became of each contact."""

import time
from uuid import UUID

from bench.ground import server
from bench.orders import Stage, stage
from bench.report import Figure

MIX = '{"weights": {"answered": 1}, "ringSeconds": [0.1, 1], "talkSeconds": [0.5, 3]}'


async def run(contacts: int) -> list[Figure]:
    """A campaign of `contacts`; the only dialer is killed at a third of it, and another one is up."""
    async with server() as dsn:
        with stage(dsn, MIX, contacts) as on:
            return [_kill(on, contacts)]


def _kill(on: Stage, contacts: int) -> Figure:
    campaign = on.ground.campaigns(on.org, 1, rate=contacts / 8)[0]
    on.ground.audience(on.org, campaign, contacts)
    on.order(campaign, "start")
    on.until(f"SELECT count(*) > {contacts // 3} FROM calls WHERE dialed_at IS NOT NULL")
    dead = on.ground.newest_dialer()
    with on.another_dialer():
        on.dialer.kill()
        killed = time.perf_counter()
        held = on.ground.one(f"SELECT count(*) FROM calls WHERE dialer_id = '{dead}' AND live")
        on.until(f"SELECT count(*) = 0 FROM calls WHERE dialer_id = '{dead}' AND live")
        taken = time.perf_counter() - killed
        on.until(f"SELECT count(*) FROM campaigns WHERE id = '{campaign}' AND status = 'completed'", 120)
    of: dict[UUID, str] = dict(on.ground.connection.execute("SELECT id, contact_id FROM calls").fetchall())
    people = [of[row.call_id] for row in on.ledger()]
    lost, twice = contacts - len(set(people)), len(people) - len(set(people))
    return Figure(
        f"killed dialer, {contacts} contacts, {held} of its calls live",
        f"taken over after {taken:.1f} s; {lost} lost, {twice} called twice",
        "",
        "",
        "≤ 15 s, none, none",
    )
