"""What commands print: tables for people, tab-separated lines for pipes, JSON for programs, complaints on stderr."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print JSON.", show_default=False)]


# Where there is no terminal to ask.
_WIDTH = 100


def console(*, stderr: bool = False) -> Console:
    """Where answers go. Made anew each time, so that it follows what stdout is now."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else _WIDTH)


def say(text: str = "") -> None:
    """One line on stdout; `[markup]` is for terminals."""
    console().print(text, soft_wrap=True)


def complain(sentence: str) -> None:
    """One line on stderr, never wrapped and never read as markup."""
    line = Text.assemble(("Error: ", "bold red"), sentence)
    console(stderr=True).print(line, soft_wrap=True)


def show_json(value: object) -> None:
    """A value as indented JSON on stdout."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def show_json_line(value: object) -> None:
    """A value as one line of JSON, for commands that say more than one, or stay."""
    typer.echo(msgspec.json.encode(value).decode())


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Rows below their columns; `empty` is said on a terminal if there are none."""
    out = console()
    cells = [[cell(value) for value in row] for row in rows]
    if not out.is_terminal:
        for line in (columns, *cells):
            typer.echo("\t".join(line))
        return
    if not cells:
        out.print(f"[dim]{empty}[/]")
        return
    table = Table(*columns, box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for line in cells:
        table.add_row(*(Text(text, style=tint(text), overflow="fold") for text in line))
    out.print(table)


def show_record(record: dict[str, Any], fields: Sequence[str]) -> None:
    """One record, a field a line; what it does not have is left out."""
    table = Table.grid(padding=(0, 2))
    for name in fields:
        text = cell(record.get(name))
        if text:
            table.add_row(Text(name, style="dim"), Text(text, style=tint(text), overflow="fold"))
    console().print(table)


def cell(value: object) -> str:
    """A value as a person reads it: times in local time to the second, nothing as nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(cell(one) for one in value)
        case dict():
            return ", ".join(f"{name} {cell(one)}" for name, one in value.items())
        case datetime():
            return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
        case str() if len(value) > 19 and value[10] == "T" and value.endswith("Z"):
            return cell(datetime.fromisoformat(value))
    return str(value)


TINTS = {
    "active": "green",
    "completed": "cyan",
    "paused": "yellow",
    "stopped": "red",
    "answered": "green",
    "voicemail": "cyan",
    "busy": "yellow",
    "no_answer": "yellow",
    "rejected": "magenta",
    "opted_out": "magenta",
    "invalid_number": "red",
    "unreachable": "red",
    "carrier_failure": "red",
    "unknown": "red",
    "ringing": "blue",
    "dialing": "blue",
    "reserved": "blue",
    "in_progress": "bold green",
}


def tint(text: str) -> str:
    """The colour of a status or an outcome, or none."""
    return TINTS.get(text, "")


def program() -> str:
    """How this program is called from here: by its name if the shell finds it, else by its path."""
    own = Path(sys.argv[0])
    found = shutil.which("agentalk")
    if found is not None and Path(found).resolve() == own.resolve():
        return "agentalk"
    return str(own.relative_to(Path.cwd())) if own.is_relative_to(Path.cwd()) else str(own)
