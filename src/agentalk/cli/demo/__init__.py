"""`agentalk demo`: a campaign from a CSV file, called to its end on a simulated carrier, faster than life."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from agentalk.cli.demo import stage, summary
from agentalk.cli.demo.stage import Played
from agentalk.cli.environment import settings
from agentalk.cli.exits import Exit
from agentalk.cli.output import Json, console, show_json
from agentalk.cli.processes import stay
from agentalk.postgres import default_data_dir

app = typer.Typer(add_completion=False)
_HOW_MANY = 200


@app.command()
def demo(
    contacts: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="FILE.csv", help="Whom to call, instead of the demo's own."),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=1, max=100_000, metavar="N", help="How many rows to take.", show_default=f"{_HOW_MANY}, all of your own"
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=1, max=1_000, metavar="N", help="Seconds of the demo's day in one of yours.")
    ] = 60.0,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="FOLDER", help="Where its data is kept, and found again.")
    ] = None,
    json: Json = False,
) -> None:
    """Watch a campaign from a CSV file being called to its end. No telephone rings: the carrier is simulated."""
    # Not inside the data folder of `serve`: that one belongs to `serve` alone.
    folder = (data_dir or default_data_dir().with_name("agentalk-demo")).expanduser().absolute()
    found = settings(data_dir)
    # Warnings would tear the screen.
    level = "error" if found.log_level in ("info", "warning") else found.log_level
    chosen = replace(found, data_dir=folder, simulator_url=None, rate_limit=0.0, log_level=level)
    out = console(stderr=json)
    how_many = count or (None if contacts else _HOW_MANY)

    async def work(stop: asyncio.Event) -> Played | None:
        return await stage.play(chosen, folder, speed, contacts, how_many, out, stop)

    played = stay(chosen, work)
    if played is None:
        raise typer.Exit(Exit.INTERRUPTED)
    if json:
        show_json(summary.figures(played.ending))
    else:
        summary.show(played.ending, folder, played.token, out)
    if played.ending.faults:
        raise typer.Exit(Exit.REFUSED)
