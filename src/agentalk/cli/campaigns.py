"""`agentalk campaigns`: create, preview, start, pause, stop and watch."""

import asyncio
import contextlib
import csv
import io
import json as jsonlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import typer

from agentalk.cli import prospects, watching
from agentalk.cli.client import Client, Record
from agentalk.cli.environment import settings
from agentalk.cli.exits import Failure
from agentalk.cli.output import Json, console, say, show_json, show_record, show_table

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Create, preview, start, pause, stop and watch campaigns."
)
Campaign = Annotated[UUID, typer.Argument(metavar="CAMPAIGN", help="The campaign's id.")]
COUNTS = ("pending", "calling", "waiting", "completed", "exhausted", "skipped", "canceled", "total")
# What one request may add, as one transaction.
_MOST_IDS = 100_000
FIELDS = (
    "id",
    "name",
    "status",
    "phase",
    "statusReason",
    "agentId",
    "callerIds",
    "maxConcurrency",
    "callsPerSecond",
    "startAt",
    "startedAt",
    "endedAt",
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="A name for people.")],
    agent: Annotated[UUID, typer.Option(metavar="ID", help="The agent that speaks: agentalk agents create")],
    caller_id: Annotated[
        list[str] | None, typer.Option(metavar="PHONE", help="A number to call from; may be repeated.")
    ] = None,
    max_concurrency: Annotated[int | None, typer.Option(help="Live calls at most.")] = None,
    calls_per_second: Annotated[float | None, typer.Option(help="New calls a second at most.")] = None,
    priority: Annotated[int | None, typer.Option(help="Higher goes first.")] = None,
    hours: Annotated[
        str | None,
        typer.Option(metavar="HH:MM-HH:MM", help="Call only in these hours of the contact's day, every day."),
    ] = None,
    max_attempts: Annotated[int | None, typer.Option(help="Attempts at most for one contact.")] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="More of the campaign as the API takes it: window, retry, policy, callerIdRule, voicemail, carrierId."
            " Options go before it.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Create a campaign, as a draft."""
    body: dict[str, Any] = _policy(policy) if policy else {}
    body |= {"name": name, "agentId": str(agent)}
    given = {
        "callerIds": caller_id,
        "maxConcurrency": max_concurrency,
        "callsPerSecond": calls_per_second,
        "priority": priority,
    }
    body |= {field: value for field, value in given.items() if value is not None}
    if hours is not None:
        body["window"] = {**body.get("window", {}), "slots": _slots(hours)}
    if max_attempts is not None:
        body["retry"] = {**body.get("retry", {}), "maxAttempts": max_attempts}
    campaign = _post("", body)
    show_json(campaign) if json else say(f"Created campaign {campaign['id']} (draft).")


@app.command("list")
def list_(
    status: Annotated[str | None, typer.Option(help="Only draft, active, paused, stopped or completed ones.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    offset: Annotated[int, typer.Option(help="Pass over so many.")] = 0,
    json: Json = False,
) -> None:
    """List campaigns, newest first."""

    async def work() -> Record:
        async with Client.of(settings()) as client:
            return await client.get("/api/campaigns", limit=limit, offset=offset, status=status)

    page = asyncio.run(work())
    if json:
        show_json(page)
        return
    rows = [
        (c["id"], c["name"], c["status"], c["phase"], *(c["counts"][name] for name in COUNTS)) for c in page["data"]
    ]
    columns = ("ID", "NAME", "STATUS", "PHASE", *(name.upper() for name in COUNTS))
    show_table(columns, rows, "No campaigns yet: agentalk campaigns create")


@app.command()
def show(campaign: Campaign, json: Json = False) -> None:
    """Show one campaign."""

    async def work() -> Record:
        async with Client.of(settings()) as client:
            return await client.get(f"/api/campaigns/{campaign}")

    _show(asyncio.run(work()), json)


@app.command("add-contacts")
def add_contacts(
    campaign: Campaign,
    contact: Annotated[list[str] | None, typer.Argument(help="Ids of contacts.")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="A file with one id a line, or a CSV with a column `id`; - reads stdin."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every contact of the organization.")] = False,
    json: Json = False,
) -> None:
    """Add contacts; those who are in it already are reset and called anew."""
    ids = [*(contact or ()), *(_ids(file) if file else ())]
    if bool(ids) == all_:
        raise typer.BadParameter("Name contacts, or a --file of them, or --all.")

    async def work() -> Record:
        async with Client.of(settings()) as client:
            known = ids or [record["id"] async for record in client.pages("/api/contacts")]
            parts = [known[n : n + _MOST_IDS] for n in range(0, len(known), _MOST_IDS)] or [[]]
            return _sum(
                [await client.post(f"/api/campaigns/{campaign}/contacts", {"contactIds": part}) for part in parts]
            )

    answer = asyncio.run(work())
    if json:
        show_json(answer)
        return
    say(f"{answer['added']} added, {answer['reset']} reset, {answer['invalid']} invalid.")
    if answer["invalidContacts"]:
        rows = [(one["contactId"], one["reason"]) for one in answer["invalidContacts"]]
        show_table(("CONTACT", "REASON"), rows, "")


@app.command()
def callback(
    campaign: Campaign,
    contact: Annotated[str, typer.Argument(help="The contact's id.")],
    at: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="2026-12-01T15:00:00-05:00; without an offset it is the contact's own time of day."
        ),
    ],
    json: Json = False,
) -> None:
    """Have a contact called back at a time it asked for, or as soon after as is lawful, ahead of everyone else."""
    standing = _post(f"/{campaign}/contacts/{quote(contact, safe='')}/callback", {"at": at})
    if json:
        show_json(standing)
    elif standing["nextAttemptAt"]:
        say(f"Will be called at {standing['nextAttemptAt']}.")
    else:
        say("Is on a call, and will be called after it.")


@app.command()
def start(
    campaign: Campaign,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Start then: 2026-12-01T09:00:00-05:00, offset and all.")
    ] = None,
    json: Json = False,
) -> None:
    """Start a campaign now, or at a time, and say what is to be expected."""
    started = _post(f"/{campaign}/start", {"startAt": at} if at else None)
    _show(started, json)
    if not json:
        # It has started, whatever becomes of the outlook.
        with contextlib.suppress(Failure):
            console().print(prospects.summary(_post(f"/{campaign}/preview")))


