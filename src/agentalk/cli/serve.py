"""`agentalk serve`: everything in one process."""

import asyncio
from typing import Annotated

import typer

from agentalk.cli.environment import DataDir, settings
from agentalk.cli.output import Json, say, show_json_line
from agentalk.cli.processes import CarrierUrl, Host, Port, PublicUrl, stay, url_option, with_carrier
from agentalk.settings import Settings
from agentalk.wiring.database import data_dir as folder_of
from agentalk.wiring.first import Key, first_key
from agentalk.wiring.processes import serve as serve_all

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data_dir: DataDir = None,
    carrier: Annotated[str, typer.Option(help="The carrier that places calls.")] = "simulator",
    carrier_url: CarrierUrl = None,
    public_url: PublicUrl = None,
    json: Json = False,
) -> None:
    """Run everything in one process: the API, the engine, and a database if you have none.

    The first start creates an organization and prints a token for it, once.
    """
    chosen = with_carrier(settings(data_dir), carrier, carrier_url)
    reached_at = url_option(public_url, "--public-url")

    async def work(stop: asyncio.Event) -> None:
        async with serve_all(chosen, host=host, port=port, public_url=reached_at) as running:
            key = await first_key(running.database, running.clock.now())
            (greet_program if json else greet)(chosen, running.url, key)
            await stop.wait()

    stay(chosen, work)


def greet_program(settings: Settings, url: str, key: Key | None) -> None:
    """The same for a program, in one line of JSON. Only at the first start there is a token in it."""
    told: dict[str, object] = {"url": url, "dataDir": str(folder_of(settings)), "embedded": not settings.database_url}
    if key is not None:
        told |= {"organizationId": key.organization.id, "token": key.token}
    show_json_line(told)


def greet(settings: Settings, url: str, key: Key | None) -> None:
    """What a person wants to know of a server that has just come up."""
    say(f"[bold]Agentalk[/] serves at [bold cyan]{url}[/]  (documentation: {url}/docs)")
    where = "the PostgreSQL of DATABASE_URL" if settings.database_url else folder_of(settings)
    say(f"Data: {where}")
    if key is None:
        return
    say()
    say("This is its first start. Here is an organization and its token, [bold]shown this once[/]:")
    say()
    say(f"  export AGENTALK_URL={url}")
    say(f"  export AGENTALK_TOKEN={key.token}")
    say()
    say(f"  organization: {key.organization.id} ({key.organization.name})")
    say('  try it: curl -H "Authorization: Bearer $AGENTALK_TOKEN" $AGENTALK_URL/api/campaigns')
    say()
