"""`agentalk simulator`: the simulated carrier as a process of its own."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from agentalk.cli.environment import settings
from agentalk.cli.exits import Failure
from agentalk.cli.logs import set_up
from agentalk.cli.output import say
from agentalk.cli.processes import Host, Port, telling
from agentalk.domain.clock import Clock
from agentalk.wiring.carriers import run_simulator

app = typer.Typer()


@app.command()
def simulator(
    host: Host = "127.0.0.1",
    port: Port = 8100,
    ledger: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where every placement is recorded; else only in memory.")
    ] = None,
    mix: Annotated[
        str | None, typer.Option(metavar="JSON|@FILE", help="How calls go: weights, ringSeconds, talkSeconds, seed.")
    ] = None,
    faults: Annotated[
        str | None, typer.Option(metavar="JSON|@FILE", help="What goes wrong how often: resetPlaced, slowReply, …")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.001, max=100_000, help="Seconds of its world in one of life.")] = 1.0,
) -> None:
    """Run the simulated carrier as a process of its own, with an HTTP API, callbacks and a ledger of what rang."""
    chosen = settings()
    set_up(chosen)
    secret = chosen.simulator_secret or secrets.token_urlsafe(16)

    def announce(url: str) -> None:
        say(f"The simulated carrier answers at {url}")
        if chosen.simulator_secret is None:
            say("Servers and dialers that use it need:")
            say(f"  export AGENTALK_SIMULATOR_URL={url}")
            say(f"  export AGENTALK_SIMULATOR_SECRET={secret}")

    with telling():
        run_simulator(
            host=host,
            port=port,
            clock=Clock(speed=speed),
            ledger=ledger,
            secret=secret,
            mix=_json(mix),
            faults=_json(faults),
            announce=announce,
        )


def _json(given: str | None) -> bytes | None:
    """JSON as it stands, or the content of @FILE."""
    if given is None or not given.startswith("@"):
        return given.encode() if given is not None else None
    try:
        return Path(given[1:]).read_bytes()
    except OSError as error:
        raise Failure(f"{given[1:]} cannot be read: {error.strerror or error}.") from None
