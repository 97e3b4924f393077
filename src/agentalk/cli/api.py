"""`agentalk api`: the HTTP API alone."""

import asyncio

import typer

from agentalk.cli.environment import DataDir, settings
from agentalk.cli.output import say
from agentalk.cli.processes import CarrierUrl, Host, Port, stay, with_carrier
from agentalk.wiring.processes import serve_api

app = typer.Typer(add_completion=False)


@app.command()
def api(host: Host = "127.0.0.1", port: Port = 8000, data_dir: DataDir = None, carrier_url: CarrierUrl = None) -> None:
    """Run the HTTP API alone, with the callbacks of carriers. Any number of these may share a database."""
    chosen = with_carrier(settings(data_dir), "simulator", carrier_url)

    async def work(stop: asyncio.Event) -> None:
        async with serve_api(chosen, host=host, port=port) as running:
            say(f"The API serves at {running.url}  (documentation: {running.url}/docs)")
            await stop.wait()

    stay(chosen, work)
