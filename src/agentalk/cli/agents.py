"""`agentalk agents`: what speaks on a call."""

import asyncio
from typing import Annotated

import typer

from agentalk.cli.client import Client, Record
from agentalk.cli.environment import settings
from agentalk.cli.output import Json, say, show_json, show_table

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Create and list agents: what speaks on a call.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="A name for people.")],
    first_message: Annotated[str, typer.Option(help="What it says first; {{name}} is the contact's name.")],
    prompt: Annotated[str, typer.Option(help="How it is to behave.")] = "",
    voicemail_message: Annotated[str, typer.Option(help="What it says to a machine.")] = "",
    json: Json = False,
) -> None:
    """Create an agent."""
    body = {
        "name": name,
        "prompt": prompt,
        "firstMessage": first_message,
        "voicemailMessage": voicemail_message,
    }

    async def work() -> Record:
        async with Client.of(settings()) as client:
            return await client.post("/api/agents", body)

    agent = asyncio.run(work())
    show_json(agent) if json else say(f"Created agent {agent['id']}.")


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    offset: Annotated[int, typer.Option(help="Pass over so many.")] = 0,
    json: Json = False,
) -> None:
    """List agents, newest first."""

    async def work() -> Record:
        async with Client.of(settings()) as client:
            return await client.get("/api/agents", limit=limit, offset=offset)

    page = asyncio.run(work())
    if json:
        show_json(page)
        return
    rows = [(a["id"], a["name"], a["firstMessage"], a["createdAt"]) for a in page["data"]]
    show_table(("ID", "NAME", "FIRST MESSAGE", "CREATED"), rows, "No agents yet: agentalk agents create")
