"""The carriers of a process. The only file that names concrete ones."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import msgspec

from agentalk.carriers.carrier import Carrier, EventSink
from agentalk.carriers.simulator.client import SimulatorClient
from agentalk.carriers.simulator.faults import NO_FAULTS, Faults
from agentalk.carriers.simulator.inprocess import SimulatedCarrier
from agentalk.carriers.simulator.ledger import DamagedLedger, Ledger
from agentalk.carriers.simulator.world import Mix
from agentalk.domain.clock import Clock
from agentalk.postgres.folder import Folder
from agentalk.settings import Settings

T = TypeVar("T")
LEDGER = "ledger.jsonl"
SIMULATOR = "simulator"


class Unusable(Exception):
    """A carrier cannot be set up as asked; the message says why."""


@dataclass(frozen=True, kw_only=True)
class CarrierPlan:
    """How the simulated carrier is to be had.

    Within the process, with its ledger in `folder`; or, if `settings.simulator_url` is set, as a process of its own,
    whose callbacks go to the API at `public_url`.
    """

    settings: Settings
    folder: Path
    public_url: str | None = None


@contextlib.asynccontextmanager
async def open_carriers(plan: CarrierPlan, clock: Clock, sink: EventSink) -> AsyncIterator[Mapping[str, Carrier]]:
    """The carriers by kind; `sink` hears the events of those within the process. Raises `Unusable`."""
    if plan.settings.simulator_url is not None:
        if clock.speed != 1:
            raise Unusable("A carrier of its own process goes by the time of day: leave out --speed or --carrier-url.")
        client = _client(plan, plan.settings.simulator_url)
        try:
            yield {SIMULATOR: client}
        finally:
            await client.close()
        return
    ledger = _ledger(plan.folder / LEDGER)
    try:
        carrier = SimulatedCarrier(clock=clock, sink=sink, ledger=ledger)
        try:
            yield {SIMULATOR: carrier}
        finally:
            await carrier.close()
    finally:
        ledger.close()


def run_simulator(
    *,
    host: str,
    port: int,
    clock: Clock,
    ledger: Path | None,
    secret: str,
    mix: bytes | None,
    faults: bytes | None,
    announce: Callable[[str], None],
) -> None:
    """The simulated carrier as this process, until a signal. Raises `Unusable`."""
    # Other processes need neither it nor the HTTP client of its callbacks.
    from agentalk.carriers.simulator import server  # noqa: PLC0415

    given_mix, given_faults = _read(mix, Mix, "mix"), _read(faults, Faults, "faults")
    try:
        server.run(
            host=host,
            port=port,
            clock=clock,
            ledger=ledger,
            secret=secret,
            mix=given_mix,
            faults=given_faults or NO_FAULTS,
            announce=announce,
        )
    except DamagedLedger as error:
        raise Unusable(str(error)) from error
    except BlockingIOError as error:
        raise Unusable(f"Another process is writing {ledger}.") from error


@dataclass(frozen=True)
class Rang:
    """One line of a ledger: a phone was made to ring for a call of ours."""

    call_id: UUID
    phone: str


def rang(folder: Path) -> list[Rang]:
    """What the ledger within a process has written so far, in order."""
    return [Rang(row.call_id, row.phone) for row in Ledger.read(folder / LEDGER).rows()]


def _client(plan: CarrierPlan, url: str) -> SimulatorClient:
    secret = plan.settings.simulator_secret
    if secret is None:
        raise Unusable(
            "AGENTALK_SIMULATOR_SECRET is not set. It signs the simulator's callbacks: `agentalk simulator` prints one,"
            " or takes the one that is set."
        )
    if plan.public_url is None:
        raise Unusable("With a simulator of its own process, say with --public-url where its callbacks reach the API.")
    try:
        return SimulatorClient(url, callback_url=f"{plan.public_url}/gateway/{SIMULATOR}/callbacks", secret=secret)
    except ValueError as error:
        raise Unusable(str(error)) from error


def _ledger(path: Path) -> Ledger:
    try:
        # With a database of one's own nobody has made the folder yet.
        Folder(path.parent).claim()
        return Ledger(path)
    except DamagedLedger as error:
        raise Unusable(f"{error} Move the file away; what it says of earlier calls is then lost.") from error
    except BlockingIOError as error:
        raise Unusable(f"Another process is writing {path}. Choose another folder with --data-dir.") from error
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {error.strerror or error}.") from error


def _read(given: bytes | None, kind: type[T], name: str) -> T | None:
    if given is None:
        return None
    try:
        return msgspec.json.decode(given, type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Unusable(f"The {name} cannot be read: {str(error).rstrip('.')}.") from error
