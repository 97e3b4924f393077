"""Below the roof nobody asks for the time or for the environment: both are passed in. And no test sleeps."""

import ast
import re

import pytest

from tests.house.tree import SOURCE, TESTS, Module, files, modules

ROOF = ("cli/", "wiring/", "wiring.py")
CLOCK = "domain/clock.py"
CLOCK_SQL = "clock.sql"
SETTINGS = "settings.py"
CLOCK_READS = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
}
ENVIRONMENT_READS = {"os.getenv", "os.environ.get", "os.environ.pop", "os.environ.setdefault"}
SQL_CLOCK_READS = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|\b(?:current_timestamp|current_date|current_time|localtimestamp|localtime)\b"
    r"|'(?:now|today|tomorrow|yesterday)'",
    re.IGNORECASE,
)
SQL_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def clock_reads(module: Module) -> list[str]:
    if module.name.startswith((*ROOF, CLOCK)):
        return []
    attributes = [node for node in ast.walk(module.tree) if isinstance(node, ast.Attribute | ast.Name)]
    return [f"{module.at(node)} asks for the time" for node in attributes if module.dotted(node) in CLOCK_READS]


def environment_reads(module: Module) -> list[str]:
    if module.name.startswith((*ROOF, SETTINGS)):
        return []
    calls = [call for call, name in module.calls() if name in ENVIRONMENT_READS]
    items = [node for node in ast.walk(module.tree) if isinstance(node, ast.Subscript)]
    reads = calls + [node for node in items if module.dotted(node.value) == "os.environ"]
    return [f"{module.at(node)} reads the environment" for node in reads]


def sql_clock_reads(name: str, text: str) -> list[str]:
    if name == CLOCK_SQL:
        return []
    return [f"{name}: {found[0]} asks for the time" for found in SQL_CLOCK_READS.finditer(SQL_COMMENTS.sub("", text))]


def sleeps(module: Module) -> list[str]:
    # The simulation's loop has a clock of its own, on which sleeping takes no time.
    waits = set() if module.name.startswith("simulation/") else {"asyncio.sleep", "anyio.sleep"}
    return [
        f"{module.at(call)} sleeps"
        for call, name in module.calls()
        if name == "time.sleep" or (name in waits and not _is_zero(call.args))
    ]


def _is_zero(arguments: list[ast.expr]) -> bool:
    return len(arguments) == 1 and isinstance(arguments[0], ast.Constant) and arguments[0].value == 0


def test_time_is_passed_in() -> None:
    assert [said for module in modules(SOURCE) for said in clock_reads(module)] == []


def test_the_environment_is_read_once() -> None:
    assert [said for module in modules(SOURCE) for said in environment_reads(module)] == []


def test_sql_does_not_ask_for_the_time() -> None:
    assert [said for path in files(SOURCE, ".sql") for said in sql_clock_reads(path.name, path.read_text())] == []


def test_tests_do_not_sleep() -> None:
    assert [said for module in modules(TESTS) for said in sleeps(module)] == []


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import UTC, datetime\nat = datetime.now(UTC)",
        "import datetime as d\nat = d.datetime.utcnow()",
        "from datetime import date as day\nat = day.today()",
        "import time\nat = time.time()",
        "from time import time_ns\nat = time_ns()",
        "from datetime import datetime\nmake(default_factory=datetime.now)",
    ],
)
def test_a_clock_read_is_found(text: str) -> None:
    assert clock_reads(Module("dialer/tick.py", text))
    assert not clock_reads(Module("domain/clock.py", text))
    assert not clock_reads(Module("cli/demo.py", text))


def test_the_given_clock_may_be_asked() -> None:
    assert not clock_reads(Module("dialer/loop.py", "now = clock.now()\nthen = self.clock.now()"))


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.environ['HOME']",
        "from os import environ\nenviron.get('HOME')",
        "from os import getenv\ngetenv('A')",
    ],
)
def test_an_environment_read_is_found(text: str) -> None:
    assert environment_reads(Module("api/app.py", text))
    assert not environment_reads(Module("settings.py", text))
    assert not environment_reads(Module("postgres/run.py", "import os\nenvironment = {**os.environ, 'LC_ALL': 'C'}"))


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE calls SET at = now()",
        "SELECT CURRENT_TIMESTAMP",
        "at timestamptz DEFAULT clock_timestamp ()",
        "WHERE at > 'now'::timestamptz",
    ],
)
def test_a_clock_read_in_sql_is_found(text: str) -> None:
    assert sql_clock_reads("calls.sql", text)


def test_sql_that_is_given_the_time_is_left_alone() -> None:
    assert not sql_clock_reads("calls.sql", "-- not now()\nSELECT known(a), %(now)s::timestamptz /* now() */")


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio\nawait asyncio.sleep(0.1)",
        "from asyncio import sleep\nawait sleep(delay)",
        "import time\ntime.sleep(0)",
    ],
)
def test_a_sleep_is_found(text: str) -> None:
    assert sleeps(Module("dialer/test_tick.py", text))
    assert not sleeps(Module("dialer/test_tick.py", "import asyncio\nawait asyncio.sleep(0)"))
