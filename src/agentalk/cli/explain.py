"""`agentalk explain`: why a contact is called, or not."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

import typer
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agentalk.cli.client import Client, Record
from agentalk.cli.environment import settings
from agentalk.cli.output import Json, cell, console, show_json, tint
from agentalk.cli.prospects import when

app = typer.Typer(add_completion=False)
# What of a decision is worth a word in the history, and of a policy in the list.
_POLICY = (
    "purpose",
    "frequency",
    "requireConsent",
    "duplicatePhones",
    "jurisdictions",
    "minRingSeconds",
    "retentionDays",
)


@app.command()
def explain(
    campaign: Annotated[UUID, typer.Argument(metavar="CAMPAIGN", help="The campaign's id.")],
    contact: Annotated[str, typer.Argument(metavar="CONTACT", help="The contact's id.")],
    json: Json = False,
) -> None:
    """Say why a contact of a campaign is called or not: what happened, what decides now, and when a call may go out."""

    async def work() -> Record:
        async with Client.of(settings()) as client:
            return await client.get(f"/api/campaigns/{campaign}/contacts/{quote(contact, safe='')}/explain")

    told = asyncio.run(work())
    show_json(told) if json else console().print(page(told))


def page(told: Record, zone: tzinfo | None = None) -> RenderableType:
    """All that an explanation tells. Times are of `zone`, or local, but for those of the contact."""
    contact = told["contact"]
    title = Text.assemble((contact["contactId"], "bold"), "  ", (contact["status"], tint(contact["status"]) or "dim"))
    body: list[RenderableType] = [*_headline(told, zone)]
    if len(told["against"]) > 1:
        body += [Text(), Text("What else stands against a call", "bold"), *_against(told["against"][1:], zone)]
    history = sorted([*_calls(told["calls"]), *_events(told["events"])], key=lambda entry: entry[0])
    if history:
        body += [Text(), Text("What happened", "bold"), _history(history, zone)]
    body += [Text(), *_policy(told["policy"])]
    return Panel(
        Group(*body), title=title, title_align="left", box=box.ROUNDED, border_style="bright_black", padding=(1, 2)
    )


def _headline(told: Record, zone: tzinfo | None) -> Iterator[RenderableType]:
    allowed = told["rule"] == "allowed"
    yield Text.assemble(
        (told["rule"].replace("_", " "), "bold green" if allowed else "bold yellow"), "  ", told["says"]
    )
    if told["against"] and (figures := _figures(told["against"][0], zone)):
        yield Text(figures, "dim")
    yield Text()
    where = ", ".join((*told["timeZones"], *told["jurisdictions"])) or "nobody knows where"
    contact = told["contact"]
    yield Text.assemble(
        (told["phone"] or "no phone", "bold"), f"  {where}", (f"  {contact['attempts']} attempts", "dim")
    )
    if told["nextAt"] is None:
        yield Text("No call is to be expected as things stand.", "dim")
        return
    yield Text.assemble("A call may go out from ", (when(told["nextAt"], zone), "bold"), " on")
    for local in told["local"]:
        at = datetime.fromisoformat(local["at"])
        yield Text.assemble(("  there it is then ", "dim"), f"{at:%a %-d %b %H:%M}", (f"  {local['timeZone']}", "dim"))


def _against(against: Sequence[Record], zone: tzinfo | None) -> Iterator[RenderableType]:
    for one in against:
        figures = _figures(one, zone)
        yield Text.assemble(
            (one["rule"].replace("_", " "), "yellow"), "  ", one["says"], (f"  {figures}" if figures else "", "dim")
        )


def _figures(one: Record, zone: tzinfo | None) -> str:
    basis = {name: value for name, value in one["basis"].items() if value not in (None, [], {})}
    told = [
        f"{name} {cell(value)}" if not isinstance(value, dict) else f"{name}: {cell(value)}"
        for name, value in basis.items()
    ]
    return " · ".join([*([f"until {when(one['until'], zone)}"] if one["until"] else []), *told])


_Entry = tuple[str, str, str]


def _calls(calls: Sequence[Record]) -> Iterator[_Entry]:
    for call in calls:
        by = f"policy {call['policyVersion']}" if call["policyVersion"] else ""
        caps = [f"{cap['used']} of {_cap(cap)}" for cap in (call["decision"] or {}).get("caps", ())]
        state = call["outcome"] or call["status"]
        yield call["at"], f"call {call['attempt']}: {state.replace('_', ' ')}", " · ".join(filter(None, (by, *caps)))


def _events(events: Sequence[Record]) -> Iterator[_Entry]:
    for event in events:
        # Calls are told of already.
        if event["type"].startswith("contact."):
            data = event["data"]
            told = {"next": when(data.get("nextAttemptAt")), "reason": data.get("skipReason")}
            yield event["at"], event["type"], cell({name: value for name, value in told.items() if value})


def _history(history: Sequence[_Entry], zone: tzinfo | None) -> Table:
    table = Table.grid(padding=(0, 2))
    for at, what, more in history:
        style = tint(what.rpartition(": ")[2].replace(" ", "_"))
        table.add_row(Text(when(at, zone), "dim"), Text(what, style), Text(more, "dim", overflow="fold"))
    return table


def _policy(policy: Record) -> Iterator[RenderableType]:
    yield Text.assemble(("Policy in force  ", "bold"), (policy["version"], "dim"))
    fields = Table.grid(padding=(0, 2))
    for name in _POLICY:
        value = policy["inForce"][name]
        told = ", ".join(map(_cap, value)) if name == "frequency" else cell(value)
        fields.add_row(Text(name, "dim"), Text(told or "-", overflow="fold"), Text(policy["saidBy"][name], "dim"))
    yield fields
    sources = Table.grid(padding=(0, 2))
    for one in policy["sources"]:
        sources.add_row(
            Text(one["jurisdiction"]), Text(one["name"]), Text(one["date"], "dim"), Text(one["source"], "dim")
        )
    yield Text()
    yield Text("Rules of", "bold")
    yield sources


def _cap(cap: Record) -> str:
    return f"{cap['max']} in {cell(cap['hours'])} h by {cap['scope']}"
