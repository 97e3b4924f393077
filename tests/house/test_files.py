"""Files stay short and are named for what they hold."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT, SOURCE, TESTS, Module, files, modules

MOST_LINES = 400
NAMES_THAT_SAY_NOTHING = re.compile(r"(?:^|_)(?:utils?|helpers?|commons?|managers?|services?|misc)(?:_|$)")


def too_long(name: str, text: str) -> list[str]:
    lines = text.count("\n")
    return [f"{name} has {lines} lines, {MOST_LINES} at most"] if lines > MOST_LINES else []


def says_nothing(module: Module) -> list[str]:
    names = [(part.removesuffix(".py"), module.name) for part in Path(module.name).parts]
    names += [(node.name, module.at(node)) for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    return [f"{where}: '{name}' says nothing" for name, where in names if NAMES_THAT_SAY_NOTHING.search(_snake(name))]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def test_files_are_short() -> None:
    paths = files(SOURCE, ".py", ".sql") + files(TESTS, ".py", ".sql")
    assert [said for path in paths for said in too_long(str(path.relative_to(ROOT)), path.read_text())] == []


def test_names_say_something() -> None:
    assert [said for folder in (SOURCE, TESTS) for module in modules(folder) for said in says_nothing(module)] == []


def test_a_long_file_is_found() -> None:
    assert too_long("a.py", "x\n" * 401)
    assert not too_long("a.py", "x\n" * 400)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("api/utils.py", ""),
        ("helpers/calls.py", ""),
        ("dialer/call_manager.py", ""),
        ("store/common.py", ""),
        ("api/campaigns.py", "class CampaignService: pass"),
        ("api/campaigns.py", "class DBManager: pass"),
    ],
)
def test_a_name_that_says_nothing_is_found(name: str, text: str) -> None:
    assert says_nothing(Module(name, text))


def test_a_word_within_a_word_is_no_offence() -> None:
    assert not says_nothing(Module("domain/commonwealth.py", "class Utility: pass"))
