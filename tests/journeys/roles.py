"""The program's roles, as a drill starts them: they find one database, and believe one simulator."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

from tests.journeys.processes import WORLD, Process, Processes, World

SECRET = {"AGENTALK_SIMULATOR_SECRET": "drill", "AGENTALK_RATE_LIMIT": "0"}


def environment(dsn: str) -> dict[str, str]:
    """What a process needs to find the database and to be believed by the simulator."""
    return {"DATABASE_URL": "postgresql:///?" + urlencode(conninfo_to_dict(dsn), quote_via=quote), **SECRET}


def living_in(world: World | None) -> dict[str, str]:
    """What moves a process into a world."""
    return {WORLD: str(world.file)} if world else {}


def start_simulator(
    started: Processes, ledger: Path, mix: Any, port: str = "0", *, world: World | None = None
) -> Process:
    """A simulator on a port, ready."""
    options = ("--port", port, "--ledger", ledger, "--mix", json.dumps(mix))
    return started.start("simulator", *options, **SECRET, **living_in(world)).ready("http://")


def start_api(
    started: Processes, dsn: str, simulator: Process, port: str = "0", *, world: World | None = None
) -> Process:
    """The API on a port, ready."""
    options = ("--port", port, "--carrier-url", simulator.url)
    return started.start("api", *options, **environment(dsn), **living_in(world)).ready("/docs")


def start_server(started: Processes, data: Path, simulator: Process, port: str = "0") -> Process:
    """`agentalk serve` with a PostgreSQL of its own; not waited for."""
    return started.start("serve", "--data-dir", data, "--port", port, "--carrier-url", simulator.url, **SECRET)
