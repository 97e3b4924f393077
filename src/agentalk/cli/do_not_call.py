"""`agentalk do-not-call`: numbers that are not to be called, and who asked not to be."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

import typer

from agentalk.cli.client import Client, Record
from agentalk.cli.environment import settings
from agentalk.cli.exits import Exit, Failure
from agentalk.cli.output import Json, say, show_json, show_table

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Keep numbers from being called: lists, registries, opt-outs."
)
ListId = Annotated[
    UUID | None,
    typer.Option("--list", metavar="ID", help="Which list, if not the organization's own.", show_default=False),
]
Phone = Annotated[str, typer.Argument(metavar="PHONE", help="A number in E.164, as +14155550123.")]
_LISTS = "/api/do-not-call/lists"


@app.command()
def add(
    phone: Annotated[list[str], typer.Argument(metavar="PHONE...", help="Numbers in E.164, as +14155550123.")],
    list_: ListId = None,
    json: Json = False,
) -> None:
    """Add numbers to a list; nobody is about to call them once this is done."""

    async def work(client: Client) -> Record:
        return await client.post(f"{_LISTS}/{await _own(client, list_)}/numbers", {"phones": phone})

    _added(_with_client(work), json)


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="A number a line, or CSV with a column phone."
        ),
    ],
    list_: ListId = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="The day of a registry's data: 2026-11-01.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="The registry holds nothing but this file then.")] = False,
    country: Annotated[str | None, typer.Option(metavar="CC", help="Where numbers without + belong, as US.")] = None,
    json: Json = False,
) -> None:
    """Import numbers from a file into a list or a registry. Rows that hold none come back with the reason."""

    async def work(client: Client) -> Record:
        path, query = f"{_LISTS}/{await _own(client, list_)}/import", {"asOf": as_of, "defaultCountry": country}
        content = await asyncio.to_thread(file.read_bytes)
        return await client.post_bytes(path, content, "text/csv", **query, replace="true" if replace else None)

    _added(_with_client(work), json)


@app.command()
def check(phone: Phone, json: Json = False) -> None:
    """Say what stands against calling a number: its opt-out, and the lists that hold it."""
    told = _with_client(lambda client: client.get("/api/do-not-call/check", phone=phone))
    if json:
        show_json(told)
        return
    rows = [(one["list"]["kind"], one["list"]["name"], one["list"]["asOf"], one["addedAt"]) for one in told["lists"]]
    if told["optOut"]:
        rows.insert(0, ("opted out", told["optOut"]["source"], None, told["optOut"]["createdAt"]))
    show_table(("WHAT", "NAME", "DATA OF", "SINCE"), rows, f"Nothing stands against calling {told['phone']}.")


@app.command()
def remove(phone: Phone, list_: ListId = None) -> None:
    """Take a number off a list. The audit log keeps who did this; it needs an admin's token."""

    async def work(client: Client) -> Record:
        return await client.delete(f"{_LISTS}/{await _own(client, list_)}/numbers/{quote(phone, safe='')}")

    _with_client(work)
    say(f"{phone} is off the list.")


@app.command()
def lists(json: Json = False) -> None:
    """List the lists: the organization's own, those of campaigns, and registries with the day of their data."""
    page = _with_client(lambda client: client.get(_LISTS, limit=1000))
    if json:
        show_json(page)
        return
    rows = [
        (one["id"], one["kind"], one["name"], one["campaignId"], one["jurisdiction"], one["purposes"], one["asOf"])
        for one in page["data"]
    ]
    columns = ("ID", "KIND", "NAME", "CAMPAIGN", "JURISDICTION", "PURPOSES", "DATA OF")
    show_table(columns, rows, "No lists yet: agentalk do-not-call add PHONE")


