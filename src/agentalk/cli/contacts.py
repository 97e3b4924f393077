"""`agentalk contacts`: the people to call."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from agentalk.cli.client import Client, Record
from agentalk.cli.environment import settings
from agentalk.cli.exits import Exit
from agentalk.cli.importing import Import, import_file, write_refused
from agentalk.cli.output import Json, console, say, show_json, show_table

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Import and list contacts.")


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            exists=True,
            dir_okay=False,
            help="CSV in UTF-8. Columns: phone, and perhaps id, name, timeZone, country, region, postalCode, language;"
            " any other becomes an attribute.",
        ),
    ],
    country: Annotated[
        str | None,
        typer.Option(metavar="CC", help="Whose numbers are those without +, as US, where the row says none."),
    ] = None,
    refused: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where refused rows go, with reasons.", show_default="FILE.refused.csv"),
    ] = None,
    json: Json = False,
) -> None:
    """Import contacts from a CSV file. Rows that cannot be taken are written to a file with the reasons.

    Imported again, a file changes nothing; a row without an id is known by its phone.
    """
    done = asyncio.run(_import(file, country))
    errors_file = refused or file.with_name(f"{file.name.removesuffix('.csv')}.refused.csv")
    if done.errors:
        write_refused(done, errors_file)
    if json:
        counts = {name: getattr(done, name) for name in ("rows", "created", "updated", "replaced", "refused")}
        show_json({**counts, "refusedFile": str(errors_file) if done.errors else None})
    else:
        replaced = f" {done.replaced} replaced by a later row," if done.replaced else ""
        say(f"{done.rows} rows: {done.created} created, {done.updated} updated,{replaced} {done.refused} refused.")
        if done.errors:
            say(f"The refused rows, with reasons: {errors_file}")
    if not done.accepted:
        raise typer.Exit(Exit.REFUSED)


async def _import(file: Path, country: str | None) -> Import:
    columns = (TextColumn("Importing"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rows]} rows"))
    progress = Import(size=1)
    with Progress(
        *columns, TimeRemainingColumn(), console=console(stderr=True), disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("", total=1, rows=0)
        async with Client.of(settings()) as client:
            async for progress in import_file(client, file, country=country):
                bar.update(task, total=progress.size, completed=progress.position, rows=progress.rows)
    return progress


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    offset: Annotated[int, typer.Option(help="Pass over so many.")] = 0,
    json: Json = False,
) -> None:
    """List contacts, newest first."""

    async def work() -> Record:
        async with Client.of(settings()) as client:
            return await client.get("/api/contacts", limit=limit, offset=offset)

    page = asyncio.run(work())
    if json:
        show_json(page)
        return
    rows = [(c["id"], c["name"], c["phone"], c["timeZone"], c["language"], c["createdAt"]) for c in page["data"]]
    columns = ("ID", "NAME", "PHONE", "TIME ZONE", "LANGUAGE", "CREATED")
    show_table(columns, rows, "No contacts yet: agentalk contacts import FILE.csv")
