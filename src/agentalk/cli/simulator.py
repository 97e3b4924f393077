"""`agentalk simulator`: the simulated carrier as a process of its own."""

import secrets
import signal
from pathlib import Path
from typing import Annotated

import typer

from agentalk.cli.environment import settings
from agentalk.cli.exits import Failure
from agentalk.cli.logs import set_up
from agentalk.cli.output import Json, say, show_json_line
from agentalk.cli.processes import Host, Port, telling
from agentalk.domain.clock import Clock
from agentalk.wiring.carriers import run_simulator
from agentalk.wiring.collector import let_rest

app = typer.Typer(add_completion=False)


@app.command()
def simulator(
    host: Host = "127.0.0.1",
    port: Port = 8100,
    ledger: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where every placement is recorded; else only in memory.")
    ] = None,
    mix: Annotated[
        str | None,
        typer.Option(metavar="JSON|@FILE", help="How calls go: weights, ringSeconds, talkSeconds, callbacks, seed."),
    ] = None,
    faults: Annotated[
        str | None, typer.Option(metavar="JSON|@FILE", help="What goes wrong how often: resetPlaced, slowReply, …")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.001, max=100_000, metavar="N", help="Seconds of its world in one of life.")
    ] = 1.0,
    json: Json = False,
) -> None:
    """Run the simulated carrier as a process of its own, with an HTTP API, callbacks and a ledger of what rang."""
    chosen = settings()
    set_up(chosen)
    secret = chosen.simulator_secret or secrets.token_urlsafe(16)

    def announce(url: str) -> None:
        if json:
            show_json_line({"url": url, "secret": secret})
            return
        say(f"The simulated carrier answers at {url}")
        if chosen.simulator_secret is None:
            say("Servers and dialers that use it need:")
            say(f"  export AGENTALK_SIMULATOR_URL={url}")
            say(f"  export AGENTALK_SIMULATOR_SECRET={secret}")

    # Its server ends on these by itself, and then raises them anew for us to end by: there is nothing left to do.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    let_rest()
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
