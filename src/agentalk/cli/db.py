"""`agentalk db`: the database itself."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from agentalk import postgres
from agentalk.cli.environment import DataDir, one_database
from agentalk.cli.operator import in_database, run
from agentalk.cli.output import Json, say, show_json
from agentalk.domain.clock import Clock
from agentalk.operations import retention
from agentalk.operations.retention import Expired
from agentalk.store.database import Database
from agentalk.store.migrate import migrate as migrate_database
from agentalk.wiring.database import after_restore, database_url, running_url

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Migrate, back up, restore and purge the database.")
File = Annotated[Path, typer.Argument(metavar="FILE", help="A backup in PostgreSQL's custom format.")]


@app.command()
def migrate(data_dir: DataDir = None, json: Json = False) -> None:
    """Bring the schema up to date. The servers do it at their start, too."""

    async def work() -> list[str]:
        async with database_url(one_database(data_dir)) as url:
            return await migrate_database(url)

    applied = run(work)
    if json:
        show_json({"applied": applied})
        return
    for name in applied:
        say(f"Applied {name}.")
    if not applied:
        say("The schema is up to date.")


@app.command()
def url(data_dir: DataDir = None, json: Json = False) -> None:
    """Print the database's URL, password included, for psql and other programs. An embedded server must be running."""
    found = run(lambda: running_url(one_database(data_dir)))
    show_json({"url": found}) if json else typer.echo(found)


@app.command()
def backup(file: File, data_dir: DataDir = None, json: Json = False) -> None:
    """Write a backup to FILE, which must not exist yet. The servers may go on running."""

    async def work() -> None:
        async with database_url(one_database(data_dir)) as url:
            await postgres.dump(url, file)

    run(work)
    size = file.stat().st_size
    show_json({"file": str(file), "bytes": size}) if json else say(f"Wrote {file} ({size} bytes).")


@app.command()
def restore(
    file: File,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Replace the database's content by a backup's: all of it, or nothing if anything fails. Stop the servers first."""
    if not yes and sys.stdin.isatty():
        typer.confirm("This replaces everything in the database. Go on?", abort=True)

    async def work() -> list[str]:
        async with database_url(one_database(data_dir)) as url:
            await postgres.restore(url, file)
            applied = await migrate_database(url)
            await after_restore(url)
            return applied

    applied = run(work)
    show_json({"file": str(file), "applied": applied}) if json else say(f"Restored {file}.")


@app.command()
def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what there is to forget, and keep it.")] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Forget what was said to whom in calls older than their policy's retention (retentionDays), and what is past use.

    The calls stay on record without their person. The servers may go on running.
    """
    now = Clock().now()

    async def work(database: Database) -> Expired:
        if dry_run:
            async with database.reading() as tx:
                return await retention.expired(tx, now)
        async with database.reading() as tx:
            terms = await retention.terms(tx, now)
        calls = answers = 0
        for campaign, before in terms:
            while done := await database.run(retention.forget_calls, campaign, before):
                calls += done
        while done := await database.run(retention.forget_answers, now):
            answers += done
        return Expired(calls, await database.run(retention.forget_reports, now), answers)

    found = in_database(data_dir, work)
    if json:
        show_json({"dryRun": dry_run, "calls": found.calls, "reports": found.reports, "answers": found.answers})
        return
    said = f"{found.calls} calls, {found.reports} carriers' reports, {found.answers} answers to Idempotency-Keys"
    say(f"To be forgotten: {said}." if dry_run else f"Forgotten: {said}.")
