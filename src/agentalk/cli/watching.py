"""Watching a campaign: one look after another, as a live screen, as lines, or as JSON."""

import asyncio
from collections.abc import AsyncIterator

import typer
from rich.live import Live

from agentalk.cli import screen
from agentalk.cli.client import Client
from agentalk.cli.exits import Exit, Failure
from agentalk.cli.looks import Look, Watcher
from agentalk.cli.output import complain, console, show_json_line


async def watch(client: Client, campaign: str, *, interval: float, until_done: bool, json: bool) -> None:
    """Show a campaign until it has ended, or for ever."""
    looks = _looks(Watcher(client, campaign), interval, until_done)
    out = console()
    if json or not out.is_terminal:
        last = ""
        async for look in looks:
            line = screen.line(look)
            if json:
                show_json_line(as_json(look))
            elif line != last:
                typer.echo(line)
            last = line
        return
    with Live(console=out, auto_refresh=False) as live:
        async for look in looks:
            live.update(screen.board(look), refresh=True)


async def _looks(watcher: Watcher, interval: float, until_done: bool) -> AsyncIterator[Look]:
    """Look after look. A server that goes away after the first is waited for."""
    look = await watcher.look()
    yield look
    away = False
    while not (until_done and look.campaign["status"] in ("completed", "stopped")):
        await asyncio.sleep(interval)
        try:
            look = await watcher.look()
        except Failure as failure:
            if failure.exit is not Exit.UNREACHABLE:
                raise
            if not away:
                complain(f"{failure} Trying again.")
            away = True
            continue
        away = False
        yield look


def as_json(look: Look) -> dict[str, object]:
    """A look for a program: the campaign, and what was learnt by watching."""
    return {
        "campaign": look.campaign,
        "calls": look.calls_total,
        "callsPerSecond": round(look.calls_per_second, 2),
        "secondsLeft": look.seconds_left and round(look.seconds_left, 1),
    }
