"""The commands that the papers name exist, in the Makefile and in the program."""

import re
from importlib import import_module

import pytest
import typer

from agentalk.cli.app import COMMANDS
from tests.house.tree import ROOT, tracked

PROMISED = {"demo", "serve", "test", "check", "fix", "bench", "lock"}


def targets(makefile: str) -> set[str]:
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def unknown_targets(name: str, text: str, known: set[str]) -> list[str]:
    """`make x` in code, where the Makefile has no x."""
    return [f"{name}: no 'make {words[0]}'" for words in _asked("make", text) if words and words[0] not in known]


def unknown_commands(name: str, text: str, known: dict[str, set[str]]) -> list[str]:
    """`agentalk x y` in code, where the program has no x, or x has commands of its own and no y."""
    said = []
    for words in _asked("agentalk", text):
        if words and words[0] not in known:
            said.append(f"{name}: no 'agentalk {words[0]}'")
        elif words[1:] and known[words[0]] and words[1] not in known[words[0]]:
            said.append(f"{name}: no 'agentalk {words[0]} {words[1]}'")
    return said


def _asked(program: str, text: str) -> list[list[str]]:
    """The lower-case words after each use of `program` in a paper's code, up to the first option or argument."""
    code = re.findall(r"`[^`\n]+`|^```.*?^```", text, re.MULTILINE | re.DOTALL)
    command = re.compile(rf"(?:^|[`;&(|$/])[ \t]*{program}((?: [a-z][a-z-]*(?![\w./=]))*)", re.MULTILINE)
    return [words.split() for piece in code for words in command.findall(piece)]


def _commands() -> dict[str, set[str]]:
    """Each command of `agentalk`, with the commands below it."""
    programs = {
        name: typer.main.get_command(import_module(f"agentalk.cli.{name.replace('-', '_')}").app) for name in COMMANDS
    }
    return {name: set(getattr(program, "commands", ())) for name, program in programs.items()}


def _papers() -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in tracked() if path.suffix == ".md"}


def test_the_makefile_has_the_commands() -> None:
    assert targets((ROOT / "Makefile").read_text()) >= PROMISED


def test_targets_in_the_papers_exist() -> None:
    known = targets((ROOT / "Makefile").read_text())
    assert [said for name, text in _papers().items() for said in unknown_targets(name, text, known)] == []


def test_commands_in_the_papers_exist() -> None:
    known = _commands()
    assert [said for name, text in _papers().items() for said in unknown_commands(name, text, known)] == []


@pytest.mark.parametrize("text", ["`make it`", "```\nmake demo\nmake it  # so\n```", "```sh\ncd a && make it\n```"])
def test_an_unknown_target_is_found(text: str) -> None:
    assert unknown_targets("README.md", text, {"demo"})
    assert not unknown_targets("README.md", "We make it with `make demo ARGS=1`.\n```\nmake demo\n```", {"demo"})


@pytest.mark.parametrize(
    "text", ["`agentalk fly`", "```\n$ agentalk db burn --now\n```", "`.venv/bin/agentalk db burn`"]
)
def test_an_unknown_command_is_found(text: str) -> None:
    known: dict[str, set[str]] = {"db": {"url"}, "serve": set()}
    assert unknown_commands("README.md", text, known)
    assert not unknown_commands("README.md", "`agentalk serve`, `agentalk db url`, `agentalk`, `agentalk.cli`", known)
