"""`agentalk dialer`: the engine alone."""

import asyncio
from typing import Annotated

import typer

from agentalk.cli.environment import DataDir, settings
from agentalk.cli.exits import Exit, Failure
from agentalk.cli.output import say
from agentalk.cli.processes import CarrierUrl, PublicUrl, stay, url_option, with_carrier
from agentalk.wiring.processes import dial

app = typer.Typer(add_completion=False)


@app.command()
def dialer(
    data_dir: DataDir = None,
    carrier: Annotated[str, typer.Option(help="The carrier that places calls.")] = "simulator",
    carrier_url: CarrierUrl = None,
    public_url: PublicUrl = None,
) -> None:
    """Run the engine alone. Any number of these may share a database."""
    chosen = with_carrier(settings(data_dir), carrier, carrier_url)
    reached_at = url_option(public_url, "--public-url")
    if chosen.simulator_url is None:
        # Dialers take over each other's calls, and so must all ask the same carrier what became of them.
        raise Failure(
            "A dialer needs a carrier that outlives it: start `agentalk simulator`, and name it by --carrier-url"
            " (and the API, which takes its callbacks, by --public-url).",
            Exit.USAGE,
        )

    async def work(stop: asyncio.Event) -> None:
        async with dial(chosen, public_url=reached_at):
            say("The dialer is up.")
            await stop.wait()

    stay(chosen, work)
