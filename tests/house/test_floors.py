"""The import contracts of pyproject.toml, each broken once on purpose in a house of cardboard."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

HOUSE = {
    "cli/__init__.py": "import agentalk.wiring",
    "wiring.py": "import agentalk.api, agentalk.carriers.simulator.server, agentalk.settings, litestar",
    "settings.py": "",
    "api/__init__.py": "import agentalk.operations, litestar",
    "gateway/__init__.py": "import agentalk.carriers.carrier",
    "dialer/__init__.py": "import agentalk.carriers.carrier",
    "operations/__init__.py": "import agentalk.store",
    "store/__init__.py": "import agentalk.domain.call, psycopg, psycopg_pool",
    "carriers/__init__.py": "",
    "carriers/carrier.py": "import agentalk.domain.call",
    "carriers/simulator/__init__.py": "",
    "carriers/simulator/server.py": "import agentalk.carriers.simulator.world",
    "carriers/simulator/world.py": "import httpx, agentalk.carriers.carrier",
    "postgres/__init__.py": "",
    "domain/__init__.py": "",
    "domain/call.py": "",
    "domain/retry.py": "import agentalk.domain.call",
}

BREACHES = [
    ("store/__init__.py", "import agentalk.operations", "Imports go down"),
    ("api/__init__.py", "import agentalk.dialer", "Imports go down"),
    ("api/__init__.py", "import agentalk.settings", "Imports go down"),
    ("store/__init__.py", "import agentalk.postgres", "Imports go down"),
    ("backstairs.py", "", "Imports go down"),
    ("domain/call.py", "import agentalk.domain.retry", "No two siblings"),
    ("cli/__init__.py", "import agentalk.carriers.simulator", "Only wiring names"),
    ("dialer/__init__.py", "import agentalk.carriers.simulator.world", "Only wiring names"),
    ("operations/__init__.py", "import httpx", "No network library"),
    ("store/__init__.py", "import httpx", "No network library"),
    ("domain/call.py", "import psycopg", "The domain knows no"),
    ("domain/call.py", "import structlog", "The domain knows no"),
    ("dialer/__init__.py", "from psycopg import sql", "The database driver"),
    ("postgres/__init__.py", "import psycopg_pool", "The database driver"),
    ("dialer/__init__.py", "from litestar import get", "The web framework"),
    ("carriers/simulator/world.py", "import litestar", "The web framework"),
]


def lint(folder: Path, *breaches: tuple[str, str]) -> str:
    """What import-linter says of the cardboard house, built in `folder`, with these lines added to these files."""
    package = folder / "agentalk"
    for name, text in [("__init__.py", ""), *HOUSE.items()]:
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text + "\n")
    for name, line in breaches:
        with (package / name).open("a") as file:
            file.write(line + "\n")
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        str(ROOT / "pyproject.toml"),
        "--no-cache",
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def broken(report: str) -> list[str]:
    return [line for line in report.splitlines() if line.endswith("BROKEN")]


def test_a_house_that_keeps_the_contracts_passes(tmp_path: Path) -> None:
    report = lint(tmp_path)

    assert "7 kept, 0 broken" in report, report


@pytest.mark.parametrize(("file", "line", "contract"), BREACHES)
def test_a_breach_is_found(tmp_path: Path, file: str, line: str, contract: str) -> None:
    report = lint(tmp_path, (file, line))

    assert any(found.startswith(contract) for found in broken(report)), report
