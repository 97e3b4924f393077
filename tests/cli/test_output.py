"""How the program speaks of itself."""

import sys
from pathlib import Path

import pytest

from agentalk.cli.output import program


def test_the_program_is_named_as_it_can_be_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "bin" / "agentalk"
    own.parent.mkdir()
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(own)])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == str(own)
    monkeypatch.chdir(tmp_path)
    assert program() == "bin/agentalk"
    monkeypatch.setenv("PATH", str(own.parent))
    assert program() == "agentalk"