@app.command()
def preview(campaign: Campaign, json: Json = False) -> None:
    """Say who would be called, who not and why, when, and until when. Changes nothing."""

    async def work() -> tuple[Record, Record]:
        async with Client.of(settings()) as client:
            path = f"/api/campaigns/{campaign}"
            return await client.get(path), await client.post(f"{path}/preview")

    shown, told = asyncio.run(work())
    show_json(told) if json else console().print(prospects.page(shown, told))


@app.command()
def pause(campaign: Campaign, json: Json = False) -> None:
    """Dial nobody new; live calls run to their end."""
    _show(_post(f"/{campaign}/pause"), json)


@app.command()
def stop(campaign: Campaign, json: Json = False) -> None:
    """Dial nobody new, hang up what rings, and cancel the contacts that are left."""
    _show(_post(f"/{campaign}/stop"), json)


@app.command()
def watch(
    campaign: Campaign,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between looks.")] = 1.0,
    until_done: Annotated[bool, typer.Option("--until-done", help="End when the campaign has ended.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object a look.", show_default=False)] = False,
) -> None:
    """Watch a campaign live: counts, calls a second, recent calls, and when it may end."""

    async def work() -> None:
        async with Client.of(settings()) as client:
            await watching.watch(client, str(campaign), interval=interval, until_done=until_done, json=json)

    # Ctrl-C is how one stops watching.
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work())


def _sum(answers: Sequence[Record]) -> Record:
    """Several answers about added contacts as one."""
    counts = {name: sum(answer[name] for answer in answers) for name in ("requested", "added", "reset", "invalid")}
    invalid = [one for answer in answers for one in answer["invalidContacts"]]
    return {**answers[0], **counts, "invalidContacts": invalid}


def _post(path: str, body: object = None) -> Record:
    async def work() -> Record:
        async with Client.of(settings()) as client:
            return await client.post(f"/api/campaigns{path}", body)

    return asyncio.run(work())


def _show(campaign: Record, json: bool) -> None:
    if json:
        show_json(campaign)
        return
    show_record(campaign, FIELDS)
    counts = campaign["counts"]
    say(" · ".join(f"{counts[name]} {name}" for name in COUNTS))


def _policy(file: Path) -> dict[str, Any]:
    try:
        body = jsonlib.loads(file.read_bytes())
    except ValueError as error:
        raise Failure(f"{file} is not JSON: {error}.") from None
    if not isinstance(body, dict):
        raise Failure(f"{file} holds no JSON object.")
    return body


def _slots(hours: str) -> list[dict[str, str]]:
    start, dash, end = hours.partition("-")
    if not dash:
        raise typer.BadParameter(f'"{hours}" is not HH:MM-HH:MM.', param_hint="--hours")
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return [{"day": day, "start": start.strip(), "end": end.strip()} for day in days]


def _ids(file: Path) -> list[str]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Failure(f"{file} is not UTF-8.") from None
    rows = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    if not rows:
        return []
    names = [cell.strip().lower() for cell in rows[0]]
    if "id" in names:
        column = names.index("id")
        return [row[column].strip() for row in rows[1:] if len(row) > column and row[column].strip()]
    if len(rows[0]) > 1:
        raise Failure(f"{file} has several columns, and none of them is called `id`.")
    return [row[0].strip() for row in rows]
