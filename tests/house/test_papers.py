"""What people read and what git holds: decisions, locks, and nothing of the machine it was written on."""

import re
import tomllib

import pytest

from tests.house.tree import ROOT, tracked

DECISIONS = ROOT / "docs" / "decisions"
MOST_LINES_OF_A_DECISION = 60
LEAKS = {
    "a path of somebody's machine": re.compile(r"(?<![\w.$}])/(?:root|home|work|Users|tmp)/\w"),
    "a package registry": re.compile(r"\b(?:pypi|pythonhosted|npmjs|rubygems)\.(?:org|com|io)\b|\bindex[-]url\b"),
    "a key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}


def wrong_decision(name: str, text: str) -> list[str]:
    """A decision is `NNNN-title.md`: a numbered title, one line to quote, half a page."""
    said = []
    if not (number := re.match(r"(\d{4})-[a-z0-9-]+\.md$", name)):
        return [f"{name} is not NNNN-title.md"]
    if not text.startswith(f"# {number[1]}. "):
        said.append(f"{name} does not begin with '# {number[1]}. Title'")
    if len(re.findall(r"^> \S", text, re.MULTILINE)) != 1:
        said.append(f"{name} has no one line to quote ('> …')")
    if text.count("\n") > MOST_LINES_OF_A_DECISION:
        said.append(f"{name} is longer than half a page")
    return said


def leaks(name: str, text: str) -> list[str]:
    return [f"{name} names {what}: {found[0]}" for what, pattern in LEAKS.items() if (found := pattern.search(text))]


def test_decisions_are_short_and_quotable() -> None:
    papers = sorted(DECISIONS.iterdir())
    assert [said for paper in papers for said in wrong_decision(paper.name, paper.read_text(encoding="utf-8"))] == []
    assert [paper.name[:4] for paper in papers] == [f"{number:04}" for number in range(1, len(papers) + 1)]


def test_nothing_of_the_machine_is_committed() -> None:
    texts = [(str(path.relative_to(ROOT)), path.read_bytes().decode("utf-8", "replace")) for path in tracked()]
    assert [said for name, text in texts for said in leaks(name, text)] == []


def test_locks_hold_hashes_and_no_address() -> None:
    for text in (_lock("base"), _lock("dev")):
        assert "://" not in text
        assert re.findall(r"^\S+==.*", text, re.MULTILINE) == re.findall(r"^(\S+==.*)\n +--hash=", text, re.MULTILINE)


def test_the_base_lock_is_part_of_the_dev_lock() -> None:
    base, dev = (set(re.findall(r"^\S+==\S+", text, re.MULTILINE)) for text in (_lock("base"), _lock("dev")))
    assert base < dev


def _lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text()


def test_types_are_checked_strictly() -> None:
    mypy = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert mypy["strict"]
    assert "exhaustive-match" in mypy["enable_error_code"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("1-short.md", "# 1. A\n\n> B.\n"),
        ("0001-a.md", "# A\n\n> B.\n"),
        ("0001-a.md", "# 0002. A\n\n> B.\n"),
        ("0001-a.md", "# 0001. A\n\nB.\n"),
        ("0001-a.md", "# 0001. A\n\n> B.\n\n> C.\n"),
        ("0001-a.md", "# 0001. A\n\n> B.\n" + "\n" * 60),
    ],
)
def test_a_wrong_decision_is_found(name: str, text: str) -> None:
    assert wrong_decision(name, text)
    assert not wrong_decision("0001-a.md", "# 0001. A\n\n> B.\n\nC.\n")


@pytest.mark.parametrize(
    "text", ["see \x2froot/a", "cd '\x2fhome/ada'", "DATA=\x2ftmp/x", "pypi\x2eorg", "--index\x2durl x"]
)
def test_a_leak_is_found(text: str) -> None:
    assert leaks("a.md", text)


@pytest.mark.parametrize(
    "text", ["/var/lib/agentalk", "https://example.com/home/a", "$HOME/tmp/a", "tests/tmp/a", "<root>/a"]
)
def test_what_is_no_leak_is_left_alone(text: str) -> None:
    assert not leaks("a.md", text)
