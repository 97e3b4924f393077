"""The engine with a bug in it, planted in memory only: in the text of a statement, or of a function."""

import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import FunctionType
from typing import Any

import msgspec


class Change(msgspec.Struct, frozen=True):
    """`old` becomes `new` in `where`: `noun.statement` for SQL, `module:function` for code."""

    where: str
    old: str
    new: str


class Mutant(msgspec.Struct, frozen=True):
    """A bug. `database` is run on each world's database before it begins; `days` and `contacts` are the size of worlds
    that look for it.
    """

    name: str
    breaks: str
    changes: tuple[Change, ...]
    database: str = ""
    days: float = 1.0
    contacts: int = 300


class Stale(Exception):
    """The engine has changed: the text that a mutant replaces is no longer there."""


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """The engine with the bug in it while inside. Raises `Stale`."""
    with ExitStack() as undo:
        for where in dict.fromkeys(change.where for change in mutant.changes):
            plant = _in_code if ":" in where else _in_sql
            undo.callback(plant(where, [change for change in mutant.changes if change.where == where]))
        yield


def _in_sql(where: str, changes: Sequence[Change]) -> Callable[[], None]:
    noun, name = where.split(".")
    statements: dict[str, str] = import_module(f"agentalk.store.{noun}").SQL
    text = statements.get(name, "")
    statements[name] = _replaced(changes, text)
    return lambda: statements.update({name: text})


def _in_code(where: str, changes: Sequence[Change]) -> Callable[[], None]:
    module_name, _, path = where.partition(":")
    module: Any = import_module(f"agentalk.{module_name}")
    owner = module
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    function: FunctionType = getattr(owner, name)
    source = _replaced(changes, textwrap.dedent(inspect.getsource(function)))
    made: dict[str, Any] = {}
    exec(compile(source, f"<planted in {where}>", "exec"), vars(module), made)  # noqa: S102
    code = function.__code__
    # In place: whoever imported the function has the bug too.
    function.__code__ = made[name].__code__

    def undo() -> None:
        function.__code__ = code

    return undo


def _replaced(changes: Sequence[Change], text: str) -> str:
    for change in changes:
        if change.old not in text:
            raise Stale(f"{change.where} does not hold {change.old!r}")
        text = text.replace(change.old, change.new)
    return text
