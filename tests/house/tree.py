"""What the house rules read: the files, and a module with its names resolved."""

import ast
import subprocess
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "agentalk"
TESTS = ROOT / "tests"


def files(folder: Path, *suffixes: str) -> list[Path]:
    """The files below `folder` with one of these suffixes."""
    return sorted(path for path in folder.rglob("*") if path.suffix in suffixes)


def tracked() -> list[Path]:
    """Every file that git holds or would take. Skips the test where the code did not come by git."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@dataclass(frozen=True)
class Module:
    """A Python file. `name` is its path below the folder it was read from: `domain/call.py`."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def imported(self) -> dict[str, str]:
        """What each imported name stands for: `{"dt": "datetime.datetime"}`."""
        names: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names |= {alias.asname: alias.name for alias in node.names if alias.asname}
            elif isinstance(node, ast.ImportFrom):
                names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        return names

    def dotted(self, node: ast.AST) -> str:
        """The full name behind `a.b.c`; empty for an expression that is no such name."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute) and (parent := self.dotted(node.value)):
            return f"{parent}.{node.attr}"
        return ""

    def calls(self) -> list[tuple[ast.Call, str]]:
        """Every call, with the full name of what it calls."""
        return [(node, self.dotted(node.func)) for node in ast.walk(self.tree) if isinstance(node, ast.Call)]

    def at(self, node: ast.expr | ast.stmt | ast.excepthandler | ast.pattern) -> str:
        """Where to look: `domain/call.py:12`."""
        return f"{self.name}:{node.lineno}"


@cache
def modules(folder: Path) -> tuple[Module, ...]:
    """The Python files below `folder`."""
    texts = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files(folder, ".py")}
    return tuple(Module(name, text) for name, text in texts.items())
