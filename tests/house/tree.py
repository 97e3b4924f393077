"""The files that the house rules read."""

import ast
import subprocess
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


def dotted(node: ast.AST, names: dict[str, str]) -> str:
    """The full name behind `a.b.c`, with `names` from `imported`; empty for anything that is not such a name."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute) and (parent := dotted(node.value, names)):
        return f"{parent}.{node.attr}"
    return ""


def imported(tree: ast.Module) -> dict[str, str]:
    """What each name that a module imports stands for: `{"dt": "datetime.datetime"}`."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names
