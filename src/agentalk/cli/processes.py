"""What the commands that stay have in common: options, signals, and how they end."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import typer
import uvloop

from agentalk.cli.exits import Exit, Failure
from agentalk.cli.logs import set_up
from agentalk.postgres import PostgresError
from agentalk.settings import Settings, http_url
from agentalk.wiring.carriers import Unusable
from agentalk.wiring.collector import let_rest
from agentalk.wiring.database import DatabaseAway
from agentalk.wiring.first import NotForDemos
from agentalk.wiring.web import PortTaken, ServerFailed

T = TypeVar("T")

Host = Annotated[
    str, typer.Option(metavar="ADDRESS", help="The address to listen on; 0.0.0.0 for all of this machine's.")
]
Port = Annotated[
    int, typer.Option(min=0, max=65535, metavar="N", help="The port to listen on; 0 for any that is free.")
]
CarrierUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where `agentalk simulator` answers; else the carrier lives in this process."),
]
PublicUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="Where carriers reach the API; their callbacks go there.")
]


def with_carrier(settings: Settings, carrier: str, carrier_url: str | None) -> Settings:
    """The settings with the options about the carrier before them."""
    if carrier != "simulator":
        raise typer.BadParameter(f'There is no carrier "{carrier}" yet; use simulator.', param_hint="--carrier")
    return replace(settings, simulator_url=url_option(carrier_url, "--carrier-url") or settings.simulator_url)


def url_option(text: str | None, name: str) -> str | None:
    """A URL given as an option, checked."""
    try:
        return http_url(text) if text is not None else None
    except ValueError as error:
        raise typer.BadParameter(f"It {error}", param_hint=name) from None


def stay(settings: Settings, work: Callable[[asyncio.Event], Coroutine[Any, Any, T]]) -> T:
    """Run `work`, which ends soon after the event it is given is set: by SIGTERM or Ctrl-C.

    A second signal ends the process on the spot.
    """
    set_up(settings)

    async def do() -> T:
        let_rest()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, _signalled, stop)
        return await work(stop)

    with telling():
        return uvloop.run(do())


@contextlib.contextmanager
def telling() -> Any:
    """Turn what the floors below raise into a sentence and an exit code."""
    try:
        yield
    except DatabaseAway as error:
        raise Failure(str(error), Exit.UNREACHABLE) from None
    except (PostgresError, PortTaken, Unusable, ServerFailed, NotForDemos) as error:
        raise Failure(str(error)) from None


def _signalled(stop: asyncio.Event) -> None:
    if stop.is_set():
        os._exit(Exit.INTERRUPTED)
    stop.set()


async def until(stop: asyncio.Event, work: Awaitable[T]) -> T | None:
    """The result of `work`, or None if `stop` came first; `work` is then cancelled."""
    task = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        for one in (task, stopping):
            one.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)
