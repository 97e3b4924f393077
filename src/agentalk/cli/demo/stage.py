"""The demo on its stage: the processes behind it, the steps in front, and the live screen."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.live import Live
from rich.text import Text

from agentalk.cli import screen
from agentalk.cli.client import Client
from agentalk.cli.demo.day import HOME, PLACES, dawn, opens
from agentalk.cli.demo.people import SHIPPED, people, write
from agentalk.cli.demo.story import Ending, Story
from agentalk.cli.exits import Failure
from agentalk.cli.importing import Import, import_file, write_refused
from agentalk.cli.processes import until
from agentalk.domain.clock import Clock
from agentalk.domain.window import zones_of
from agentalk.settings import Settings
from agentalk.wiring.carriers import rang
from agentalk.wiring.first import demo_key
from agentalk.wiring.processes import serve

ROWS, REFUSED = "contacts.csv", "contacts.refused.csv"
# Without a terminal, a line about the campaign every so many seconds.
_LINE_SECONDS = 2.0


@dataclass(frozen=True)
class Played:
    """A demo that was played to its end, and the token that opens its organization."""

    ending: Ending
    token: str


async def play(
    settings: Settings,
    folder: Path,
    speed: float,
    contacts: Path | None,
    how_many: int | None,
    out: Console,
    stop: asyncio.Event,
) -> Played | None:
    """Play the demo; None if it was stopped. Raises `Failure`, and what `serve` raises."""
    began = time.monotonic()

    def make_clock() -> Clock:
        return Clock(start=dawn(Clock().now()), speed=speed)

    async with serve(settings, host="127.0.0.1", port=0, make_clock=make_clock) as running:
        clock = running.clock
        key = await demo_key(running.database, clock.now())
        _tell(out, f"PostgreSQL, the API and the engine are up at {running.url}", began)
        async with Client(running.url, key.token) as client:
            story = Story(client, clock)
            ending = await until(stop, _steps(story, client, clock, folder, contacts, how_many, out))
            if ending is None:
                await story.pause()
                return None
    return Played(ending, key.token)


async def _steps(
    story: Story, client: Client, clock: Clock, folder: Path, contacts: Path | None, how_many: int | None, out: Console
) -> Ending:
    already = len(rang(folder))
    began = time.monotonic()
    imported = await _import(client, contacts or _shipped(folder, how_many or SHIPPED), folder, how_many)
    _tell(out, f"{imported.accepted} of {imported.rows} rows imported, {imported.refused} refused", began)
    began = time.monotonic()
    added = await story.prepare(imported.accepted)
    _tell(out, f"An agent and a campaign created, {added['added']} contacts added", began)
    await _show(story, clock, out)
    return await story.end(imported, added, rang(folder)[already:])


def _shipped(folder: Path, how_many: int) -> Path:
    """The demo's own rows, as a file beside its data; more than it ships are made by the same rule."""
    file = folder / ROWS
    with file.open("w", encoding="utf-8") as rows:
        if how_many > SHIPPED:
            write(people(how_many), rows)
        else:
            rows.write(files(__package__).joinpath(ROWS).read_text(encoding="utf-8"))
    return file


async def _import(client: Client, file: Path, folder: Path, how_many: int | None) -> Import:
    progress = Import(size=1)
    async for latest in import_file(client, file, how_many):
        progress = latest
    write_refused(progress, folder / REFUSED)
    if not progress.accepted:
        raise Failure(f"None of {progress.rows} rows could be imported; {folder / REFUSED} says why.")
    return progress


async def _show(story: Story, clock: Clock, out: Console) -> None:
    """The campaign from its start to its rest: a live board on a terminal, a line now and then elsewhere."""
    if out.is_terminal:
        with Live(console=out, auto_refresh=False) as live:
            async for look in story.call():
                now = clock.now()
                board = screen.board(look, f"a day {clock.speed:g} times as fast", [_clocks(now)], HOME, story.names)
                live.update(board, refresh=True)
        return
    last, said_at = "", 0.0
    async for look in story.call():
        line = screen.line(look)
        if line != last and time.monotonic() - said_at >= _LINE_SECONDS:
            said_at = time.monotonic()
            out.print(f"{clock.now().astimezone(HOME):%H:%M} in Los Angeles: {line}", markup=False, soft_wrap=True)
        last = line


def _clocks(now: datetime) -> Text:
    """What time it is around the world, and where people may be called."""
    text = Text()
    for place, group in PLACES.items():
        opening = opens(group, now)
        open_now = opening is not None and opening <= now
        local = now.astimezone(ZoneInfo(zones_of(group)[0]))
        text.append(f"{place} ", "dim").append(f"{local:%H:%M}", "bold green" if open_now else "bright_black")
        text.append("   ")
    return text


def _tell(out: Console, done: str, began: float) -> None:
    out.print(Text.assemble(("✓ ", "green"), done, (f"  {time.monotonic() - began:.1f} s", "dim")))