@app.command("create-registry")
def create_registry(
    name: Annotated[str, typer.Argument(help="A name for people.")],
    jurisdiction: Annotated[str, typer.Option(metavar="CC", help="Where it counts: US, FR, US-FL.")],
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="The day of its data: 2026-11-01.")],
    purpose: Annotated[list[str] | None, typer.Option(help="Only for calls of this purpose; may be repeated.")] = None,
    json: Json = False,
) -> None:
    """Create a registry, to import its numbers into. Calls it counts for wait once its data is too old."""
    body = {"kind": "registry", "name": name, "jurisdiction": jurisdiction, "asOf": as_of, "purposes": purpose or []}
    made = _with_client(lambda client: client.post(_LISTS, body))
    show_json(made) if json else say(
        f"Created registry {made['id']}: agentalk do-not-call import FILE --list {made['id']}"
    )


@app.command("create-campaign-list")
def create_campaign_list(
    campaign: Annotated[UUID, typer.Argument(metavar="CAMPAIGN", help="The campaign's id.")],
    name: Annotated[str, typer.Option(help="A name for people.")] = "Do not call",
    json: Json = False,
) -> None:
    """Create a campaign's own list, to add numbers to."""
    body = {"kind": "campaign", "name": name, "campaignId": str(campaign)}
    made = _with_client(lambda client: client.post(_LISTS, body))
    show_json(made) if json else say(f"Created list {made['id']}: agentalk do-not-call add PHONE --list {made['id']}")


@app.command("opt-out")
def opt_out(
    phone: Annotated[str | None, typer.Argument(metavar="PHONE", help="A number in E.164.")] = None,
    contact: Annotated[str | None, typer.Option(metavar="ID", help="Or a contact who has it.")] = None,
    json: Json = False,
) -> None:
    """Have a number called by no campaign any more, because somebody asked for it."""
    if (phone is None) == (contact is None):
        raise typer.BadParameter("Name a PHONE, or a --contact.")
    body = {"source": "console", **({"phone": phone} if phone else {"contactId": contact})}
    made = _with_client(lambda client: client.post("/api/opt-outs", body))
    show_json(made) if json else say(f"{made['phone']} is not called any more, by no campaign.")


@app.command("opt-outs")
def opt_outs(
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    offset: Annotated[int, typer.Option(help="Pass over so many.")] = 0,
    json: Json = False,
) -> None:
    """List opt-outs, newest first."""
    page = _with_client(lambda client: client.get("/api/opt-outs", limit=limit, offset=offset))
    if json:
        show_json(page)
        return
    rows = [(one["phone"], one["source"], one["callId"], one["createdAt"]) for one in page["data"]]
    show_table(("PHONE", "SAID", "CALL", "SINCE"), rows, "Nobody has opted out.")


@app.command("opt-in")
def opt_in(phone: Phone) -> None:
    """Remove an opt-out, because the person asked for it. It needs an admin's token; the audit log keeps who did it."""
    _with_client(lambda client: client.delete(f"/api/opt-outs/{quote(phone, safe='')}"))
    say(f"{phone} may be called again, once added to a campaign anew.")


def _with_client(work: Callable[[Client], Awaitable[Record]]) -> Record:
    async def do() -> Record:
        async with Client.of(settings()) as client:
            return await work(client)

    return asyncio.run(do())


async def _own(client: Client, list_id: UUID | None) -> str:
    """The list that was named, or the organization's own, made if there is none yet."""
    if list_id is not None:
        return str(list_id)
    known = (await client.get(_LISTS, kind="organization", limit=1))["data"]
    made = known[0] if known else await client.post(_LISTS, {"kind": "organization", "name": "Do not call"})
    return str(made["id"])


def _added(told: Record, json: bool) -> None:
    if json:
        show_json(told)
    else:
        say(f"{told['added']} added, {told['known']} known before, {told['refused']} refused.")
        if told["released"] or told["skipped"]:
            say(f"{told['released']} calls given back, {told['skipped']} contacts of campaigns skipped.")
        if told["errors"]:
            rows = [(one["row"], one["value"], one["message"]) for one in told["errors"]]
            show_table(("ROW", "VALUE", "WHY"), rows, "")
    if not told["added"] and not told["known"]:
        raise Failure("No number was taken.", Exit.REFUSED)
