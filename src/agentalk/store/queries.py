"""SQL has a file and a name: `-- name: x` in `sql/NOUN.sql` is run by `async def x` in `NOUN.py`."""

from collections.abc import Mapping
from importlib.resources import files
from typing import LiteralString

_MARK = "-- name: "


def load(noun: str) -> Mapping[str, LiteralString]:
    """The named statements of `sql/{noun}.sql`. They are our own text, never made of input: hence `LiteralString`."""
    text = files("agentalk.store").joinpath(f"sql/{noun}.sql").read_text(encoding="utf-8")
    blocks = text.split(_MARK)[1:]
    named = [block.split("\n", 1) for block in blocks]
    return {name.strip(): body.strip() for name, body in named}
